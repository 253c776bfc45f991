--- 06-usf: tables of per-step choices, as the authors' sampler took them.
local exact = require "exact"
local vt = require "venturi"

local M = {}

local relaxations = { ["dpmsolver-2"] = "bh2", ["unipc-bh2"] = "bh2", ["unipc-bh1"] = "bh1", ["0.5exp"] = "exp", ["-0.5exp"] = "minus_exp", linear = "linear" }
local predictions = { noise_prediction = "noise", data_prediction = "data" }
local correctors = { no_corrector = "none", pseudo = "pseudo", implicit = "implicit" }

local function known(table, key) return table[key] or error("the choice '" .. tostring(key) .. "'", 0) end

-- Offsets into the list of points (-1 the newest), as steps before the start of the step.
local function derivatives(file, list, start)
  local out = {}
  for i, d in ipairs(list) do
    local points, relaxation = {}, file.get(d, "relaxation")
    for k, at in ipairs(d.active_points) do points[k] = start - at end
    out[i] = { points = points, relax = relaxation and known(relaxations, relaxation), coefficient = file.get(d, "relaxation_coefficient") }
  end
  return out
end

local function table_of(file, d)
  local steps = {}
  for i, order in ipairs(d.orders) do
    local c = d.corrector_types[i]
    steps[i] = { prediction = known(predictions, d.prediction_types[i]), order = order, derivatives = derivatives(file, d.derivative_types[i], d.start_points[i]) }
    if d.start_points[i] ~= -1 then error("a start that is not the newest point", 0) end
    if c.type ~= "no_corrector" and i < #d.orders then
      steps[i].corrector, steps[i].corrector_order = known(correctors, c.type), c.taylor_order
      steps[i].corrector_derivatives = derivatives(file, c.derivative_type, c.start_point)
    end
  end
  return steps
end

local function check(file, case)
  local d = case.decisions
  local o = { schedule = vt.schedule{ kind = "vp" }, kind = "usf", usf = table_of(file, d), times = d.timesteps }
  o.first = known({ no_afs = "asked", zero = "zero" }, d.afs)
  local model = exact.model(exact.mixture(file, case.model))
  local function start() return exact.start(file, case.model, #case.x_end) end
  local got, n = exact.run(o, start(), model)
  exact.compare(file.report, "x_end", got, case.x_end, file.data.tolerance)
  if file.get(case, "nfe") then file.report:close("nfe", n, case.nfe, 0) end
  local trajectory, times, steps = file.get(case, "trajectory"), o.times, o.usf
  for k = 2, trajectory and #times - 1 or 0 do
    if (steps[k - 1].corrector or "none") == "none" then -- a step that ends a run has no evaluation to be corrected with
      o.times, o.usf = exact.first(times, k), exact.first(steps, k - 1)
      exact.compare(file.report, ("trajectory[%d]"):format(k - 1), exact.run(o, start(), model), trajectory[k], file.data.tolerance)
    end
  end
end

function M.check(file) exact.each(file, function(case) check(file, case) end) end

return M
