--- Residual shifting (ResShift): what training and the degraded picture need beside the solver's chain.
-- Indices are 1-based here: entry t belongs to index t - 1 of the schedule.
local M = {}

--- Tables of a schedule of kind "resshift" with n indices.
-- @treturn table lists sqrt_eta; alpha (growth of eta); variance of the posterior, log_variance (the first entry is the second's: the posterior ends in a point);
--  weight of the squared error of predicted data in the bound; scale_latent and scale_pixel, by which networks' inputs are divided
function M.posterior(schedule, n)
  local levels = schedule:levels((function()
    local times = {}
    for t = 0, n - 1 do times[t + 1] = t end
    return times
  end)())
  local q = { sqrt_eta = {}, eta = levels.share, sigma = levels.sigma, alpha = {}, variance = {}, log_variance = {}, weight = {}, scale_latent = {}, scale_pixel = {} }
  for t = 1, n do
    local eta, before, sigma = levels.share[t], t > 1 and levels.share[t - 1] or 0, levels.sigma[t]
    q.sqrt_eta[t] = math.sqrt(eta)
    q.alpha[t] = eta - before
    q.variance[t] = sigma * sigma / eta * (before / eta) * q.alpha[t]
    q.scale_latent[t] = math.sqrt(sigma * sigma + 1)
    q.scale_pixel[t] = 3 * sigma + 1
  end
  for t = 1, n do
    local clipped = n > 1 and q.variance[math.max(t, 2)] or q.variance[t]
    q.log_variance[t] = math.log(clipped)
    q.weight[t] = 0.5 / clipped * (q.alpha[t] / q.eta[t]) ^ 2
  end
  return q
end

--- A clean picture x0 at entry t of the chain to y: x0 + eta (y - x0) + kappa sqrt(eta) noise.
function M.noised(x0, y, noise, q, t) return x0 * (1 - q.eta[t]) + y * q.eta[t] + noise * q.sigma[t] end

return M
