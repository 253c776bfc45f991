--- What time_shift.lua measures: DDIM with shifted times on a mixture of many dimensions.
local vt = require "venturi"

local M = {}

--- A mixture of five modes in `dim` dimensions, and its own mean and standard deviation in each.
function M.problem(dim, seed)
  local modes = 5
  local means = vt.rand(modes, dim, { dtype = "f64", seed = seed, low = -0.9, high = 0.9 })
  local stds = vt.rand(modes, dim, { dtype = "f64", seed = seed, stream = 1, low = 0.05, high = 0.35 })
  local mean = means:mean(1)
  local weights = {}
  for k = 1, modes do weights[k] = 1 / modes end
  return {
    mixture = vt.mixture{ weights = weights, means = means:totable(), stds = stds:totable() }, dim = dim, mean = mean,
    std = (stds:square():mean(1) + (means - mean):square():mean(1)):sqrt(),
  }
end

--- Diagonal Frechet distance of DDIM's samples to the data. o: steps, scale (of the predictions), window (0: no shift), cutoff, samples, seed.
function M.distance(problem, o)
  local solver = vt.solver{ kind = "ddim", schedule = vt.schedule{ kind = "linear" }, spacing = "linspace", steps = o.steps, dtype = "f64" }
  local model = vt.diffusion.exact(problem.mixture, { bend = function(eps) return o.scale == 1 and eps or eps * o.scale end })
  solver:begin(vt.randn(o.samples, problem.dim, { dtype = "f64", seed = o.seed, stream = 7 }))
  while not solver:done() do
    if o.window > 0 and solver:next().step > 1 then solver:shift{ window = o.window, cutoff = o.cutoff or 200 } end
    local request = solver:next()
    solver:step(model(request.x, request.t, request))
  end
  local x = solver:x()
  return ((x:mean(1) - problem.mean):square():sum() + (x:std(1) - problem.std):square():sum()):item()
end

return M
