--- *-convergence: errors of solvers against the exact flow at growing numbers of steps, on the six rows of 00-xT.json. Each error to 1e-6 of itself, so each slope too.
-- 33 also has the largest steps at which a decaying mode does not grow.
local vt = require "venturi"

local M = {}

-- ---- what each file's names mean in options of vt.solver ----

local spacings = {
  time_uniform = { spacing = "uniform" }, logSNR = { spacing = "log_snr" }, rho7 = { spacing = "ratio", power = 7 }, log1 = { spacing = "log_snr" },
  ["t2.0"] = { spacing = "power", power = 2 }, t2 = { spacing = "power", power = 2 }, t1 = { spacing = "uniform" },
}

local function with(options, spacing)
  local s = spacings[spacing] or error("the grid " .. tostring(spacing), 0)
  for k, v in pairs(s) do options[k] = v end
  return options
end

local families = {}

families["79-convergence"] = function(row)
  local o = { order = row.order, algorithm = row.alg == "dpmsolver" and "noise" or "data", form = row.solver_type == "taylor" and "heun" or "midpoint", lower_final = 10 }
  o.kind = row.method == "multistep" and "dpm" or "dpm_single"
  if o.kind == "dpm_single" then o.variant, o.lower_final = 2, nil end -- all steps of one order
  return with(o, row.skip)
end

families["03-convergence"] = function(row)
  local name, grid = row.method:match("^(.-)/(.*)$")
  local variant, order = name:match("^(%a+)AB(%d)$")
  if variant then return with({ kind = "deis", variant = variant == "t" and "time" or "ratio", order = tonumber(order) + 1 }, grid) end
  if name == "ipndm" then return with({ kind = "deis", variant = "even", order = 4 }, grid) end
  local tableaus = { ["rhoRK-2heun"] = "heun2", ["rhoRK-3kutta"] = "kutta3", ["rhoRK-4rk"] = "classical4" }
  return with({ kind = "rk", variant = tableaus[name] or error("the method " .. name, 0) }, grid)
end

families["57-convergence"] = function(row)
  local methods = {
    DDIM = { kind = "ddim" }, ["S-PNDM"] = { kind = "pndm", variant = "improved_euler" }, PLMS = { kind = "pndm", variant = "ramp", order = 4 },
    ["F-PNDM"] = { kind = "pndm", variant = "runge_kutta", order = 4 },
  }
  local o = {}
  for k, v in pairs(methods[row.method] or error("the method " .. tostring(row.method), 0)) do o[k] = v end
  return with(o, row.grid)
end

families["33-convergence"] = function(row)
  local order = math.ceil(row.order)
  local beta = row.order == order and 1 or row.order - math.floor(row.order)
  if row.method == "GHVB" then return with({ kind = "ghvb", order = order, beta = beta }, row.grid) end
  return with({ kind = "pndm", variant = "ramp", order = order, beta = beta, momentum = row.method == "HB" and "heavy_ball" or "nesterov" }, row.grid)
end

-- Row i of a table of steps: as many earlier points as there are, one derivative each; the pseudo-corrector takes one point more.
families["06-convergence"] = function(row)
  local function derivatives(n, points)
    local list = {}
    for k = 1, n - 1 do list[k] = { points = points } end
    return #list > 0 and list or nil
  end
  return function(n)
    local o = with({ kind = "usf", usf = {} }, "logSNR")
    for i = 1, n do
      local order, back, ahead = math.min(row.order, i), {}, { -1 }
      for k = 1, order - 1 do back[k], ahead[k + 1] = k, k end
      local step = { prediction = row.pred == "data_prediction" and "data" or "noise", order = order, derivatives = derivatives(order, back) }
      if row.corrector and i < n then
        step.corrector, step.corrector_order, step.corrector_derivatives = "pseudo", order + 1, derivatives(order + 1, ahead)
      end
      o.usf[i] = step
    end
    return o
  end
end

families["40-convergence"] = function(row)
  return function(n)
    local o = { kind = "rk", variant = row.method == "Euler" and "euler" or "heun2", prediction = "flow" }
    if row.method:find("^H1") then o = { kind = "flowturbo", program = "H" .. ("P"):rep(n - 1), prediction = "flow" } end
    return o
  end
