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

--- Share of samples with a coordinate beyond `bound`. o: method, order, guidance, steps, starts, seed, bound.
function M.share(o)
  local s = M.options(o.method, o.order)
  s.schedule, s.spacing, s.start, s.end_time, s.steps, s.dtype = vt.schedule{ kind = "vp" }, "uniform", 1, 1e-3, o.steps, "f64"
  local model = vt.diffusion.exact(problems.mixture(), { class = 1, guidance = o.guidance })
  local x = vt.solver(s):begin(problems.noise(o.starts, o.seed)):run(model)
  return x:abs():amax(2):gt(o.bound or 1.5):cast("f64"):mean():item()
end

return M
