--- 03-deis, 57-pndm, 33-ghvb: multistep and Runge-Kutta solvers on the exact model.
local exact = require "exact"
local vt = require "venturi"

local M = {}

local tableaux = { ["1euler"] = "euler", ["2heun"] = "heun2", ["3kutta"] = "kutta3", ["3ral"] = "ralston3", ["3heun"] = "heun3", ["3vdh"] = "van_der_houwen3",
  ["3ssprk"] = "ssp3", ["4rk"] = "classical4" }

local function known(table, key, what) return table[key] or error(("%s '%s'"):format(what, tostring(key)), 0) end

-- Quadrature of the authors' code: its Riemann sums are off by so much at five steps.
local RIEMANN = 6e-3

local function deis(file, case)
  local o = { schedule = vt.schedule{ kind = "vp" }, steps = case.steps, power = case.ts_order }
  o.spacing = known({ t = "power", log = "log_snr", rho = "ratio" }, case.ts_phase, "grid")
  if case.method == "rho_rk" then
    o.kind, o.variant = "rk", known(tableaux, case.rk, "tableau")
  else
    o.kind, o.variant = "deis", known({ t_ab = "time", rho_ab = "ratio", ipndm = "even" }, case.method, "method")
    o.order = case.method == "ipndm" and 4 or case.ab_order + 1
  end
  local mixture = exact.mixture(file, case.model)
  local got, n = exact.run(o, exact.start(file, case.model, #case.x_end), exact.model(mixture))
  exact.compare(file.report, "x_end", got, case.x_end, file.data.tolerance)
  if file.get(case, "nfe") then file.report:close("nfe", n, case.nfe, 0) end
  local code = file.get(case, "x_end_reference_code")
  if code then exact.compare(file.report, "x_end_reference_code", got, code, math.max(RIEMANN, file.tolerance({ "tolerance_vs_reference_code" }, 0))) end
  local trajectory = file.get(case, "trajectory")
  for k = 2, trajectory and #trajectory - 1 or 0 do
    local times = vt.solver(o):levels().t
    local part = { schedule = o.schedule, kind = o.kind, variant = o.variant, order = o.order, times = exact.first(times, k) }
    local state = exact.run(part, exact.start(file, case.model, #case.x_end), exact.model(mixture))
    exact.compare(file.report, ("trajectory[%d]"):format(k - 1), state, trajectory[k], file.data.tolerance)
  end
end

-- Grid and options of each implementation of PNDM.
local function pndm_options(case, schedule)
  local method = case.method or ""
  local o = { schedule = schedule, kind = "pndm", variant = ({ ["F-PNDM"] = "runge_kutta", ["S-PNDM"] = "improved_euler", DDIM = "ramp" })[method],
    order = ({ DDIM = 1 })[method] }
  if case.impl:find("^consistent") then
    o.times = case.times
  elseif case.impl:find("PNDM as is") then
    o.reading, o.times = "repository", {}
    for i = #case.seq, 1, -1 do o.times[#o.times + 1] = case.seq[i] + 1 end
    o.times[#o.times + 1] = 0
  elseif case.impl:find("^diffusers") then
    o.reading, o.steps, o.spacing, o.offset, o.order = "diffusers", case.steps, "leading_n", case.steps_offset, 4
    o.final = case.set_alpha_to_one and "zero" or "least"
    o.variant = case.skip_prk_steps and "improved_euler" or "runge_kutta"
  else
    error("implementation " .. case.impl, 0)
  end
  return o
end

local function pndm(file, case, schedule)
  local o, told = pndm_options(case, schedule), {}
  local model = exact.model(exact.mixture(file, case.model), { told = schedule })
  local function ask(x, t, request)
    told[#told + 1] = t:totable()[1]
    return model(x, t, request)
  end
  local function start() return exact.start(file, case.model, #case.x_end) end
  exact.compare(file.report, "x_end", exact.run(o, start(), ask), case.x_end, file.data.tolerance)
  if file.get(case, "timesteps") then exact.compare(file.report, "timesteps", told, case.timesteps, 0) end
  if file.get(case, "nfe") then file.report:close("nfe", #told, case.nfe, 0) end
  local trajectory, times = file.get(case, "trajectory"), o.times
  for k = 2, trajectory and times and #times - 1 or 0 do
    o.times = exact.first(times, k)
    exact.compare(file.report, ("trajectory[%d]"):format(k - 1), exact.run(o, start(), model), trajectory[k], file.data.tolerance)
  end
end

local function momentum(file, case, schedule)
  local whole = math.ceil(case.order)
  local b = case.order - math.floor(case.order)
  local o = { schedule = schedule, order = whole, beta = b > 0 and b or 1, times = case.timesteps }
  if case.method == "GHVB" then o.kind = "ghvb"
  else o.kind, o.variant, o.momentum = "pndm", "ramp", known({ HB = "heavy_ball", NT = "nesterov" }, case.method, "method") end
  -- Both bases end at index 0; where the last time is 0 the last step goes nowhere.
  if o.times[#o.times] ~= 0 then o.times = exact.first(o.times, #o.times, 0) end
  local model = exact.model(exact.mixture(file, "gmm2d"), { class = file.get(case, "cls"), guidance = file.get(case, "guidance") })
  local function start() return exact.start(file, "gmm2d", #case.x_end) end
  exact.compare(file.report, "x_end", exact.run(o, start(), model), case.x_end, file.data.tolerance)
  local trajectory, times = file.get(case, "trajectory"), o.times
  for k = 2, trajectory and math.min(#times - 1, #trajectory) or 0 do
    o.times = exact.first(times, k)
    exact.compare(file.report, ("trajectory[%d]"):format(k - 1), exact.run(o, start(), model), trajectory[k], file.data.tolerance)
  end
end

function M.check(file)
  local schedule = vt.schedule{ kind = "linear" }
  local name = file.name
  local check = name:find("^03") and deis or name:find("^57") and pndm or momentum
  exact.each(file, function(case) check(file, case, schedule) end)
end

return M
