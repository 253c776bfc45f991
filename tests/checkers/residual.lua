--- 07-resshift: schedule, posterior and whole chains with the file's noise.
local exact = require "exact"
local vt = require "venturi"

local M = {}

local function check(file, case)
  local T, report, tolerance = case.T, file.report, file.data.tolerance
  local schedule = vt.schedule{ kind = "resshift", n = T, first = case.min_noise_level, last = case.etas_end, kappa = case.kappa, power = case.power }
  local q = vt.residual.posterior(schedule, T)
  for key, got in pairs{ sqrt_etas = q.sqrt_eta, posterior_variance = q.variance, posterior_log_variance_clipped = q.log_variance, input_scale_latent = q.scale_latent,
    input_scale_pixel = q.scale_pixel, weight_mse = q.weight } do
    for i, want in ipairs(case[key]) do report:close(("%s[%d]"):format(key, i - 1), got[i], want, 1e-12 * (1 + math.abs(want)) + 5e-12 * math.max(1, math.abs(want))) end
  end
  local y, x0 = exact.rows(case.y), exact.rows(case.x0_true)
  local function noise(t) return exact.rows(case.noise[t + 1]) end
  local spread = case.kappa * q.sqrt_eta[T]
  exact.compare(report, "q_sample_last", vt.residual.noised(x0, y, noise(T - 1), q, T):totable(), case.q_sample_last, tolerance)
  local mixture = exact.mixture(file, "gmm16d")
  local function model(x, _, request)
    local alpha = request.alpha:totable()[1]
    return mixture:predict(x - y * (1 - alpha), { alpha = request.alpha, sigma = request.sigma, kind = "x0" })
  end
  local times, draws = {}, {}
  for t = T - 1, -1, -1 do times[#times + 1] = t end
  for t = T - 1, 1, -1 do draws[#draws + 1] = case.noise[t + 1] end
  for k = 1, #times do
    local x = y + noise(T) * spread
    if k > 1 then
      local solver = vt.solver{ schedule = schedule, kind = "resshift", prediction = "x0", dtype = "f64", times = exact.first(times, k) }
      solver:extra(1, y)
      solver:begin(x)
      solver:noise(exact.rows(draws))
      x = solver:run(model)
    end
    exact.compare(report, ("trajectory[%d]"):format(k - 1), x:totable(), case.trajectory[k], tolerance)
  end
end

function M.check(file) exact.each(file, function(case) check(file, case) end) end

return M
