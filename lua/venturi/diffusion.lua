--- Diffusion and flow beside the solver itself: solvers by name, and problems whose answer is known.
--
-- A problem is a mixture (vt.mixture), a schedule and first states; `vt.diffusion.solve` runs a solver on it and measures how far it is from where the probability
-- flow ends. Names are those of the field ("dpmpp_2m"); what a name means in options of vt.solver is `vt.diffusion.options(name, evaluations)`.
local vt = require "venturi"

local M = {}

-- ---- solvers by name ----

-- Steps of a solver that asks `each` times a step, and `more` times once.
local function steps_of(evaluations, each, more) return (evaluations - (more or 0)) // (each or 1) end

-- name, order of convergence that the card of the method states, options; how many predictions a step takes, and how many more all together.
local list = {
  { "ddim", 1, { kind = "ddim" } },
  { "heun", 2, { kind = "heun" }, each = 2 },
  { "dpm2", 2, { kind = "dpm2" }, each = 2 },
  { "lms", 4, { kind = "lms" } },
  { "dpm_2m", 2, { kind = "dpm", algorithm = "noise", order = 2 } },
  { "dpm_3m", 2, { kind = "dpm", algorithm = "noise", order = 3 } },
  { "dpmpp_2m", 2, { kind = "dpm", order = 2 } },
  { "dpmpp_2m_heun", 2, { kind = "dpm", order = 2, form = "heun" } },
  { "dpmpp_3m", 2, { kind = "dpm", order = 3 } },
  { "dpmpp_3m_taylor", 3, { kind = "dpm", order = 3, form = "taylor" } },
  { "dpm_2s", 2, { kind = "dpm_single", algorithm = "noise", order = 2 } },
  { "dpm_3s", 3, { kind = "dpm_single", algorithm = "noise", order = 3 } },
  { "dpmpp_2s", 2, { kind = "dpm_single", order = 2 } },
  { "dpmpp_3s", 3, { kind = "dpm_single", order = 3 } },
  { "unipc_2", 3, { kind = "unipc", order = 2 } },
  { "unipc_3", 4, { kind = "unipc", order = 3 } },
  { "deis_tab1", 2, { kind = "deis", variant = "time", order = 2 } },
  { "deis_tab2", 3, { kind = "deis", variant = "time", order = 3 } },
  { "deis_tab3", 4, { kind = "deis", variant = "time", order = 4 } },
  { "deis_rhoab1", 2, { kind = "deis", variant = "ratio", order = 2 } },
  { "deis_rhoab3", 4, { kind = "deis", variant = "ratio", order = 4 } },
  { "ipndm", 2, { kind = "deis", variant = "even", order = 4 } },
  { "plms", 2, { kind = "pndm", variant = "ramp", order = 4 } },
  { "s_pndm", 2, { kind = "pndm", variant = "improved_euler" }, more = 1 },
  { "f_pndm", 2, { kind = "pndm", variant = "runge_kutta" }, more = 9 },
  { "ghvb_1.8", 2, { kind = "ghvb", order = 2, beta = 0.8 } },
  { "ghvb_2.5", 2, { kind = "ghvb", order = 3, beta = 0.5 } },
  { "ghvb_3.5", 2, { kind = "ghvb", order = 4, beta = 0.5 } },
  { "hb_1.8", 1, { kind = "pndm", variant = "ramp", order = 2, momentum = "heavy_ball", beta = 0.8 } },
  { "rk_heun", 2, { kind = "rk", variant = "heun2" }, each = 2 },
  { "rk_kutta3", 3, { kind = "rk", variant = "kutta3" }, each = 3 },
  { "rk_4", 4, { kind = "rk", variant = "classical4" }, each = 4 },
  -- Over the time of a rectified flow.
  { "flow_euler", 1, { kind = "rk", variant = "euler", prediction = "flow" }, flow = true },
  { "flow_heun", 2, { kind = "rk", variant = "heun2", prediction = "flow" }, each = 2, flow = true },
  { "flow_rk4", 4, { kind = "rk", variant = "classical4", prediction = "flow" }, each = 4, flow = true },
  { "flowturbo", 2, { kind = "flowturbo", prediction = "flow" }, more = 1, flow = true },
  -- With fresh noise at each step: they meet the distribution, not the flow's end.
  { "ddpm", nil, { kind = "ddpm" } },
  { "ancestral", nil, { kind = "ancestral" } },
  { "dpmpp_2m_sde", nil, { kind = "dpm", order = 2, eta = 1 } },
  { "dpmpp_sde", nil, { kind = "dpm_sde" }, each = 2 },
}

local by_name = {}
for _, s in ipairs(list) do
  s.name, s.order, s.options = s[1], s[2], s[3]
  by_name[s.name] = s
end

