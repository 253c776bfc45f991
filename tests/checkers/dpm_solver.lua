--- 79-dpmsolver, 79-diffusers-schedulers, 79-kdiffusion: solvers of the reference libraries on the exact mixture, in float64.
local vt = require "venturi"

local M = {}

local function rows_of(list) return vt.tensor(list, { dtype = "f64" }) end

local function compare(report, what, got, want, tolerance)
  for i, row in ipairs(want) do
    for d, w in ipairs(row) do report:close(("%s[%d][%d]"):format(what, i - 1, d - 1), got[i][d], w, tolerance * math.max(1, math.abs(w))) end
  end
end

--- The first n starting rows of a model.
function M.start(file, name, n)
  local all, rows = vt.json.decode(file.bytes("00-xT.json"))[name], {}
  for i = 1, n do rows[i] = all[i] end
  return rows_of(rows)
end

-- Runs a solver on a mixture. levels: nil, or alpha and sigma of each evaluation as the model is told them.
local function run(solver, mixture, kind, class, x, noise, levels)
  solver:begin(x)
  if noise then solver:noise(rows_of(noise)) end
  return solver:run(function(at, _, r)
    local k = r.evaluations + 1
    local alpha, sigma = levels and levels.alpha[k] or r.alpha:totable()[1], levels and levels.sigma[k] or r.sigma:totable()[1]
    local function ask(c) return mixture:predict(at, { kind = kind, alpha = alpha, sigma = sigma, class = c }) end
    if r.predictions == 2 then return ask(class), ask(nil) end
    return ask(class)
  end):totable()
end

-- ---- 79-dpmsolver ----

local spacings = { time_uniform = "uniform", logSNR = "log_snr", time_quadratic = "power" }
local forms = { dpmsolver = "midpoint", taylor = "heun" }
local predictions = { x_start = "x0", v = "v" }
local schedules = { ["ddpm-linear-1000"] = { kind = "linear" }, ["ddpm-cosine-1000"] = { kind = "cosine", log_snr_min = -5.1 }, ["vp-linear-cont"] = { kind = "vp" } }

local function options_of(file, case)
  local method, thr, guid = case.method, file.get(case, "thr"), file.get(case, "guid")
  local o = { schedule = vt.schedule(schedules[case.schedule] or error("schedule " .. tostring(case.schedule), 0)), dtype = "f64", steps = case.steps, order = case.order,
    algorithm = case.alg == "dpmsolver" and "noise" or "data", form = forms[file.get(case, "solver_type") or "dpmsolver"], kind = method == "multistep" and "dpm" or "dpm_single",
    spacing = spacings[file.get(case, "skip_type") or "time_uniform"], prediction = predictions[file.get(case, "ptype")] or "eps", lower_final = 10 }
  if method == "singlestep_fixed" then o.variant = "even" end
  if method == "adaptive" then o.kind = "dpm_adaptive" end
  if file.get(case, "lower_order_final") == false then o.lower_order_final = false end
  if file.get(case, "denoise_to_zero") then o.denoise = true end
  if guid then o.guidance, o.guidance_scale = "cfg", guid end
  if thr then o.threshold, o.threshold_floor = thr.dynamic_thresholding_ratio, thr.thresholding_max_val end
  return o
end

