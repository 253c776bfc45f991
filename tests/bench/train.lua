--- Seconds of a training step, run as it is and captured: `venturi run tests/bench/train.lua [CASE ...] [--threads N] [--seconds S]`.
-- Cases: mlp (784-512-512-10, batch 256), gpt-tiny (4 layers, width 128, 256 tokens, batch 16, 96 characters). AdamW; the nets are written out, so that what
-- is measured is the library's operations and not a library of nets.
local vt = require "venturi"

local function params()
  local p = { lr = vt.var("lr", 1e-3), step = vt.var("step", 1), list = {}, states = {} }
  function p.new(std, ...)
    local t = vt.randn(..., { seed = #p.list + 1, std = std, requires_grad = true })
    p.list[#p.list + 1], p.states[#p.list + 1] = t, { vt.zeros(t.shape), vt.zeros(t.shape) }
    return t
  end
  function p.learn(loss)
    loss:backward()
    vt.no_grad(function()
      for i, t in ipairs(p.list) do
        local mean, square = table.unpack(p.states[i])
        vt.op.adam_step(t, t.grad, mean, square, { lr = p.lr, step = p.step, decoupled = true, weight_decay = 0.01, out = { t, mean, square } })
        t.grad = nil
      end
    end)
    return loss
  end
  return p
end

local cases = {}

function cases.mlp()
  local p, layers = params(), {}
  for i, size in ipairs{ { 512, 784 }, { 512, 512 }, { 10, 512 } } do
    layers[i] = { p.new(1 / math.sqrt(size[2]), size), p.new(0.01, { size[1] }) }
  end
  local x, y = vt.randn(256, 784, { seed = 1 }), vt.randint(256, { seed = 2, high = 10 })
  return p, { x, y }, function(h, target)
    for i, layer in ipairs(layers) do
      h = h:linear(layer[1], layer[2])
      if i < #layers then h = h:relu() end
    end
    return p.learn(h:cross_entropy(target))
  end
end

cases["gpt-tiny"] = function()
  local width, heads, tokens, batch, vocab = 128, 4, 256, 16, 96
  local p, blocks = params(), {}
  local embed, place = p.new(0.02, { vocab, width }), p.new(0.02, { tokens, width })
  for i = 1, 4 do
    blocks[i] = { norm1 = p.new(0.1, { width }), qkv = p.new(0.05, { 3 * width, width }), out = p.new(0.05, { width, width }), norm2 = p.new(0.1, { width }),
      up = p.new(0.05, { 4 * width, width }), up_bias = p.new(0.01, { 4 * width }), down = p.new(0.05, { width, 4 * width }), down_bias = p.new(0.01, { width }) }
  end
  local norm, head = p.new(0.1, { width }), p.new(0.05, { vocab, width })
  local function block(b, x)
    local qkv = x:layer_norm(b.norm1):linear(b.qkv):reshape(batch, tokens, 3, heads, width // heads)
    local function part(i) return qkv:select(3, i):transpose(2, 3) end
    local o = part(0):attention(part(1), part(2), { causal = true })
    x = x + o:transpose(2, 3):reshape(batch, tokens, width):linear(b.out)
    return x + x:layer_norm(b.norm2):linear(b.up, b.up_bias):gelu():linear(b.down, b.down_bias)
  end
  local ids, next_ids = vt.randint(batch, tokens, { seed = 1, high = vocab }), vt.randint(batch * tokens, { seed = 2, high = vocab })
  return p, { ids, next_ids }, function(x, target)
    local h = embed:embedding(x) + place
    for _, b in ipairs(blocks) do h = block(b, h) end
    return p.learn(h:layer_norm(norm):linear(head):reshape(batch * tokens, vocab):cross_entropy(target))
  end
end

-- Median seconds of a call, and the last result.
local function measure(f, seconds)
  local times, total = {}, 0
  while total < seconds or #times < 5 do
    local start = os.clock()
    f()
    times[#times + 1] = os.clock() - start
    total = total + times[#times]
  end
  table.sort(times)
  return times[(#times + 1) // 2]
end

local wanted, seconds = {}, 2
local args = { ... }
local i = 1
while i <= #args do
  if args[i] == "--seconds" then seconds, i = tonumber(args[i + 1]), i + 1
  else wanted[#wanted + 1] = args[i] end
  i = i + 1
end
if #wanted == 0 then wanted = { "mlp", "gpt-tiny" } end

for _, name in ipairs(wanted) do
  local p, inputs, step = assert(cases[name], name)()
  local n = 0
  local function next_step()
    n = n + 1
    p.step.value = n
  end
  local eager = measure(function()
    next_step()
    step(table.unpack(inputs)):item()
  end, seconds)
  collectgarbage()
  local graph = vt.capture(step, inputs)
  local captured = measure(function()
    next_step()
    graph:run(inputs, { step = n }):item()
  end, seconds)
  print(("%-10s eager %8.2f ms   captured %8.2f ms   %.2fx   arena %.1f MB (least %.1f)   %d steps   %.2f GFLOP"):format(name, eager * 1e3, captured * 1e3,
    eager / captured, graph.arena_bytes / 2^20, graph.least_bytes / 2^20, graph.steps, graph.flops / 1e9))
end
