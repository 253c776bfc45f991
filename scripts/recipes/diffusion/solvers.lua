--- All solvers on a model whose answer is known: error against evaluations, measured orders, trajectories.
--- venturi run scripts/recipes/diffusion/solvers.lua [--rows 256] [--spacing log_snr] [--seed 1] [--out errors.svg] [--paths paths.svg] [--quick]
-- The exact denoiser of a Gaussian mixture stands for the network, so that all that is left is the solver's own error. One grid for all of them (even steps of
-- log(alpha / sigma), from t = 1 to 1e-3); those of flows have the even steps of the flow's time. The error is the median over rows of the distance to the exact end: a mean
-- would be that of the few rows which begin on the border between two modes.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../train/?.lua;" .. package.path
local problems = require "problems"
local study = require "study"
local vt = require "venturi"
local diffusion = vt.diffusion

local opt = study.options(arg, { rows = 256, spacing = "log_snr", seed = 1, out = "", paths = "", quick = { rows = 16 } })
local budgets, orders_at = { 5, 8, 10, 20, 50 }, { 192, 384 }
local x = problems.noise(opt.rows, opt.seed)
local vp, flow = problems.vp(x), problems.flow(x)

-- A solver's result with so many evaluations, or nil where they are too few for it.
local function try(problem, name, count, extra)
  local o = diffusion.options(name, count)
  if not o then return nil end
  o.spacing = problem == vp and opt.spacing or "uniform"
  for k, v in pairs(extra or {}) do o[k] = v end
  local ok, result = pcall(diffusion.solve, problem, o)
  if ok then return result end
  if type(result) == "table" and result.code then return nil, result.message end
  error(result, 0)
end

-- Without the last steps of lower order that some kinds have, which would be what is measured.
local whole = { dpm = { lower_order_final = false }, unipc = { lower_order_final = false }, dpm_single = { variant = 2 } }

local function measured_order(problem, name)
  local plain = whole[diffusion.options(name, { steps = 1 }).kind]
  local a, b = try(problem, name, { evaluations = orders_at[1] }, plain), try(problem, name, { evaluations = orders_at[2] }, plain)
  if not a or not b or b.median < 1e-11 then return "" end
  return ("%.2f"):format(math.log(a.median / b.median) / math.log(b.evaluations / a.evaluations))
end

local function rows_of(title, problem, names)
  local rows, curves = { { title, "5", "8", "10", "20", "50", "order", "stated" } }, {}
  for _, name in ipairs(names) do
    local row, curve, why = { name }, {}, nil
    for i, n in ipairs(budgets) do
      local r
      r, why = try(problem, name, { evaluations = n })
      row[i + 1] = r and ("%.1e"):format(r.median) or "-"
      if r then curve[#curve + 1] = { r.evaluations, r.median } end
    end
    if #curve > 0 then
      row[7], row[8] = measured_order(problem, name), tostring(diffusion.order(name))
      rows[#rows + 1] = row
      curves[name] = curve
    else
      print(("%s: left out: %s"):format(name, why))
    end
  end
  study.table(rows)
  return curves
end

print(("median error after so many evaluations, %d rows, spacing %s"):format(opt.rows, opt.spacing))
local curves = rows_of("diffusion", vp, diffusion.names())
print()
local flow_curves = rows_of("rectified flow", flow, diffusion.names "flow")

-- What papers say of one solver beside another, at evaluations where they say it.
local claims = {
  { "dpmpp_2m", "ddim", 10, "DPM-Solver++: 2M beats DDIM at 10" }, { "dpmpp_2m", "ddim", 20, "DPM-Solver++: 2M beats DDIM at 20" },
  { "dpmpp_3m", "dpmpp_2m", 20, "DPM-Solver++: 3M beats 2M at 20" }, { "unipc_3", "dpmpp_3m", 10, "UniPC-3 beats DPM-Solver++ 3M at 10" },
  { "unipc_2", "dpmpp_2m", 8, "UniPC-2 beats DPM-Solver++ 2M at 8" }, { "deis_tab3", "ddim", 10, "DEIS: tAB3 beats DDIM at 10" },
  { "deis_tab3", "deis_tab1", 10, "DEIS: higher order is better at 10" }, { "f_pndm", "ddim", 50, "PNDM beats DDIM at 50" },
  { "f_pndm", "s_pndm", 50, "F-PNDM beats S-PNDM at 50" }, { "ghvb_2.5", "plms", 8, "GHVB 2.5 beats PLMS4 at 8" }, { "dpm_3s", "dpm_2s", 20, "DPM-Solver: 3S beats 2S at 20" },
  { "flow_heun", "flow_euler", 10, "Heun beats Euler on flows at 10" }, { "flowturbo", "flow_heun", 10, "FlowTurbo beats Heun at 10" },
}
local function error_at(name, n)
  local curve, last = curves[name] or flow_curves[name], nil
  for _, p in ipairs(curve or {}) do if p[1] <= n then last = p[2] end end
  return last
end
print()
for _, c in ipairs(claims) do
  local a, b = error_at(c[1], c[3]), error_at(c[2], c[3])
  if a and b then print(("%s  %s (%.1e against %.1e)"):format(a < b and "holds:    " or "does not: ", c[4], a, b)) end
end

-- ---- pictures ----

if opt.out ~= "" then
  local series = {}
  for _, name in ipairs(diffusion.names()) do
    if curves[name] then series[#series + 1] = { name = name, points = curves[name] } end
  end
  study.write(opt.out, vt.plot.lines{ title = "Error against evaluations", x = { label = "evaluations", log = true },
    y = { label = "median error", log = true }, height = 760, series = series })
end
if opt.paths ~= "" then
  local few, series = problems.vp(problems.noise(12, opt.seed)), {}
  local r = diffusion.solve(few, { kind = "dpm", order = 2, spacing = opt.spacing, steps = 40 }, { path = true })
  for i = 1, 12 do
    local points = {}
    for k, state in ipairs(r.path) do points[k] = { state[{ i, 1 }]:item(), state[{ i, 2 }]:item() } end
    series[i] = { name = "row " .. i, points = points }
  end
  study.write(opt.paths, vt.plot.lines{ title = "From noise to the modes", x = { label = "first coordinate" },
    y = { label = "second coordinate" }, series = series })
end