end

-- ---- running ----

local function problem(file, is_flow)
  local mixture = vt.mixture(file.bytes("00-gmm-params.json"), "gmm2d")
  local x = vt.tensor(vt.json.decode(file.bytes("00-xT.json")).gmm2d, { dtype = "f64" })
  if is_flow then return vt.diffusion.problem{ mixture = mixture, schedule = vt.schedule{ kind = "flow" }, start = 0, finish = 1, x = x } end
  return vt.diffusion.problem{ mixture = mixture, schedule = vt.schedule{ kind = "vp" }, start = 1, finish = 1e-3, x = x }
end

local function check_row(report, p, make, row)
  local counts = row.nfe and row.method ~= "S-PNDM" and row.method ~= "F-PNDM" and row.nfe or row.steps
  local errors, slopes = vt.diffusion.convergence(p, function(n)
    local o = type(make) == "function" and make(n) or {}
    if type(make) == "table" then for k, v in pairs(make) do o[k] = v end end
    if o.kind ~= "flowturbo" or not o.steps then o.steps = n end
    return o
  end, counts)
  for i, want in ipairs(row.rms_err) do report:close(("error at %d"):format(counts[i]), errors[i], want, 1e-6 * want + 1e-12) end
  for i, want in ipairs(row.slope) do report:close(("slope from %d"):format(counts[i]), slopes[i], want, 1e-4) end
end

-- ---- stability ----

local MOST, ROWS, STEPS = 8, 200, 400

-- How large 400 steps of the solver make y = 1 where each step is y' = y - lambda u, u its combination of predictions y: one row a lambda.
local function growth(options, lambdas)
  local sigmas = {}
  for i = 0, STEPS do sigmas[i + 1] = STEPS + 1 - i end -- alpha is 1 and sigma falls by 1: the prediction lambda x is lambda y
  local o = { schedule = vt.schedule{ kind = "ve", first = 1, last = STEPS + 1 }, dtype = "f64", sigmas = sigmas }
  for k, v in pairs(options) do o[k] = v end
  local rates = vt.tensor(lambdas, { dtype = "f64" }):reshape{ -1, 1 }
  local x = vt.solver(o):begin(vt.ones(#lambdas, 1, { dtype = "f64" })):run(function(x) return (x * rates):clamp{ min = -1e30, max = 1e30 } end)
  return x:abs():reshape{ -1 }:totable()
end

-- The largest lambda below which nothing has grown.
local function limit(options)
  local low, high = 0, MOST
  for _ = 1, 3 do
    local lambdas = {}
    for i = 1, ROWS do lambdas[i] = low + (high - low) * i / ROWS end
    local first = ROWS
    for i, y in ipairs(growth(options, lambdas)) do
      if y > 1 + 1e-9 then
        first = i
        break
      end
    end
    low, high = lambdas[first] - (high - low) / ROWS, lambdas[first]
  end
  return high
end

local function check_stability(file)
  for _, row in ipairs(file.get(file.data, "stability_interval_real_axis") or {}) do
    file.report:case(("stability of %s %g"):format(row.method, row.order), function()
      local o = families["33-convergence"]{ method = row.method, order = row.order, grid = "rho7" }
      o.spacing, o.power = nil, nil
      file.report:close("largest step", -limit(o), row.real_axis_limit, 0.003 * math.abs(row.real_axis_limit))
    end)
  end
end

function M.check(file)
  local family = file.name:gsub("%.json$", "")
  local make = families[family] or error("no family " .. family, 0)
  local p = problem(file, family == "40-convergence")
  if file.get(file.data, "exact_end") then
    file.report:case("exact end", function() file.report:close("end", p.answer:totable(), file.data.exact_end, 1e-9) end)
  end
  for i, row in ipairs(file.data.rows) do
    file.report:case(("rows[%d] %s %s"):format(i - 1, tostring(row.method or row.pred), tostring(row.order or "")), function() check_row(file.report, p, make(row), row) end)
  end
  check_stability(file)
end

return M
