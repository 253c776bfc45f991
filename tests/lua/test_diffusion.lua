-- Mixtures, transport maps and named solvers from Lua: what they give, what they refuse.
local t = require "support"
local vt = require "venturi"

local gmm = { name = "two", weights = { 1, 3 }, means = { { -1, 0 }, { 1, 0.5 } }, stds = { { 0.2, 0.1 }, { 0.1, 0.3 } }, classes = { 0, 1 } }
local function rows(list) return vt.tensor(list, { dtype = "f64" }) end

t.test("a mixture says what it is", function()
  local m = vt.mixture(gmm)
  t.equal(m:dim(), 2)
  t.equal(m:n_modes(), 2)
  t.equal(m:n_classes(), 2)
  t.equal(m:name(), "two")
  t.equal(m:mode(1).weight, 0.75)
  t.equal(m:mode(1).class, 1)
  t.equal(m:mode(1).std:totable()[2], 0.3)
end)

t.test("predictions at levels of rows of their own, and of classes of their own", function()
  local m, x = vt.mixture(gmm), rows{ { 0.1, 0.2 }, { -0.5, 0.4 } }
  local alpha, sigma, class = vt.tensor({ 0.8, 0.6 }, { dtype = "f64" }), vt.tensor({ 0.6, 0.8 }, { dtype = "f64" }), vt.tensor({ -1, 1 }, { dtype = "i32" })
  local all = m:predict(x, { alpha = alpha, sigma = sigma, class = class, kind = "x0" }):totable()
  t.equal(m:predict(rows{ { 0.1, 0.2 } }, { alpha = 0.8, sigma = 0.6, kind = "x0" }):totable()[1][1], all[1][1])
  t.equal(m:predict(rows{ { -0.5, 0.4 } }, { alpha = 0.6, sigma = 0.8, class = 1, kind = "x0" }):totable()[1][2], all[2][2])
  -- Without guidance the class does not count.
  local plain = m:predict(x, { alpha = 0.8, sigma = 0.6 }):totable()
  t.equal(m:predict(x, { alpha = 0.8, sigma = 0.6, class = 1, guidance = 0 }):totable()[2][1], plain[2][1])
end)

t.test("a transport map takes each point somewhere", function()
  local ot = vt.ot(rows{ { -1 }, { 0 }, { 2 } })
  local report = ot:solve{ max_iter = 300, seed = 1 }
  assert(report.error < 0.01 and report.empty == 0, report.error)
  local to = ot:map(rows{ { -3 }, { 0 }, { 3 } }, 2):totable()
  t.equal(to[1][1], 0)
  t.equal(to[2][1], 1)
  t.equal(to[3][1], 2)
  local again = vt.ot(rows{ { -1 }, { 0 }, { 2 } })
  again:heights(ot:heights())
  t.equal(again:map(rows{ { 0.4 } }):totable()[1][1], ot:map(rows{ { 0.4 } }):totable()[1][1])
end)

t.test("every named solver runs, and those without noise come near the exact end", function()
  local D, mixture, x = vt.diffusion, vt.mixture(gmm), vt.randn(4, 2, { dtype = "f64", seed = 3 })
  local vp = D.problem{ mixture = mixture, schedule = vt.schedule{ kind = "vp" }, start = 1, finish = 1e-3, x = x }
  local flow = D.problem{ mixture = mixture, schedule = vt.schedule{ kind = "flow" }, start = 0, finish = 1, x = x }
  for _, what in ipairs{ "plain", "flow", "noisy" } do
    for _, name in ipairs(D.names(what ~= "plain" and what or nil)) do
      local o = D.options(name, { evaluations = 120 })
      o.spacing = what == "flow" and "uniform" or "log_snr"
      local r = D.solve(what == "flow" and flow or vp, o)
      assert(r.evaluations <= 120 and r.evaluations > 100, name)
      if what ~= "noisy" then assert(r.error < 0.05, ("%s: %g"):format(name, r.error)) end
    end
  end
  t.equal(D.options("f_pndm", { evaluations = 5 }), nil)
end)

t.test("what is refused", function()
  local m = vt.mixture(gmm)
  local function refused(what, f, ...)
    local ok, err = pcall(f, ...)
    assert(not ok and tostring(err):find(what, 1, true), tostring(err))
  end
  refused("must be f64", m.predict, m, vt.zeros(1, 2), { alpha = 1, sigma = 1 })
  refused("must be [n, 2]", m.predict, m, rows{ { 1, 2, 3 } }, { alpha = 1, sigma = 1 })
  refused("'sigma' is missing", m.predict, m, rows{ { 1, 2 } }, { alpha = 1 })
  refused("no mode is of class 7", m.predict, m, rows{ { 1, 2 } }, { alpha = 1, sigma = 1, class = 7 })
  refused("'to' must be", m.solve, m, rows{ { 1, 2 } }, { alpha = 1, sigma = 1 })
  refused("is missing", vt.mixture, { weights = { 1 } })
  refused("means has 1 rows, need 2", vt.mixture, { weights = { 1, 2 }, means = { { 1 } }, stds = { { 1 } } })
  refused("no solver is called", vt.diffusion.options, "nope", { steps = 4 })
  refused("flowturbo", vt.diffusion.options, "nope", { steps = 4 })
  refused("give 'steps' or 'evaluations'", vt.diffusion.options, "ddim", {})
  assert(vt.diffusion.is_flow "flow_heun" and not vt.diffusion.is_flow "ddim")
  refused("f64", vt.ot, vt.zeros(2, 2))
end)
t.done()
