--- venturi sample: a solver on a model whose answer is known.
local json = require "venturi.cli.json"
local options = require "venturi.cli.options"
local talk = require "venturi.cli.talk"
local vt = require "venturi"
local shared = options.shared

-- Ends of each schedule, which are also where the exact flow begins and ends.
local schedules = {
  vp = { { kind = "vp" }, 1, 1e-3, "log_snr" },
  linear = { { kind = "linear" }, 999, 0, "log_snr" },
  cosine = { { kind = "cosine" }, 990, 0, "log_snr" },
  ve = { { kind = "ve" }, 80, 0.002, "ratio" },
  flow = { { kind = "flow" }, 0, 1, "uniform" },
}

local without_levels = { log_snr = true, ratio = true, karras = true, exponential = true }

local M = {
  name = "sample",
  summary = "draw from a known mixture by a solver, and measure its error",
  examples = {
    "venturi sample --exact params.json --solver dpmpp_2m --steps 10 --seed 1",
    "venturi sample --exact params.json --name gmm2d --class 1 --guidance 7.5 --solver deis_tab3",
    "venturi sample --exact params.json --schedule flow --solver flow_heun --steps 8",
  },
  options = {
    { "exact", arg = "FILE", kind = "string", group = "Model", env = false, help = "JSON of a Gaussian mixture: d, weights, means, stds, classes" },
    { "name", arg = "NAME", kind = "string", group = "Model", env = false, help = "which of the file's models; default: the first" },
    { "class", arg = "C", kind = "integer", min = 0, group = "Model", env = false, help = "only modes of this class" },
    { "guidance", arg = "G", kind = "number", default = 1, group = "Model", help = "of the class: plain + G (with class - plain)" },
    { "solver", arg = "NAME", kind = "string", group = "Solver",
      help = "ddim, dpmpp_2m, unipc_2, deis_tab3 ... (an unknown name lists all); default: dpmpp_2m, of flows flow_heun" },
    { "steps", short = "n", arg = "N", kind = "integer", min = 1, max = 100000, default = 20, group = "Solver",
      help = "steps of the solver; of dpm_2s, dpm_3s, dpmpp_2s, dpmpp_3s evaluations" },
    { "schedule", arg = "KIND", kind = "choice", choices = { "vp", "linear", "cosine", "ve", "flow" }, default = "vp", group = "Solver", help = "vp, linear, cosine, ve or flow" },
    { "spacing", arg = "KIND", kind = "string", group = "Solver", help = "of the levels: log_snr, uniform, ratio ...; default: as the schedule likes it" },
    { "seed", arg = "S", kind = "integer", default = 0, group = "Solver", help = "of the noise" },
    { "count", arg = "N", kind = "integer", min = 1, max = 1000000, default = 8, group = "Solver", help = "rows" },
    shared.threads, shared.output, shared.force,
  },
}

local function problem_of(opt)
  local mixture = vt.open_mixture(opt.exact, opt.name)
  local s = schedules[opt.schedule]
  local schedule = vt.schedule(s[1])
  local x = vt.randn(opt.count, mixture:dim(), { dtype = "f64", seed = opt.seed }) * schedule:levels{ s[2] }.sigma[1]
  return vt.diffusion.problem{ mixture = mixture, schedule = schedule, start = s[2], finish = s[3], x = x, class = opt.class, guidance = opt.class and opt.guidance },
    s[4]
end

function M.run(opt)
  if not opt.exact then error({ usage = "option '--exact' is missing: the mixture's parameters" }, 0) end
  if not opt.class and opt.guidance ~= 1 then error({ usage = "option '--guidance' needs --class" }, 0) end
  opt.solver = opt.solver or opt.schedule == "flow" and "flow_heun" or "dpmpp_2m"
  local known, solver = pcall(vt.diffusion.options, opt.solver, { steps = opt.steps })
  if not known then error({ usage = tostring(solver):gsub("^.-diffusion: ", "") }, 0) end
  local is_flow = opt.schedule == "flow"
  -- A flow begins with noise alone, where log(alpha / sigma) is not finite.
  if is_flow and not vt.diffusion.is_flow(opt.solver) then
    error({ usage = ("'%s' cannot begin where there is no signal: --schedule flow goes with %s"):format(opt.solver, table.concat(vt.diffusion.names "flow", ", ")) }, 0)
  elseif is_flow and without_levels[opt.spacing] then
    error({ usage = ("spacing '%s' has no levels where there is no signal: --schedule flow goes with uniform"):format(opt.spacing) }, 0)
  elseif not is_flow and opt.solver == "flowturbo" then
    error({ usage = "'flowturbo' goes with --schedule flow" }, 0)
  end
  local out = talk.open(opt)
  local problem, spacing = problem_of(opt)
  solver.spacing = opt.spacing or spacing
  solver.seed = opt.seed
  local result = vt.diffusion.solve(problem, solver)
  out:write(json.encode{
    schema = 1, model = problem.mixture:name(), solver = opt.solver, steps = opt.steps, evaluations = result.evaluations, schedule = opt.schedule,
    spacing = solver.spacing, seed = opt.seed, error = vt.diffusion.order(opt.solver) and result.error or nil, x = result.x:totable(),
    exact = problem.answer:totable(),
  }, "\n")
  talk.finish(out, opt)
  return 0
end

return M
