--- What time_shift.lua measures: DDIM with shifted times on a mixture of many dimensions.
local vt = require "venturi"

local M = {}

--- A mixture in `dim` dimensions, and its own mean and standard deviation in each. o: modes, reach (of the means), low and high (of the standard deviations).
function M.problem(dim, seed, o)
  o = o or {}
  local modes, reach = o.modes or 5, o.reach or 0.9
  local means = vt.rand(modes, dim, { dtype = "f64", seed = seed, low = -reach, high = reach })
  local stds = vt.rand(modes, dim, { dtype = "f64", seed = seed, stream = 1, low = o.low or 0.05, high = o.high or 0.35 })
  local mean = means:mean(1)
  local weights = {}
  for k = 1, modes do weights[k] = 1 / modes end
  return {
    mixture = vt.mixture{ weights = weights, means = means:totable(), stds = stds:totable() }, dim = dim, mean = mean,
    std = (stds:square():mean(1) + (means - mean):square():mean(1)):sqrt(),
  }
end

--- DDIM's samples. o: steps or times, scale (of the predictions), window (0: no shift), cutoff, samples, seed.
function M.sample(problem, o)
  local options = { kind = "ddim", schedule = vt.schedule{ kind = "linear" }, dtype = "f64" }
  if o.times then options.times = o.times else options.spacing, options.steps = "linspace", o.steps end
  local solver = vt.solver(options)
  local model = vt.diffusion.exact(problem.mixture, { bend = function(eps) return o.scale == 1 and eps or eps * o.scale end })
  solver:begin(vt.randn(o.samples, problem.dim, { dtype = "f64", seed = o.seed, stream = 7 }))
  while not solver:done() do
    if o.window > 0 and solver:next().step > 1 then solver:shift{ window = o.window, cutoff = o.cutoff or 200 } end
    local request = solver:next()
    solver:step(model(request.x, request.t, request))
  end
  return solver:x()
end

--- Diagonal Frechet distance of samples to the data.
function M.frechet(problem, x)
  return ((x:mean(1) - problem.mean):square():sum() + (x:std(1) - problem.std):square():sum()):item()
end

--- Mean log density of samples under the data.
function M.log_density(problem, x) return problem.mixture:log_density(x, { alpha = 1, sigma = 0 }):mean():item() end

--- Diagonal Frechet distance of DDIM's samples to the data; o as for sample.
function M.distance(problem, o) return M.frechet(problem, M.sample(problem, o)) end

return M
