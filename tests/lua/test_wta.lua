--- WTA-CRS: estimates without bias, exact otherwise, fewer bytes on the tape, the same bits captured and resumed.
local vt = require "venturi"
local support = require "support"
local test, equal, raises = support.test, support.equal, support.raises
local nn, optim = vt.nn, vt.optim
local wta = nn.wta
local STRESS = os.getenv "VT_GC_STRESS" ~= nil

-- Rows of very different norms: x [n, m], g [n, q].
local function rows_of(n, m, q, seed)
  local scale = (vt.randn(n, 1, { seed = seed, stream = 2, dtype = "f64" }) * 1.2):exp()
  return vt.randn(n, m, { seed = seed, dtype = "f64" }) * scale, vt.randn(n, q, { seed = seed, stream = 1, dtype = "f64" })
end

local function largest(t) return t:abs():max():item() end

-- Mean and variance of all elements over estimates of g^T x.
local function moments(x, g, k, method, draws)
  local weights, sum, squares = x:norm{ dims = { 2 } } * g:norm{ dims = { 2 } }, 0, 0
  for i = 1, draws do
    local rows, index = vt.op.crs_rows(x, weights, vt.rand(k, { seed = 3, stream = i, dtype = "f64" }), { method = method })
    local estimate = g:index_select(index, { dim = 1 }):transpose():matmul(rows)
    sum, squares = estimate + sum, estimate:square() + squares
  end
  local mean = sum / draws
  return mean, squares / draws - mean:square(), g:transpose():matmul(x)
end

test("20,000 estimates have the exact gradient as their mean, within four standard errors", function()
  local draws = STRESS and 500 or 20000
  for _, method in ipairs{ "wta", "crs" } do
    local x, g = rows_of(20, 4, 3, 5)
    local mean, var, exact = moments(x, g, 8, method, draws)
    local z = largest((mean - exact) / (var / draws):sqrt())
    assert(z < 4, ("%s: z = %g"):format(method, z))
    local total, analytic = var:sum():item(), wta.variance(x, g, 8, method)
    assert(math.abs(total / analytic - 1) < (STRESS and 0.3 or 0.05), ("%s: variance %g, by the formula %g"):format(method, total, analytic))
  end
end)

test("keeping the largest rows makes the variance no larger", function()
  local smaller = 0
  for seed = 1, STRESS and 4 or 30 do
    for _, k in ipairs{ 3, 8, 12 } do
      local x, g = rows_of(24, 5, 4, seed)
      local with, without = wta.variance(x, g, k, "wta"), wta.variance(x, g, k, "crs")
      assert(with <= without * (1 + 1e-12), ("seed %d, k %d: %g > %g"):format(seed, k, with, without))
      if with < without then smaller = smaller + 1 end
    end
  end
  assert(smaller > 0)
end)

test("the heaviest rows come as they are, in order, draws by their chances", function()
  local n, k = 300, 120
  local x, weights = vt.eye(n, { dtype = "f64" }), (vt.randn(n, { seed = 4, dtype = "f64" }) * 2):exp()
  local ranking = wta.rank(weights, k, "wta")
  local c, order, p, tail = ranking.c, ranking.order:totable(), ranking.p:totable(), ranking.tail:totable()
  assert(c > 0 and c < k)
  local u = vt.rand(k, { seed = 5, dtype = "f64" })
  local rows, index = vt.op.crs_rows(x, weights, u)
  local chosen, factors, numbers = index:totable(), rows:sum{ dims = { 2 } }:totable(), u:totable()
  for j = 1, k do
    if j <= c then
      equal({ chosen[j], factors[j] }, { order[j], 1.0 })
    else
      local place = c + 1
      while place < n and tail[place + 1] > numbers[j] * tail[c + 1] do place = place + 1 end
      equal(chosen[j], order[place])
      assert(math.abs(factors[j] * (k - c) * p[place] / tail[c + 1] - 1) < 1e-12)
    end
  end
  local _, top = vt.op.crs_rows(x, weights, u, { method = "top" })
  equal(top:totable(), { table.unpack(order, 1, k) })
end)

