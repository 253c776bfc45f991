-- Steps of training by us, as ./dev bench train asks for them:   venturi run -t THREADS train_ours.lua NET eager|captured FILE
-- Reads lines: "steps N" runs N steps, "for S" steps for S seconds, "end" ends. Answers with a line of JSON: the median ms of a step, the losses, bytes of
-- memory.
-- FILE gets the weights and the batch as they are before the first step; PyTorch's process reads them.
local net_name, mode, path = ...
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local vt = require "venturi"
local clock = require("venturi.program").clock
local nets = require "train_nets"
local runs = require "runs"

vt.nn.seed(1)
local net, inputs, loss_of = assert(nets[net_name], net_name)()
local optimizer = vt.optim.AdamW(net:parameters(), { lr = 1e-3 })
local number = vt.var("step", 1)

local state = net:state()
for i, t in ipairs(inputs) do state["input." .. i] = t end
vt.save(path, state)

local function one(...)
  local loss = loss_of(net, ...)
  loss:backward()
  optimizer:step{ step = number }
  optimizer:zero_grad()
  return loss:detach()
end
local run = mode == "captured" and vt.compiled(one, { vars = { number } }) or one

local n_steps = 0
local function step()
  n_steps = n_steps + 1
  number.value = n_steps
  return run(table.unpack(inputs)):item()
end

local function status(key)
  for line in io.lines "/proc/self/status" do
    local kb = line:match("^" .. key .. ":%s+(%d+) kB")
    if kb then return tonumber(kb) * 1024 end
  end
end

collectgarbage()
local before = status "VmRSS"
local refs = io.open("/proc/self/clear_refs", "w")
if refs then -- the peak is counted from here on
  refs:write "5"
  refs:close()
end

for line in io.lines() do
  if line == "end" then break end
  local how, amount = line:match "^(%a+) (%S+)$"
  amount = tonumber(amount)
  local times, losses, start = {}, {}, clock()
  while how == "steps" and #times < amount or how == "for" and (clock() - start < amount or #times < 3) do
    local begin = clock()
    losses[#losses + 1] = step()
    times[#times + 1] = (clock() - begin) * 1e3
  end
  local result = { ms = runs.median(times), steps = #times, losses = table.move(losses, 1, 3, 1, {}), before = before, peak = status "VmHWM",
    weights = net:count() }
  local graph = mode == "captured" and run.graph(table.unpack(inputs))
  if graph then
    result.graph = { arena = graph.arena_bytes, peak = graph.peak_bytes, flops = graph.flops, steps = graph.steps }
  end
  print(vt.json.encode(result))
  io.stdout:flush()
end
