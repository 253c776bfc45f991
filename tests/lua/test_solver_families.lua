-- Families of solvers on an exact model: rows shifted in time, edits of known data, restoration chains, misuse.
local t = require "support"
local vt = require "venturi"

local mixture = vt.mixture{ weights = { 0.4, 0.3, 0.2, 0.1 }, means = { { -0.7, -0.5 }, { 0.6, 0.7 }, { 0.8, -0.4 }, { -0.3, 0.8 } },
  stds = { { 0.1, 0.15 }, { 0.12, 0.08 }, { 0.06, 0.2 }, { 0.05, 0.05 } }, classes = { 0, 1, 1, 0 } }

local function exact(class)
  return function(x, _, request) return mixture:predict(x, { alpha = request.alpha, sigma = request.sigma, class = class }) end
end

local function fails(code, f, ...)
  local ok, err = pcall(f, ...)
  assert(not ok, "no error")
  t.equal(err.name, "VT_ERR_" .. code:upper(), tostring(err))
end

local linear = vt.schedule{ kind = "linear" }

-- ---- time shift ----

local function shifted(x, window)
  local solver, seen = vt.solver{ schedule = linear, kind = "ddim", spacing = "leading_n", steps = 10, dtype = "f64" }:begin(x), {}
  local model = exact()
  while not solver:done() do
    local nominal = solver:next()
    if window then
      local times = solver:shift{ window = window, cutoff = 200 }:totable()
      seen[#seen + 1] = { times = times, nominal = nominal.t:totable()[1], variance = nominal.x:var(2):totable() }
    end
    local request = solver:next()
    solver:step(model(request.x, request.t, request))
  end
  return solver:x(), seen
end

t.test("shifted rows have a variance no further from their time's, and none leaves the window", function()
  local _, seen = shifted(vt.randn(5, 2, { dtype = "f64", seed = 4 }), 60)
  for i, s in ipairs(seen) do
    local at = linear:levels(s.times).sigma
    local there = linear:levels{ s.nominal }.sigma[1]
    for r, time in ipairs(s.times) do
      if i == 1 or s.nominal <= 200 then t.equal(time, s.nominal)
      else
        assert(math.abs(time - s.nominal) <= 30)
        assert(math.abs(s.variance[r] - at[r] ^ 2) <= math.abs(s.variance[r] - there ^ 2) + 1e-12)
      end
    end
  end
end)

t.test("a shifted row does not depend on its batch", function()
  local x = vt.randn(4, 2, { dtype = "f64", seed = 5 })
  local together = shifted(x, 60):totable()
  for r = 1, 4 do t.equal(shifted(x[{ { r, r } }]:copy(), 60):totable()[1], together[r]) end
  assert(vt.json.encode(together) ~= vt.json.encode(shifted(x):totable()))
end)

-- ---- editing ----

-- Rows are source, target, mutual of each picture.
local function edit(x0, steps, eta, from, to, seed)
  local n, sd = x0.shape[1], vt.schedule{ kind = "scaled_linear" }
  local rows, roles, partners, classes = {}, {}, {}, {}
  for i, row in ipairs(x0:totable()) do
    for k = 1, 3 do
      rows[#rows + 1], roles[#roles + 1], partners[#partners + 1] = row, k - 1, 3 * (i - 1) + (k == 1 and 2 or 0)
      classes[#classes + 1] = k == 2 and to or from
    end
  end
  local function spread(noise)
    local out = {}
    for _, row in ipairs(noise:totable()) do for _ = 1, 3 do out[#out + 1] = row end end
    return out
  end
  local times, draws, y = {}, {}, vt.tensor(rows, { dtype = "f64" })
  for i = 0, steps - 1 do
    times[#times + 1] = 999 - 20 * (i * 50 // steps)
    draws[#draws + 1] = spread(vt.randn(n, 2, { dtype = "f64", seed = seed, stream = i + 1 }))
  end
  times[#times + 1] = -1
  local level = sd:levels{ times[1] }
  local solver = vt.solver{ schedule = sd, kind = "ddcm", eta = eta, times = times, dtype = "f64" }
  solver:extra(1, y)
  solver:begin(y * level.alpha[1] + vt.tensor(spread(vt.randn(n, 2, { dtype = "f64", seed = seed })), { dtype = "f64" }) * level.sigma[1])
  solver:route(roles, partners)
  solver:noise(vt.tensor(draws, { dtype = "f64" }))
  local out, target, mutual = solver:run(exact(vt.tensor(classes, { dtype = "i32" }))):totable(), {}, {}
  for i = 1, n do target[i], mutual[i] = out[3 * i - 1], out[3 * i] end
  return vt.tensor(target, { dtype = "f64" }), vt.tensor(mutual, { dtype = "f64" })
end

t.test("an edit to the same class leaves known data as it is", function()
  local x0 = mixture:draw(20, { seed = 3, class = 0 })
  for _, eta in ipairs{ 0, 0.5, 1 } do
    local target, mutual = edit(x0, 6, eta, 0, 0, 9)
    assert((target - x0):abs():max():item() < 1e-11)
    assert((mutual - x0):abs():max():item() < 1e-11)
  end
end)

t.test("an edit to another class ends there", function()
  local x0 = mixture:draw(500, { seed = 8, class = 0 })
  for _, case in ipairs{ { 4, 1, 0.56 }, { 12, 1, 0.87 }, { 12, 0, 0.85 } } do
    local target = edit(x0, case[1], case[2], 0, 1, 17)
    local near, inside = {}, {}
    for k = 0, 3 do
      local mode = mixture:mode(k)
      near[k] = (target - mode.mean):square():sum(2):totable()
      inside[k] = ((target - mode.mean) / mode.std):square():sum(2):sqrt():totable()
    end
    local n_class, n_inside = 0, 0
    for i = 1, 500 do
      local best = 0
      for k = 1, 3 do if near[k][i] < near[best][i] then best = k end end
      if best == 1 or best == 2 then n_class = n_class + 1 end
      if inside[best][i] <= 4 then n_inside = n_inside + 1 end
    end
    print(("# %d steps, eta %g: class %d, inside %d of 500 (%g expected)"):format(case[1], case[2], n_class, n_inside, 500 * case[3]))
    assert(n_class >= 490, n_class)
    assert(math.abs(n_inside / 500 - case[3]) <= 0.04, n_inside)
  end
end)

-- ---- restoration ----

t.test("chains of residual shifting end in the data's distribution", function()
  local n, steps, kappa = 1000, 100, 2
  local schedule = vt.schedule{ kind = "resshift", n = steps, first = 0.04, last = 0.99, kappa = kappa, power = 0.3 }
  local times, q = {}, vt.residual.posterior(schedule, steps)
  for i = steps - 1, -1, -1 do times[#times + 1] = i end
  local y = vt.full({ n, 2 }, 0.2, { dtype = "f64" })
  local solver = vt.solver{ schedule = schedule, kind = "resshift", prediction = "x0", times = times, dtype = "f64", seed = 5 }
  solver:extra(1, y)
  solver:begin(y + vt.randn(n, 2, { dtype = "f64", seed = 6 }) * (kappa * q.sqrt_eta[steps]))
  local x = solver:run(function(state, _, request)
    local alpha = request.alpha:totable()[1]
    return mixture:predict(state - y * (1 - alpha), { alpha = request.alpha, sigma = request.sigma, kind = "x0" })
  end)
  local mean = x:mean(1):totable()
  local want = { -0.7 * 0.4 + 0.6 * 0.3 + 0.8 * 0.2 - 0.3 * 0.1, -0.5 * 0.4 + 0.7 * 0.3 - 0.4 * 0.2 + 0.8 * 0.1 }
  for d = 1, 2 do assert(math.abs(mean[d] - want[d]) < 0.08, mean[d]) end
end)

-- ---- misuse ----

t.test("what a solver cannot do is refused", function()
  local schedule = vt.schedule{ kind = "vp" }
  fails("invalid", vt.solver, { schedule = schedule, kind = "usf", steps = 3 })
  fails("invalid", vt.solver, { schedule = schedule, kind = "usf", steps = 2, usf = { {} } })
  fails("invalid", vt.solver, { schedule = schedule, kind = "usf", steps = 1, usf = { { ordr = 2 } } })
  fails("invalid", vt.solver, { schedule = schedule, kind = "deis", variant = "rho" })
  fails("invalid", vt.solver, { schedule = schedule, kind = "ghvb", beta = 2 })
  for _, idle in ipairs{ { order = 2 }, { algorithm = "noise" }, { form = "taylor" }, { program = "HP" }, { beta = 0.5 }, { guidance_scale = 2 }, { churn_from = 1 },
    { threshold_top = 2 }, { kind = "deis", eta = 1 }, { kind = "lms", churn = 1 }, { kind = "dpm", plain_steps = 1 }, { times = { 9, 5, 0 }, steps = 2 } } do
    idle.schedule = linear
    fails("invalid", vt.solver, idle)
  end
  local solver = vt.solver{ schedule = linear, kind = "ddim", dtype = "f64" }
  fails("state", solver.shift, solver, {})
  solver:begin(vt.zeros(2, 3, { dtype = "f64" }))
  fails("shape", solver.route, solver, { 0 }, { 0 })
  fails("invalid", solver.route, solver, { 0, 7 }, { 0, 0 })
  fails("invalid", solver.route, solver, { 0, 1 }, { 0, 2 })
  fails("shape", solver.times, solver, 0, { 3 })
  fails("invalid", solver.times, solver, 0, { 3, -5 })
  fails("invalid", solver.shift, solver, { window = -1 })
end)
