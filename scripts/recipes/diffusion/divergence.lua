--- How many guided samples of a multistep solver with momentum leave the region of the data.
local here = (debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local problems = require "problems"
local vt = require "venturi"

local M = {}

--- Options of vt.solver for "GHVB", "HB" or "NT" of an order such as 2.5: order 3 with half of the momentum.
function M.options(method, order)
  local whole = math.ceil(order)
  local beta = whole == order and 1 or order - math.floor(order)
  if method == "GHVB" then return { kind = "ghvb", order = whole, beta = beta } end
  return { kind = "pndm", variant = "ramp", order = whole, beta = beta, momentum = method == "HB" and "heavy_ball" or "nesterov" }
end

--- How far each sample of z, [n, ...], goes beyond the latents of a data set: the mean over cells of what |z| / std is above a threshold. Maps, [n, c, h, w], are first
-- pooled to the largest of each window.
-- opt: std (a number, or one for each channel; of the reference set), threshold (3), window (2; 1: no pooling)
function M.magnitude(z, opt)
  local std = opt.std
  if type(std) ~= "number" then
    local shape = { 1, -1 }
    for _ = 3, #z.shape do shape[#shape + 1] = 1 end
    std = std:reshape(shape)
  end
  local a, window = z:abs() / std, opt.window or 2
  if #z.shape == 4 and window > 1 then a = vt.op.max_pool2d(a, { kernel = { window, window } }) end
  return (a - (opt.threshold or 3)):clamp{ min = 0 }:reshape{ z.shape[1], -1 }:mean(2)
end

--- Share of samples with a coordinate beyond `bound`. o: method, order, guidance, steps, starts, seed, bound.
function M.share(o) return M.sample(o):abs():amax(2):gt(o.bound or 1.5):cast("f64"):mean():item() end

--- Guided samples. o: as of share.
function M.sample(o)
  local s = M.options(o.method, o.order)
  s.schedule, s.spacing, s.start, s.end_time, s.steps, s.dtype = vt.schedule{ kind = "vp" }, "uniform", 1, 1e-3, o.steps, "f64"
  local model = vt.diffusion.exact(problems.mixture(), { class = 1, guidance = o.guidance })
  return vt.solver(s):begin(problems.noise(o.starts, o.seed)):run(model)
end

return M