test("weights may be zeros or no numbers; all of n rows are none lost", function()
  local x, u = vt.eye(4, { dtype = "f64" }), vt.tensor({ 0.1, 0.6, 0.9 }, { dtype = "f64" })
  local function sums(weights, with) return (vt.op.crs_rows(x, vt.tensor(weights, { dtype = "f64" }), with or u):sum{ dims = { 2 } }):totable() end
  equal(sums{ 0, 0, 0, 0 }, { 0.0, 0.0, 0.0 })
  equal(sums{ 0, 5, 0, 0 }, { 1.0, 0.0, 0.0 })
  equal(sums{ 0, 5, -3, 0 }, { 1.0, 0.0, 0.0 })
  for _, w in ipairs{ 0 / 0, 1 / 0 } do
    for _, f in ipairs(sums{ 1, w, 1, 1 }) do assert(f ~= f) end
  end
  for _, bad in ipairs{ 0 / 0, 7, -7 } do equal(#sums({ 1, 2, 3, 4 }, vt.tensor({ bad, bad }, { dtype = "f64" })), 2) end
  equal(vt.op.crs_rows(x, vt.ones(4), vt.zeros(0)).shape, { 0, 4 })
  equal(vt.op.crs_rows(vt.zeros(4, 0), vt.ones(4), u).shape, { 3, 0 })
  for _, dtype in ipairs{ "f32", "f16", "bf16" } do
    local rows = vt.op.crs_rows(vt.eye(4):cast(dtype), vt.tensor{ 4.0, 1.0, 1.0, 1.0 }, vt.zeros(2))
    equal({ rows.dtype, rows:cast("f32"):sum{ dims = { 2 } }:totable() }, { dtype, { 1.0, 3.0 } })
  end
  raises("at most n numbers", vt.op.crs_rows, x, vt.ones(4), vt.zeros(5))
  raises("has weights [n]", vt.op.crs_rows, x, vt.ones(3), vt.zeros(2))
  raises("float types", vt.op.crs_rows, vt.arange(4):reshape{ 2, 2 }, vt.ones(2), vt.zeros(2))
end)

-- Gradients of a layer whose output is weighed by g.
local function gradients(layer, x, g)
  x.requires_grad = true
  local found = vt.gradients((layer(x) * g):sum(), { x, layer.weight, layer.bias })
  return found[1], found[2], found[3]
end

local function layer(options)
  nn.seed(11)
  return nn.Linear(6, 5, options)
end

test("forward and the gradients of the input and the bias are exact; the weight's has the right mean", function()
  local x, g = vt.randn(2, 20, 6, { seed = 1 }), vt.randn(2, 20, 5, { seed = 2 })
  local exact, cheap = layer(), layer{ wta = { keep = 0.3 } }
  equal(cheap(x):totable(), exact(x):totable())
  local dx, dw, db = gradients(exact, x, g)
  local sum, squares, n = 0, 0, STRESS and 20 or 400
  for _ = 1, n do
    local ex, ew, eb = gradients(cheap, x, g)
    equal(ex:totable(), dx:totable())
    assert(largest(eb - db) < 1e-5)
    sum, squares = ew + sum, ew:square() + squares
  end
  local mean = sum / n
  local z = largest((mean - dw) / ((squares / n - mean:square()) / n):sqrt())
  assert(z < (STRESS and 20 or 4.5), ("z = %g"):format(z))
end)

test("nothing is drawn where all rows are kept, in eval, and without gradients", function()
  local x, g = vt.randn(12, 6, { seed = 1 }), vt.randn(12, 5, { seed = 2 })
  local _, dw = gradients(layer(), x, g)
  for _, options in ipairs{ { keep = 1 }, { keep = 0.3, least = 12 } } do
    local _, ew = gradients(layer{ wta = options }, x, g)
    equal(ew:totable(), dw:totable())
  end
  local _, ew = gradients(layer{ wta = { keep = 0.3, least = 2 } }:eval(), x, g)
  equal(ew:totable(), dw:totable())
end)

test("rows of zeros are never drawn, and rows that are all zeros give zeros", function()
  local x = vt.op.cat({ vt.zeros(30, 6), vt.randn(4, 6, { seed = 1 }) }, { dim = 1 })
  local g = vt.randn(34, 5, { seed = 2 })
  local _, dw = gradients(layer(), x, g)
  local _, ew = gradients(layer{ wta = { keep = 0.3 } }, x, g)
  assert(largest(ew - dw) < 1e-5, "the four rows count as they are")
  local _, none = gradients(layer{ wta = { keep = 0.3 } }, vt.zeros(34, 6), g)
  equal(largest(none), 0)
end)

test("norms of a sample's gradients are remembered, and count at its next turn", function()
  local net = layer{ wta = { keep = 0.25, least = 2, samples = 50, floor = 0 } }
  local x, g = vt.ones(8, 6), vt.zeros(8, 5)
  g:slice{ dim = 1, start = 3, stop = 5 }:fill_(1)
  wta.samples(vt.arange(20, 28))
  gradients(net, x, g)
  local norms = net.sample_norms:totable()
  assert(math.abs(norms[24] - 5 ^ 0.5) < 1e-6 and norms[21] == 0 and norms[1] == 0)
  equal(net:state().sample_norms.shape, { 50 })
  -- Rows of other samples have been seen without a gradient and count as the mean, so let them have a little.
  net.sample_norms:copy_(net.sample_norms:maximum(vt.full({ 50 }, 1e-9, { dtype = "f64" })))
  local _, dw = gradients(layer(), x, g)
  local _, ew = gradients(net, x, g)
  assert(largest(dw - ew) < 1e-4, "both rows with a gradient are kept")
  raises("8 numbers of samples for a batch of 9", net, vt.ones(9, 6))
  wta.samples(nil)
  net(vt.ones(9, 6))
end)

-- Bytes that a forward pass leaves on the tape.
local function kept(options)
  nn.seed(1)
  local net, x = nn.Linear(256, 64, options), vt.randn(1024, 256, { seed = 1 })
  x.requires_grad = true
  collectgarbage()
  local before = vt.memory()
  local h = x * 2 -- what the product keeps is this; the multiplication keeps nothing
  local y = net(h)
  h:close()
  collectgarbage()
  return vt.memory() - before - 1024 * 64 * 4, y
end

test("at keep = 0.3 the tape holds 65 % less", function()
  local all, some = kept(), kept{ wta = { keep = 0.3 } }
  assert(all >= 1024 * 256 * 4, all)
  assert(some < 0.35 * all, ("%d of %d bytes"):format(some, all))
end)

test("captured steps give the bits of steps run as they are; another seed draws other rows", function()
  local function run(captured, seed)
    nn.seed(seed or 4)
    local option = { keep = 0.3, least = 4, samples = 64 }
    local net = nn.Sequential{ nn.Linear(6, 16, { wta = option }), nn.GELU(), nn.Linear(16, 3, { wta = option }) }
    vt.train.fit(net, { steps = 8, captured = captured, optimizer = optim.Adam(net:parameters(), { lr = 0.01 }),
      batch = function(i)
        local ids = vt.randperm(64, { seed = 2, stream = i })[{ { 1, 24 } }]:copy()
        local x = vt.randn(64, 6, { seed = 9 })[ids]
        return x, x:slice{ dim = 2, start = 0, stop = 3 }:argmax{ dim = 2 }, ids
      end,
      loss = function(model, x, y, ids)
        wta.samples(ids)
        return vt.op.cross_entropy(model(x), y)
      end })
    wta.samples(nil)
    return net:state()
  end
  local a, b = run(true), run(false)
  for name, t in pairs(a) do assert(t:tostring_bytes() == b[name]:tostring_bytes(), name) end
  assert(largest(a["0.sample_norms"]) > 0)
end)

test("transformers take the option", function()
  nn.seed(1)
  local net = nn.GPT{ vocab = 20, context = 16, width = 16, depth = 1, heads = 2, wta = { keep = 0.3 } }
  local ids = vt.randint(4, 16, { seed = 1, high = 20 })
  vt.op.cross_entropy(net(ids):reshape{ -1, 20 }, ids:reshape{ -1 }):backward()
  for name, p in net:named_parameters() do assert(p.grad, name) end
  assert(tostring(net):find "Linear%(16, 48, wta 0.3%)")
end)

test("what is wrong is said", function()
  raises("keep must be above 0", layer, { wta = { keep = 0 } })
  raises("method is", layer, { wta = { method = "best" } })
  raises("floor must be", layer, { wta = { floor = -1 } })
  raises("least must be", layer, { wta = { least = 1.5 } })
  raises("unknown option 'kept'", layer, { wta = { kept = 0.3 } })
  raises("no gradient of its gradient", function()
    local net, x = layer{ wta = {} }, vt.randn(64, 6, { seed = 1, requires_grad = true })
    vt.gradients(net(x):square():sum(), { x, net.weight }, { create = true })
  end)
end)

support.done()
