--- graph.lua FOLDER: a small net, trained and saved as graphs, and what hosts in other languages must print of them, to the letter:
-- net.graph x.npy -> net.txt; step.graph x.npy y.npy, steps 9 to 12 -> step.txt and step_after.graph.
local folder = arg[1]
local vt = require "venturi"
local nn = vt.nn

local BEFORE, LAST = 8, 12

nn.seed(3)
local net = nn.ViT{ size = 8, patch = 4, width = 16, depth = 1, heads = 2, mlp = 32, classes = 4 }
local x, y = vt.randn(16, 1, 8, 8, { seed = 1 }), vt.randint(16, { seed = 2, high = 4 })
local optimizer = vt.optim.AdamW(net:parameters(), { lr = 1e-2 })
local number = vt.var("step", 1)

local function learn(...)
  local images, labels = ...
  local loss = net(images):cross_entropy(labels)
  loss:backward()
  optimizer:step{ step = number }
  optimizer:zero_grad()
  return loss:detach()
end

local step = vt.compiled(learn, { vars = { number } })
local losses = {}
for i = 1, BEFORE do
  number.value = i
  losses[i] = step(x, y):item()
end
assert(losses[BEFORE] < losses[1], "it has not learnt")

vt.save(folder .. "/x.npy", x)
vt.save(folder .. "/y.npy", y)
step.graph(x, y):save(folder .. "/step.graph")
net:eval()
vt.capture(function(images) return vt.no_grad(function() return net(images) end) end, { x }):save(folder .. "/net.graph")

-- From the files, as any host.
local function describe(graph, inputs)
  local lines = { ("%d steps, %.0f FLOPs, %d bytes of weights"):format(graph.steps, graph.flops, graph.kept_bytes) }
  for i, t in ipairs(inputs) do lines[#lines + 1] = ("input %d: %s %s"):format(i, t.dtype, table.concat(t.shape, " ")) end
  return lines
end

local function add_results(lines, ...)
  for i, t in ipairs{ ... } do
    local parts = {}
    for k, value in ipairs(t:reshape(-1):totable()) do parts[k] = ("%.9g"):format(value) end
    lines[#lines + 1] = ("result %d: %s"):format(i, table.concat(parts, " "))
  end
end

local function write(name, lines)
  local file = assert(io.open(folder .. "/" .. name, "w"))
  assert(file:write(table.concat(lines, "\n"), "\n"))
  assert(file:close())
end

local graph = vt.open_graph(folder .. "/net.graph")
local lines = describe(graph, { x })
add_results(lines, graph:run(x))
write("net.txt", lines)

graph = vt.open_graph(folder .. "/step.graph")
lines = describe(graph, { x, y })
for i = BEFORE + 1, LAST do
  number.value = i
  local loss = graph:run({ x, y }, { step = i })
  assert(loss:item() == step(x, y):item(), "a saved step does something else")
  add_results(lines, loss)
end
write("step.txt", lines)
graph:save(folder .. "/step_after.graph")
