--- Neural networks in Lua: what modules are, gradients through each, states, optimizers, schedules.
local vt = require "venturi"
local support = require "support"
local test, equal, raises, close = support.test, support.equal, support.raises, vt.test.close
local nn, optim = vt.nn, vt.optim

local function values(t) return t:reshape(-1):totable() end
local function same(a, b, what) equal(values(a), values(b), what) end

-- ---- modules ----

test("parameters are named by their path, in the order in which they were made", function()
  local net = nn.Sequential{ nn.Linear(4, 3), nn.ReLU(), nn.Residual(nn.Linear(3, 3, { bias = false })), nn.BatchNorm(3) }
  local names = {}
  for name, t in net:named_parameters() do names[#names + 1] = name .. " " .. table.concat(t.shape, "x") end
  equal(names, { "0.weight 3x4", "0.bias 3", "2.body.weight 3x3", "3.weight 3", "3.bias 3" })
  equal(net:count(), 12 + 3 + 9 + 6)
  local state = net:state()
  equal(state["3.running_mean"].shape, { 3 })
  assert(tostring(net):find("0: Linear(4, 3)", 1, true))
end)

test("a shared parameter comes once", function()
  local net = nn.Sequential{ nn.Linear(3, 3), nn.Linear(3, 3) }
  net[2].weight = net[1].weight
  equal(#net:parameters(), 3)
end)

test("the same seed makes the same net, another one another", function()
  local function make(seed)
    nn.seed(seed)
    return nn.Linear(5, 4).weight
  end
  same(make(1), make(1))
  assert(values(make(1))[1] ~= values(make(2))[1])
end)

test("initial weights have the spread that their names promise", function()
  nn.seed(1)
  local function std(f, shape) return f(shape):std():item() end
  close(std(nn.init.normal(0.02), { 200, 100 }), 0.02, 5e-4)
  close(std(nn.init.kaiming_normal(), { 100, 200 }), math.sqrt(2 / 200), 3e-3)
  close(std(nn.init.kaiming_uniform(), { 100, 200 }), math.sqrt(2 / 200), 3e-3)
  close(std(nn.init.xavier_uniform(), { 100, 200 }), math.sqrt(2 / 300), 3e-3)
  close(std(nn.init.xavier_normal(), { 100, 200 }), math.sqrt(2 / 300), 3e-3)
  -- Normal numbers cut at two deviations have a deviation of 0.8796.
  local cut = nn.init.trunc_normal(1)({ 20000 })
  close(cut:std():item(), 0.8796, 0.01)
  assert(cut:abs():max():item() <= 2)
end)

test("states go out and come back; what does not fit is named and changes nothing", function()
  nn.seed(1)
  local function make() return nn.Sequential{ nn.Linear(4, 3), nn.BatchNorm(3) } end
  local a, b = make(), make()
  local path = os.tmpname()
  a:save(path)
  b:load(path)
  os.remove(path)
  local of_b = b:state()
  for name, t in pairs(a:state()) do same(t, of_b[name], name) end
  local before = values(b[1].weight)
  local state = a:state()
  state["0.weight"] = state["0.weight"] + 1
  state["0.bias"] = vt.zeros(7)
  raises("'0.bias' is [7], it must be [3]", b.load_state, b, state)
  state["0.bias"] = nil
  raises("'0.bias' is missing", b.load_state, b, state)
  equal(values(b[1].weight), before)
  b:load_state(state, { strict = false })
  close(values(b[1].weight)[1], before[1] + 1, 1e-6)
  state["0.bias"], state.more = vt.zeros(3), vt.zeros(1)
  raises("'more' belongs to no module", b.load_state, b, state)
end)

test("dropout: a share is gone, the rest grows, by step; nothing in eval", function()
  nn.seed(3)
  local drop = nn.Dropout(0.25)
  local x = vt.ones(4000)
  local a, b = drop(x), drop(x)
  close(a:mean():item(), 1, 0.05)
  assert(a:max():item() > 1.33 and a:min():item() == 0)
  assert(not a:eq(b):all():item())
  local random = require "venturi.nn.random"
  random.set_step(7)
  same(drop(x), drop(x))
  random.set_step()
  drop:eval()
  same(drop(x), x)
end)

test("batch norm follows the statistics of its batches", function()
  local bn = nn.BatchNorm(2, { momentum = 0.5 })
  local x = vt.randn(64, 2, { seed = 1, mean = 3, std = 2 })
  bn(x)
  close(values(bn.running_mean)[1], 0.5 * x:mean{ dims = { 1 } }:totable()[1], 1e-5)
  close(values(bn.running_var)[2], 0.5 + 0.5 * x:var{ dims = { 1 } }:totable()[2], 1e-5)
  bn:eval()
  local y = bn(x)
  close(values(y)[1], (values(x)[1] - values(bn.running_mean)[1]) / math.sqrt(values(bn.running_var)[1] + 1e-5), 1e-5)
end)

test("frozen parameters get no gradient", function()
  local net = nn.Sequential{ nn.Linear(2, 2), nn.Linear(2, 1) }
  net[1]:requires_grad(false)
  net(vt.ones(1, 2)):sum():backward()
  equal(net[1].weight.grad, nil)
  assert(net[2].weight.grad)
end)

-- ---- gradients and extents ----

-- The gradient for the input and for every parameter, in f64.
local function check_module(name, net, forward, ...)
  net:cast("f64")
  local inputs, list = table.pack(...), {}
  for i = 1, inputs.n do list[i] = inputs[i] end
  local n_inputs = #list
  local names = {}
  for path, t in net:named_parameters() do
    -- What begins at 0 hides the rest of the gradient.
    list[#list + 1] = t:detach() + vt.randn(t.shape, { seed = #list, std = 0.1, dtype = "f64" })
    names[#names + 1] = path
  end
  local function put(path, t)
    local owner = net
    for part in path:gmatch "([^.]+)%." do owner = owner[math.tointeger(part) and part + 1 or part] end
    local key = path:match "[^.]+$"
    owner[math.tointeger(key) and key + 1 or key] = t
  end
  vt.gradcheck(function(...)
    local args = table.pack(...)
    for i, path in ipairs(names) do put(path, args[n_inputs + i]) end
    return forward(table.unpack(args, 1, n_inputs))
  end, list, { most = 6, directions = 2, name = name })
end

local function f64(...)
  local args = table.pack(...)
  args[args.n + 1] = { seed = 11, dtype = "f64" }
  return vt.randn(table.unpack(args))
end

local function f64_seeded(seed, ...)
  local args = table.pack(...)
  args[args.n + 1] = { seed = seed, dtype = "f64" }
  return vt.randn(table.unpack(args))
end

for _, case in ipairs{
  { "Linear", function() return nn.Linear(3, 2) end, f64(2, 3) },
  { "Conv1d", function() return nn.Conv1d(2, 3, 3, { padding = 1, stride = 2 }) end, f64(2, 2, 7) },
  { "Conv2d", function() return nn.Conv2d(4, 4, { 3, 1 }, { padding = { 1, 0 }, groups = 2 }) end, f64(2, 4, 4, 3) },
  { "ConvTranspose2d", function() return nn.ConvTranspose2d(2, 3, 3, { stride = 2, padding = 1, output_padding = 1 }) end, f64(1, 2, 3, 3) },
  { "LayerNorm", function() return nn.LayerNorm(5) end, f64(3, 5) },
  { "RMSNorm", function() return nn.RMSNorm(5) end, f64(3, 5) },
  { "GroupNorm", function() return nn.GroupNorm(2, 4) end, f64(2, 4, 3) },
  { "InstanceNorm", function() return nn.InstanceNorm(3, { affine = true }) end, f64(2, 3, 4) },
  { "MultiheadAttention", function() return nn.MultiheadAttention(8, 2, { causal = true, rope = true }) end, f64(2, 4, 8) },
  { "grouped MultiheadAttention", function() return nn.MultiheadAttention(8, 4, { kv_heads = 2, qk_norm = true }) end, f64(1, 3, 8) },
  { "TransformerBlock", function() return nn.TransformerBlock(8, 2, { mlp = 12, gated = true, act = "silu", norm = "RMSNorm", bias = false }) end, f64(1, 3, 8) },
  { "ViT", function() return nn.ViT{ size = 4, width = 8, depth = 1, heads = 2, classes = 3 } end, f64(2, 1, 4, 4) },
} do
  test("gradients of " .. case[1], function()
    nn.seed(5)
    local net = case[2]()
    check_module(case[1], net, net, case[3])
  end)
end

test("gradients of attention to a context", function()
  local net = nn.TransformerBlock(8, 2, { mlp = 8, cross = 6 })
  check_module("cross", net, function(x, context) return net(x, { context = context }) end, f64(2, 3, 8), f64_seeded(12, 2, 5, 6))
  raises("needs { context = }", net, f64(2, 3, 8))
end)

test("gradients of a residual block with a vector", function()
  local net = nn.ResBlock(4, 6, { embed = 5, groups = 2 })
  check_module("ResBlock", net, net, f64(2, 4, 3, 3), f64_seeded(12, 2, 5))
  raises("needs a vector", net, f64(2, 4, 3, 3))
end)

test("gradients of a UNet", function()
  nn.seed(2)
  local net = nn.UNet{ channels = 2, widths = { 4, 8 }, groups = 2, embed = 8, head_width = 4, self_up = { 2 }, cross_up = { 1 }, context = 6, unshuffle = 2, condition = 3,
    time = { features = 4, high = 3 } }
  check_module("UNet", net, function(x, t, context, condition) return net(x, t, { context = context, condition = condition }) end, f64(1, 2, 8, 8), f64_seeded(12, 1),
    f64_seeded(13, 1, 3, 6), f64_seeded(14, 1, 3))
end)

test("gradients of a DiT", function()
  local net = nn.DiT{ size = 4, width = 8, depth = 1, heads = 2, classes = 3, time = { high = 3 } }
  check_module("DiT", net, function(x, t) return net(x, t, vt.tensor{ 0, 3 }) end, f64(2, 1, 4, 4), f64_seeded(12, 2))
end)

test("nets for pictures give pictures", function()
  nn.seed(1)
  local function extents(t) return table.concat(t.shape, ",") end
  local t = vt.rand(2, { seed = 1 })
  equal(extents(nn.UNet{ widths = { 8, 16, 24 }, down = 2, head_width = 8, self_down = { 3 } }(vt.zeros(2, 3, 16, 16), t)), "2,3,16,16")
  equal(extents(nn.UNet{ widths = { 8 }, out = 6, middle = 1, up = 3 }(vt.zeros(2, 3, 8, 8), t)), "2,6,8,8")
  equal(extents(nn.DiT{ size = 8, channels = 3, out = 6 }(vt.zeros(2, 3, 8, 8), t)), "2,6,8,8")
  raises("cannot take the 3 skips", nn.UNet, { down = 2, up = 2 })
  raises("a width of 24 in heads of 16", nn.UNet, { widths = { 24 } })
  raises("`context`", nn.UNet, { cross_up = { 1 } })
  raises("unknown option 'width'", nn.UNet, { width = { 1 } })
end)

test("a GPT sees only what came before", function()
  nn.seed(4)
  local net = nn.GPT{ vocab = 11, context = 8, width = 16, depth = 2, heads = 2 }
  local ids = vt.tensor{ { 1, 2, 3, 4, 5 } }
  local other = vt.tensor{ { 1, 2, 3, 9, 5 } }
  local a, b = net(ids), net(other)
  same(a[{ 1, { 1, 3 } }], b[{ 1, { 1, 3 } }])
  assert(not a[{ 1, 4 }]:eq(b[{ 1, 4 }]):all():item())
  raises("9 tokens, its context is 8", net, vt.zeros(1, 9, { dtype = "i64" }))
end)

test("codes: the nearest is taken, gradients pass, averages follow", function()
  nn.seed(1)
  local vq = nn.VQ(3, 2)
  vt.no_grad(function() vq.codes:copy_(vt.tensor{ { 0.0, 0.0 }, { 1.0, 1.0 }, { -1.0, 1.0 } }) end)
  local x = vt.tensor({ { 0.9, 0.8 }, { -0.7, 1.2 }, { 0.1, -0.2 } }, { requires_grad = true })
  local y, index, loss = vq(x)
  equal(index:totable(), { 1, 2, 0 })
  equal(y:totable(), { { 1, 1 }, { -1, 1 }, { 0, 0 } })
  y:sum():backward{ keep = true }
  equal(x.grad:totable(), { { 1, 1 }, { 1, 1 }, { 1, 1 } })
  loss:backward()
  assert(vq.codes.grad:abs():max():item() > 0)
  local averaged = nn.VQ(3, 2, { decay = 0.5 })
  averaged:load_state({ codes = vq.codes:detach(), sums = vq.codes:detach(), counts = vt.ones(3) })
  averaged(x:detach())
  local moved = averaged.codes:totable()
  close(moved[2][1], (0.5 * 1 + 0.5 * 0.9) / 1, 1e-3)
  equal(averaged:count(), 0)
end)

-- ---- optimizers ----

test("every optimizer finds the bottom of a bowl", function()
  for name, lr in pairs{ SGD = 0.1, Adam = 0.1, AdamW = 0.1, RMSprop = 0.05 } do
    local w = vt.tensor({ 3.0, -2.0 }, { requires_grad = true })
    local opt = optim[name]({ w }, { lr = lr })
    for _ = 1, 200 do
      opt:zero_grad()
      local y = w * vt.tensor{ 1.0, 2.0 }
      y:square():sum():backward()
      opt:step()
    end
    assert(w:abs():max():item() < 0.06, name)
  end
  raises("unknown option 'momentun'", optim.SGD, { vt.zeros(1) }, { momentun = 1 })
  raises("given twice", function()
    local w = vt.zeros(1)
    optim.SGD{ w, w }
  end)
end)

test("groups have options of their own; a step's rate goes over them", function()
  local a, b = vt.tensor({ 1.0 }, { requires_grad = true }), vt.tensor({ 1.0 }, { requires_grad = true })
  local opt = optim.SGD({ { params = { a }, lr = 0.5 }, { params = { b } } }, { lr = 0.25 })
  a.grad, b.grad = vt.ones(1), vt.ones(1)
  opt:step()
  equal({ a:item(), b:item() }, { 0.5, 0.75 })
  opt:step{ lr_scale = 2 }
  equal({ a:item(), b:item() }, { -0.5, 0.25 })
  opt:step{ lr = 0.125 }
  equal({ a:item(), b:item() }, { -0.625, 0.125 })
end)

test("an optimizer goes on to the bit from its state", function()
  nn.seed(1)
  local function train(net, opt, from, to)
    for i = from, to do
      opt:zero_grad()
      net(vt.randn(8, 3, { seed = 1, stream = i })):square():mean():backward()
      opt:step()
    end
  end
  for _, make in ipairs{ function(p) return optim.AdamW(p) end, function(p) return optim.Adam(p, { amsgrad = true }) end,
    function(p) return optim.SGD(p, { momentum = 0.9, nesterov = true }) end } do
    local a = nn.Linear(3, 2)
    local opt = make(a:parameters())
    train(a, opt, 1, 3)
    local b = nn.Linear(3, 2):load_state(a:state())
    local other = make(b:parameters())
    other:load_state(opt:state())
    train(a, opt, 4, 6)
    train(b, other, 4, 6)
    same(a.weight, b.weight)
  end
end)

test("clipping holds the common norm", function()
  local a, b = vt.tensor({ 0.0 }, { requires_grad = true }), vt.tensor({ 0.0 }, { requires_grad = true })
  a.grad, b.grad = vt.tensor{ 3.0 }, vt.tensor{ 4.0 }
  close(optim.clip_grad_norm({ a, b }, 1):item(), 5, 1e-6)
  close(a.grad:item(), 0.6, 1e-6)
  optim.clip_grad_norm({ a, b }, 2)
  close(b.grad:item(), 0.8, 1e-6)
  optim.clip_grad_value({ a, b }, 0.7)
  close(b.grad:item(), 0.7, 1e-6)
end)

test("the moving average follows and can be swapped in", function()
  local net = nn.Linear(1, 1, { bias = false })
  vt.no_grad(function() net.weight:fill_{ value = 0 } end)
  local ema = optim.EMA(net, { decay = 0.5, ramp = false })
  vt.no_grad(function() net.weight:fill_{ value = 1 } end)
  ema:update()
  close(ema:state().weight:item(), 0.5, 1e-7)
  ema:swap()
  close(net.weight:item(), 0.5, 1e-7)
  ema:swap()
  close(net.weight:item(), 1, 1e-7)
end)

test("schedules: warm-up, floor, sampling, restarts, and each its shape", function()
  local s = optim.schedule{ kind = "linear", lr = 1, total = 110, warmup = 10, floor = 0.1 }
  close(s(0), 0.1, 1e-12)
  close(s(9), 1, 1e-12)
  close(s(10), 1, 1e-12)
  close(s(60), 0.55, 1e-12)
  close(s(110), 0.1, 1e-12)
  close(s(1000), 0.1, 1e-12)
  local rex = optim.schedule{ kind = "rex", lr = 1, total = 100, every = 10 }
  equal(rex(19), rex(10))
  assert(rex(20) < rex(19))
  -- Falling, concave, above linear.
  local every = optim.schedule{ kind = "rex", lr = 1, total = 100 }
  for t = 1, 99 do
    assert(every(t) < every(t - 1) and every(t) > 1 - t / 100)
    assert(every(t) >= (every(t - 1) + every(t + 1)) / 2 - 1e-15)
  end
  equal(every(100), 0.0)
  local again = optim.schedule{ kind = "cosine", lr = 1, total = 100, period = 50 }
  equal(again(50), 1.0)
  close(optim.schedule{ kind = "step", lr = 1, total = 100 }(60), 0.01, 1e-12)
  raises("no kind 'sine'", optim.schedule, { kind = "sine", total = 2 })
  raises("total must be", optim.schedule, { kind = "rex" })
  raises("period must be", optim.schedule, { kind = "rex", total = 10, warmup = 5, period = 5 })
  raises("beta must be below 1", optim.schedule, { kind = "rex", total = 10, beta = 1 })
  raises("lr must be a number", optim.schedule, { kind = "rex", total = 10, lr = 0 / 0 })
  equal(every(-5), 1.0)
end)

test("a rate on a plateau falls when a measure has stopped getting better", function()
  local rate = optim.plateau{ lr = 1, factor = 0.5, patience = 2, floor = 0.2 }
  local rates = {}
  for i, measure in ipairs{ 5, 4, 4, 4, 4, 3, 0 / 0, 3, 3, 3, 3, 3 } do
    rate:seen(measure)
    rates[i] = rate(i)
  end
  equal(rates, { 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2 })
  local other = optim.plateau{ lr = 7, factor = 0.5, patience = 2, floor = 0.2 }
  other:load_state(rate:state())
  equal({ other.rate, other.since, other.best }, { rate.rate, rate.since, rate.best })
  local up = optim.plateau{ lr = 1, patience = 0, greater = true }
  up:seen(1)
  up:seen(2)
  equal(up(), 1)
  up:seen(2)
  equal(up(), 0.1)
  raises("factor must be below 1", optim.plateau, { factor = 1 })
  raises("unknown option 'wait'", optim.plateau, { wait = 1 })
end)

test("optimizers refuse numbers that make no sense", function()
  local p = { vt.zeros(2) }
  raises("lr must be a number", optim.SGD, p, { lr = 0 / 0 })
  raises("lr must be a number", optim.Adam, p, { lr = "1" })
  raises("weight_decay must be", optim.AdamW, { { params = p, weight_decay = -1 } }, {})
  raises("beta2 must be below 1", optim.Adam, p, { beta2 = 1 })
  raises("parameter 2 is no tensor", optim.SGD, { p[1], 3 }, {})
  raises("the most must be", optim.clip_grad_norm, p, 0)
  raises("the most must be", optim.clip_grad_value, p, 0 / 0)
  raises("decay must be", optim.EMA, nn.Linear(1, 1), { decay = 2 })
end)

support.done()
