--- What the recipes beside this file share: a mixture of four modes in the plane, and problems on it. Options, tables and files are those of train/study.lua.
local vt = require "venturi"

local M = {}

--- Four modes of two classes, the smallest of which has a tenth of the weight.
function M.mixture()
  return vt.mixture{
    name = "gmm2d", weights = { 0.4, 0.3, 0.2, 0.1 }, means = { { -0.7, -0.5 }, { 0.6, 0.7 }, { 0.8, -0.4 }, { -0.3, 0.8 } },
    stds = { { 0.1, 0.15 }, { 0.12, 0.08 }, { 0.06, 0.2 }, { 0.05, 0.05 } }, classes = { 0, 1, 1, 0 },
  }
end

--- Standard normal rows, of a seed.
function M.noise(rows, seed, dim) return vt.randn(rows, dim or 2, { dtype = "f64", seed = seed }) end

--- From noise to data over the continuous VP schedule. opt: class, guidance.
function M.vp(x, opt)
  opt = opt or {}
  return vt.diffusion.problem{ mixture = M.mixture(), schedule = vt.schedule{ kind = "vp" }, start = 1, finish = 1e-3, x = x, class = opt.class, guidance = opt.guidance }
end

--- From noise to data along a rectified flow.
function M.flow(x)
  return vt.diffusion.problem{ mixture = M.mixture(), schedule = vt.schedule{ kind = "flow" }, start = 0, finish = 1, x = x }
end

--- Distance of each row to the nearest mode, in its standard deviations: [n].
function M.strays(mixture, x)
  local nearest
  for k = 0, mixture:n_modes() - 1 do
    local mode = mixture:mode(k)
    local d = ((x - mode.mean) / mode.std):square():sum(2):sqrt()
    nearest = nearest and nearest:minimum(d) or d
  end
  return nearest
end

--- Shares of the modes among rows, by which mode is likeliest.
function M.shares(mixture, x)
  local scores = {}
  for k = 0, mixture:n_modes() - 1 do
    local mode = mixture:mode(k)
    scores[k + 1] = ((x - mode.mean) / mode.std):square():sum(2) * -0.5 - mode.std:log():sum() + math.log(mode.weight)
  end
  local best = vt.op.stack(scores, { dim = 2 }):argmax{ dim = 2 }
  local shares = {}
  for k = 1, #scores do shares[k] = best:eq(k - 1):cast("f64"):mean():item() end
  return shares
end

return M