--- Names of the solvers. what: "flow" (over a rectified flow's time), "noisy" (with fresh noise), else those that follow the flow of any schedule.
function M.names(what)
  local names = {}
  for _, s in ipairs(list) do
    local kind = s.flow and "flow" or not s.order and "noisy" or nil
    if kind == what then names[#names + 1] = s.name end
  end
  return names
end

local function find(name)
  return by_name[name] or error(("diffusion: no solver is called '%s'; known are %s; for rectified flows %s; with fresh noise %s"):format(tostring(name),
    table.concat(M.names(), ", "), table.concat(M.names "flow", ", "), table.concat(M.names "noisy", ", ")), 3)
end

--- Whether a solver is one of those made for rectified flows, which may begin where there is no signal.
function M.is_flow(name) return find(name).flow == true end

--- Order of convergence that is to be expected of a solver; nil: it adds fresh noise.
function M.order(name) return find(name).order end

--- Options of vt.solver for a named solver.
-- count: { steps = n }, or { evaluations = n }: as many steps as so many predictions allow; nil where they are too few for one
function M.options(name, count)
  local s = find(name)
  if not (count.steps or count.evaluations) then error("diffusion: give 'steps' or 'evaluations'", 2) end
  local o = {}
  for k, v in pairs(s.options) do o[k] = v end
  -- Singlestep kinds count predictions where others count steps.
  o.steps = count.steps or steps_of(count.evaluations, s.each, s.more)
  if o.kind == "flowturbo" and o.steps >= 1 then o.program = "H" .. ("P"):rep(o.steps - 1) end
  return o.steps >= 1 and o or nil
end

-- ---- problems with an answer ----

--- The model of a mixture, for solver:run.
-- opt: class, guidance (of the class), prediction ("eps"), bend = function(prediction, x, request) -> prediction, which spoils it
function M.exact(mixture, opt)
  opt = opt or {}
  return function(x, _, request)
    local out = mixture:predict(x.dtype == "f64" and x or x:cast("f64"),
      { alpha = request.alpha, sigma = request.sigma, class = opt.class, guidance = opt.guidance, kind = opt.prediction })
    if opt.bend then out = opt.bend(out, x, request) end
    return x.dtype == "f64" and out or out:cast(x.dtype)
  end
end

--- A problem: what to solve from where to where, and the answer.
-- o: mixture, schedule, start, finish (times), x (first states [n, dim] of f64, at the level of start), class, guidance
function M.problem(o)
  local p = {}
  for k, v in pairs(o) do p[k] = v end
  local l = p.schedule:levels{ p.start, p.finish }
  p.answer = p.mixture:solve(p.x, { alpha = l.alpha[1], sigma = l.sigma[1], to = { l.alpha[2], l.sigma[2] }, class = p.class, guidance = p.guidance })
  return p
end

--- Root of the mean squared difference of two tensors' elements.
function M.distance(a, b) return math.sqrt((a - b):square():mean():item()) end

-- Mean and median over rows of how far they are from the answer.
local function distances(a, b)
  local d, sum = (a - b):square():sum(2):sqrt():sort():totable(), 0
  for _, v in ipairs(d) do sum = sum + v end
  return sum / #d, (d[(#d + 1) // 2] + d[#d // 2 + 1]) / 2
end

--- Solves a problem with options of vt.solver; its ends, type and predictions are the problem's.
-- @treturn table { x =, evaluations =, error = (root of the mean square against the answer), mean =, median = (of
-- the rows' distances to it), path = list of states with opt.path }
function M.solve(problem, options, opt)
  local o = { schedule = problem.schedule, start = problem.start, end_time = problem.finish, dtype = "f64" }
  for k, v in pairs(options) do o[k] = v end
  local solver, model, path = vt.solver(o), M.exact(problem.mixture, { class = problem.class, guidance = problem.guidance, prediction = o.prediction }), nil
  local n = 0
  if opt and opt.path then path = {} end
  local x = solver:begin(problem.x):run(function(state, t, request)
    n = n + 1
    if path then path[n] = state end
    return model(state, t, request)
  end)
  if path then path[n + 1] = x end
  local mean, median = distances(x, problem.answer)
  return { x = x, evaluations = n, error = M.distance(x, problem.answer), mean = mean, median = median, path = path }
end

--- Errors of a solver at several numbers of steps, and the slopes between them: how much smaller the error gets, as a power of the number of steps.
-- make: function(n) -> options of vt.solver
function M.convergence(problem, make, counts)
  local errors, slopes = {}, {}
  for i, n in ipairs(counts) do
    errors[i] = M.solve(problem, make(n)).error
    if i > 1 then slopes[i - 1] = math.log(errors[i - 1] / errors[i]) / math.log(n / counts[i - 1]) end
  end
  return errors, slopes
end

return M
