-- What holds of distributions on the exact mixture: noisy solvers and chains, the best of several draws, renoising, transport, straightness of a flow.
local t = require "support"
local vt = require "venturi"

local mixture = vt.mixture{ weights = { 0.4, 0.3, 0.2, 0.1 }, means = { { -0.7, -0.5 }, { 0.6, 0.7 }, { 0.8, -0.4 }, { -0.3, 0.8 } },
  stds = { { 0.1, 0.15 }, { 0.12, 0.08 }, { 0.06, 0.2 }, { 0.05, 0.05 } }, classes = { 0, 1, 1, 0 } }
local weights = { 0.4, 0.3, 0.2, 0.1 }

local function noise(n, seed, stream) return vt.randn(n, 2, { dtype = "f64", seed = seed, stream = stream }) end
local function mean_of(x) return x:mean():item() end

-- Mean of a column is `want` within so many standard errors.
local function is_mean(what, column, want, errors)
  local mean, spread = mean_of(column), math.sqrt(column:var():item() / column.shape[1])
  assert(math.abs(mean - want) <= errors * spread, ("%s: %g, want %g within %g"):format(what, mean, want, errors * spread))
end

-- First and second moments of rows are those of the data.
local function are_moments(x, errors)
  local mean, second = { 0, 0 }, { { 0, 0 }, { 0, 0 } }
  for k = 0, 3 do
    local mode = mixture:mode(k)
    local m, s = mode.mean:totable(), mode.std:totable()
    for i = 1, 2 do
      mean[i] = mean[i] + weights[k + 1] * m[i]
      for j = 1, 2 do second[i][j] = second[i][j] + weights[k + 1] * (m[i] * m[j] + (i == j and s[i] ^ 2 or 0)) end
    end
  end
  for i = 1, 2 do
    local a = x:select{ dim = 2, index = i - 1 }
    is_mean("mean " .. i, a, mean[i], errors)
    for j = i, 2 do
      local b = x:select{ dim = 2, index = j - 1 }
      is_mean(("covariance %d %d"):format(i, j), (a - mean[i]) * (b - mean[j]), second[i][j] - mean[i] * mean[j], errors)
    end
  end
end

-- Shares of the modes, by the nearest in standard deviations.
local function shares(x)
  local columns = {}
  for k = 0, 3 do
    local mode = mixture:mode(k)
    columns[k + 1] = ((x - mode.mean) / mode.std):square():sum(2) * -0.5 - mode.std:log():sum() + math.log(mode.weight)
  end
  local best, list = vt.op.stack(columns, { dim = 2 }):argmax{ dim = 2 }, {}
  for k = 1, 4 do list[k] = mean_of(best:eq(k - 1):cast("f64")) end
  return list
end

t.test("DPM-Solver++ with fresh noise meets the data's moments", function()
  local o = { schedule = vt.schedule{ kind = "vp" }, kind = "dpm", order = 2, eta = 1, spacing = "log_snr", start = 1, end_time = 1e-3, steps = 200, dtype = "f64", seed = 4 }
  are_moments(vt.solver(o):begin(noise(20000, 3)):run(vt.diffusion.exact(mixture)), 3)
end)

