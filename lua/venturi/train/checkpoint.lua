--- A training run in one safetensors file, replaced whole: "net.", "optimizer." and "ema." before the names of their tensors,
--- "loop." before those of what the loop remembers, and "train.step".
local vt = require "venturi"

local M = {}

local function put(all, prefix, state)
  for name, t in pairs(state) do all[prefix .. name] = t end
end

local function part(all, prefix)
  local state = {}
  for name, t in pairs(all) do
    if name:sub(1, #prefix) == prefix then state[name:sub(#prefix + 1)] = t end
  end
  return state
end

--- Writes net, run.optimizer and run.ema, and the loop's memory where there is one, after `step` steps.
function M.write(path, net, run, step, memory)
  local all = { ["train.step"] = vt.tensor({ step }, { dtype = "i64" }) }
  put(all, "net.", net:state())
  put(all, "optimizer.", run.optimizer:state())
  if run.ema then put(all, "ema.", run.ema:state()) end
  if memory then put(all, "loop.", memory:state(run)) end
  vt.save(path, all)
end

--- Puts the state back and returns the step; nil where there is no file. What does not fit is an error.
function M.read(path, net, run, memory)
  local all, err = vt.try(vt.load, path)
  if not all then
    if err.name == "VT_ERR_NOT_FOUND" then return nil end
    error(err, 0)
  end
  local step = all["train.step"] or error(("train: %s is no checkpoint of a run"):format(path), 0)
  net:load_state(part(all, "net."))
  run.optimizer:load_state(part(all, "optimizer."))
  if run.ema then run.ema:load_state(part(all, "ema.")) end
  if memory then memory:load_state(run, part(all, "loop.")) end
  return step:totable()[1]
end

return M