local function check_dpm(file, case, tolerance)
  local o = options_of(file, case)
  local mixture = vt.mixture(file.bytes("00-gmm-params.json"), case.model)
  local got = run(vt.solver(o), mixture, o.prediction, file.get(case, "cls"), M.start(file, case.model, #case.x_end))
  compare(file.report, "x_end", got, case.x_end, case.method == "adaptive" and 1e-5 or tolerance)
end

-- ---- 79-diffusers-schedulers ----

local function of_class(name, config)
  if name == "DPMSolverMultistepScheduler" then
    local sde = config.algorithm_type:find("^sde") ~= nil
    return { kind = "dpm", order = config.solver_order, eta = sde and 1 or 0, form = config.solver_type == "heun" and "heun" or "midpoint",
      algorithm = config.algorithm_type:find("%+%+") and "data" or "noise" }
  elseif name == "DPMSolverSinglestepScheduler" then
    return { kind = "dpm_single", variant = "diffusers", order = config.solver_order, form = "midpoint" }
  elseif name == "EulerDiscreteScheduler" then
    return { kind = "euler" }
  elseif name == "HeunDiscreteScheduler" then
    return { kind = "heun" }
  elseif name == "DDIMScheduler" then
    return { kind = "ddim", clip = config.clip_sample and 1 or 0, raw_noise = config.clip_sample }
  elseif name == "UniPCMultistepScheduler" then
    return { kind = "unipc", order = config.solver_order, variant = config.solver_type, lower_order_final = true,
      plain_steps = config.disable_corrector and #config.disable_corrector or 0 }
  end
end

-- The spacing of a scheduler's own, whose lists must be the file's; its times where the file's last sigma stands for an identity.
local function spacing_of(name, config)
  if name == "DDIMScheduler" then return { spacing = "leading_n" } end
  if name == "EulerDiscreteScheduler" or name == "HeunDiscreteScheduler" then return { spacing = "linspace_n" } end
  local s = { spacing = "linspace", final = config.final_sigmas_type == "sigma_min" and "least" or "zero" }
  if config.use_karras_sigmas then s.spacing, s.round_times = "karras", true end
  if config.use_lu_lambdas then s.spacing, s.round_times = "exponential", true end
  if config.timestep_spacing then s.spacing = config.timestep_spacing end
  if config.steps_offset then s.offset = config.steps_offset end
  return s
end

local function check_lists(file, case, levels)
  local report, sigmas = file.report, file.get(case, "sigmas")
  if case.scheduler == "HeunDiscreteScheduler" then return end -- its lists are one entry an evaluation
  for i, t in ipairs(case.timesteps) do report:close("timesteps " .. i, levels.time[i], t, 1e-6 * math.max(1, t)) end
  for i, s in ipairs(sigmas or {}) do report:close("sigmas " .. i, levels.sigma[i] / levels.alpha[i], s, 1e-6 * math.max(1, s)) end
end

local kind_of = { epsilon = "eps", v_prediction = "v", sample = "x0" }

local function check_scheduler(file, case, tolerance)
  local config = case.config
  local o = of_class(case.scheduler, config)
  local schedule = vt.schedule{ kind = "linear" }
  o.schedule, o.dtype, o.prediction = schedule, "f64", kind_of[case.prediction]
  if o.kind == "dpm" then
    if config.lower_order_final == false then o.lower_order_final = false end
    if config.euler_at_final then o.euler_at_final = true end
  end
  if file.get(case, "guidance") then o.guidance, o.guidance_scale = "cfg", case.guidance end
  if case.scheduler == "DDIMScheduler" and config.set_alpha_to_one == false then
    o.times = case.timesteps -- and a last step from index 0 to itself
  else
    for k, v in pairs(spacing_of(case.scheduler, config)) do o[k] = v end
    o.steps = case.steps
  end
  local solver = vt.solver(o)
  local levels = solver:levels()
  check_lists(file, case, levels)
  local x, n = M.start(file, "gmm2d", #case.x_end), #case.timesteps
  if case.scheduler:find("^Euler") or case.scheduler:find("^Heun") then x = x * (levels.sigma[1]) end
  local got = run(solver, vt.mixture(file.bytes("00-gmm-params.json"), "gmm2d"), o.prediction, file.get(case, "cls"), x, file.get(case, "noise"),
    schedule:levels(case.timesteps))
  compare(file.report, "x_end of " .. n, got, case.x_end, tolerance)
end

-- ---- 79-kdiffusion ----

local samplers = {
  sample_euler = { kind = "euler" }, sample_heun = { kind = "heun" }, sample_dpm_2 = { kind = "dpm2" }, sample_lms = { kind = "lms" },
  sample_dpmpp_2m = { kind = "dpm", order = 2 }, sample_euler_ancestral = { kind = "ancestral", eta = 1 },
  sample_dpmpp_2s_ancestral = { kind = "ancestral", order = 2, eta = 1 }, sample_dpmpp_2m_sde = { kind = "dpm", order = 2, eta = 1 },
  sample_dpmpp_3m_sde = { kind = "dpm", order = 3, eta = 1, form = "heun" }, sample_dpmpp_sde = { kind = "dpm_sde", eta = 1 },
}

local function check_sampler(file, case, tolerance)
  local given
  for _, entry in ipairs(file.data.cases) do
    if not entry.sampler and entry.steps == case.steps then given = entry end
  end
  if not given then error(("no levels and noise of %s steps"):format(case.steps), 0) end
  local o = { schedule = vt.schedule{ kind = "ve" }, dtype = "f64", prediction = "x0", steps = case.steps, spacing = "karras", sigma_min = 0.03, sigma_max = 14.6,
    lower_order_final = false }
  for k, v in pairs(samplers[case.sampler] or error("sampler " .. tostring(case.sampler), 0)) do o[k] = v end
  if case.options.eta then o.eta = case.options.eta end
  if case.options.solver_type then o.form = case.options.solver_type end
  local solver = vt.solver(o)
  for i, s in ipairs(given.sigmas) do file.report:close("sigmas " .. i, solver:levels().sigma[i], s, 1e-8 * math.max(1, s)) end
  local noise = case.noise_calls > 0 and given.noise_sequence or nil
  local x = M.start(file, "gmm2d", #case.x_end) * given.sigmas[1]
  compare(file.report, "x_end", run(solver, vt.mixture(file.bytes("00-gmm-params.json"), "gmm2d"), "x0", nil, x, noise), case.x_end, tolerance)
end

function M.check(file)
  local cases = file.get(file.data, "cases")
  if type(cases) ~= "table" or #cases == 0 then error("no list of cases", 0) end
  local tolerance = file.tolerance({ "tolerance", "tol" }, 1e-7)
  for i, case in ipairs(cases) do
    local name = case.alg or case.scheduler or case.sampler
    if name then
      file.report:case(("%s %d: %s %s"):format(file.name, i, name, tostring(case.steps)), function()
        if case.alg then check_dpm(file, case, tolerance)
        elseif case.scheduler then check_scheduler(file, case, tolerance)
        else check_sampler(file, case, tolerance) end
      end)
    end
  end
end

return M