t.test("chains of residual shifting meet the data's mean and modes", function()
  local n, steps, kappa = 2000, 200, 2
  local schedule = vt.schedule{ kind = "resshift", n = steps, first = 0.04, last = 0.99, kappa = kappa, power = 0.3 }
  local times, q, y = {}, vt.residual.posterior(schedule, steps), vt.full({ n, 2 }, 0.2, { dtype = "f64" })
  for i = steps - 1, -1, -1 do times[#times + 1] = i end
  local solver = vt.solver{ schedule = schedule, kind = "resshift", prediction = "x0", times = times, dtype = "f64", seed = 5 }
  solver:extra(1, y)
  solver:begin(y + noise(n, 6) * (kappa * q.sqrt_eta[steps]))
  local x = solver:run(function(state, _, request)
    local alpha = request.alpha:totable()[1]
    return mixture:predict(state - y * (1 - alpha), { alpha = request.alpha, sigma = request.sigma, kind = "x0" })
  end)
  for d, want in ipairs{ 0.03, 0.01 } do assert(math.abs(x:mean(1):totable()[d] - want) <= 0.05, x:mean(1):totable()[d]) end
  for k, share in ipairs(shares(x)) do assert(math.abs(share - weights[k]) <= 0.05, ("mode %d: %g"):format(k, share)) end
end)

t.test("links of residual shifting make up the whole of it", function()
  local steps, kappa = 15, 2
  local q = vt.residual.posterior(vt.schedule{ kind = "resshift", n = steps, first = 0.04, last = 0.99, kappa = kappa, power = 0.3 }, steps)
  local shift, variance, before = 0, 0, 0 -- mean x0 + shift e0, where link i adds (eta_i - eta_i-1) e0 and kappa^2 of that as variance
  for i = 1, steps do
    local eta = q.sqrt_eta[i] ^ 2
    shift, variance, before = shift + (eta - before), variance + kappa ^ 2 * (eta - before), eta
    local x = vt.residual.noised(vt.zeros(1, 2, { dtype = "f64" }), vt.ones(1, 2, { dtype = "f64" }), vt.ones(1, 2, { dtype = "f64" }), q, i):totable()[1][1]
    assert(math.abs(x - (shift + math.sqrt(variance))) < 1e-12)
  end
end)

t.test("the best of N draws lies at the quantile N / (N + 1)", function()
  local function density(x) return mixture:log_density(x, { alpha = 1, sigma = 0 }) end
  local sorted = density(mixture:draw(100000, { seed = 1 })):sort():totable()
  local function quantile(v)
    local low, high = 0, #sorted
    while low < high do
      local middle = (low + high) // 2
      if sorted[middle + 1] < v then low = middle + 1 else high = middle end
    end
    return low / #sorted
  end
  for _, n in ipairs{ 1, 4, 16 } do
    local trials = 2000
    local best, list = density(mixture:draw(trials * n, { seed = 2 + n })):reshape{ trials, n }:amax(2):totable(), {}
    for i, v in ipairs(best) do list[i] = quantile(v) end
    is_mean(("best of %d"):format(n), vt.tensor(list, { dtype = "f64" }), n / (n + 1), 3)
  end
end)

t.test("renoised data of a level has the moments of the noisier one", function()
  local levels = vt.schedule{ kind = "vp" }:levels{ 0.2, 0.7 }
  local ratio, n = levels.alpha[2] / levels.alpha[1], 20000
  local spread = math.sqrt(levels.sigma[2] ^ 2 - (ratio * levels.sigma[1]) ^ 2)
  local x = (noise(n, 1) * levels.sigma[1] + 0.5 * levels.alpha[1]) * ratio + noise(n, 2) * spread
  for d = 0, 1 do
    local column = x:select{ dim = 2, index = d }
    is_mean("mean", column, 0.5 * levels.alpha[2], 3)
    is_mean("variance", (column - 0.5 * levels.alpha[2]):square(), levels.sigma[2] ^ 2, 3)
  end
end)

-- The dual value of heights on a sample is a bound from below on the cost of every plan of that sample to equal shares.
t.test("a transport map gives equal shares at a cost within 1 % of the least", function()
  local n, targets = 64, mixture:draw(64, { seed = 5 })
  local ot = vt.ot(targets)
  ot:solve{ seed = 1, samples = 20000, doublings = -1, max_iter = 1500 }
  local function sample(count, seed)
    local x = noise(count, seed)
    return x, ot:map(x):reshape{ -1 }
  end
  local _, cells = sample(100000, 11)
  local counts = vt.zeros(n, { dtype = "f64" }):totable()
  for _, k in ipairs(cells:totable()) do counts[k + 1] = counts[k + 1] + 1 end
  for k, count in ipairs(counts) do assert(math.abs(count / 100000 * n - 1) <= 0.1, ("cell %d: %g of its share"):format(k - 1, count / 100000 * n)) end
  local x, to = sample(4096, 12)
  local goal = targets:index_select(to, { dim = 1 })
  local cost, h = mean_of((x - goal):square():sum(2)), ot:heights()
  -- The cell of x has the greatest <x, y> + h, so |x - y|^2 - 2 h - |y|^2 is least there; what is taken off is its mean over targets.
  local price = h * 2 + targets:square():sum(2)
  local dual = mean_of((x - goal):square():sum(2) - price:index_select(to, { dim = 1 })) + mean_of(price)
  assert(math.abs(cost - dual) <= 0.01 * dual, ("cost %g, bound %g"):format(cost, dual))
  local nearest = mean_of((x:reshape{ 4096, 1, 2 } - targets:reshape{ 1, n, 2 }):square():sum(3):amin(2))
  assert(nearest < cost)
end)

t.test("the exact flow of the mixture is as straight as it is known to be, and one step of Euler ends in the mean", function()
  local n, steps = 4000, 200
  local flow, z0 = vt.schedule{ kind = "flow" }, noise(n, 1)
  local o = { schedule = flow, kind = "rk", variant = "classical4", prediction = "flow", steps = steps, dtype = "f64" }
  local model = vt.diffusion.exact(mixture, { prediction = "flow" })
  local states, sum, asked = {}, 0, 0
  local z1 = vt.solver(o):begin(z0):run(function(x, time, request)
    local v = model(x, time, request)
    if asked % 4 == 0 then states[#states + 1] = v end
    asked = asked + 1
    return v
  end)
  for _, v in ipairs(states) do sum = sum + mean_of((z1 - z0 - v):square():sum(2)) end
  assert(math.abs(sum / #states - 0.621) <= 0.02, sum / #states)
  o.variant, o.steps = "euler", 1
  local ends = vt.solver(o):begin(noise(n, 2)):run(model)
  assert(ends:var(1):totable()[1] < 1e-20 and math.abs(ends:mean(1):totable()[1] - 0.03) < 1e-12)
end)

t.done()
