--- 09-timeshift: rows relabelled by their variance, as the paper has it and as the authors' repository has it.
local exact = require "exact"
local vt = require "venturi"

local M = {}

-- The repository's times: 1, 1 + d, ... without the largest, and 0.
local function repository_times(n)
  local times, d = {}, 1000 // n
  for i = n - 2, 0, -1 do times[#times + 1] = 1 + d * i end
  times[#times + 1] = 0
  return times
end

local function options(case, schedule)
  if case.impl:find("^paper form") then return { schedule = schedule, kind = "ddim", times = case.times } end
  local o = { schedule = schedule, times = repository_times(case.steps) }
  if case.method == "euler" then o.kind = "ddim"
  else
    o.kind, o.reading = "pndm", "truncated"
    o.variant = ({ s_pndm = "improved_euler", f_pndm = "runge_kutta" })[case.method] or error("method " .. tostring(case.method), 0)
  end
  return o
end

local function check(file, case)
  local schedule = vt.schedule{ kind = "linear" }
  local is_paper = case.impl:find("^paper form") ~= nil
  local o, shifted, last = options(case, schedule), {}, 0
  o.dtype = "f64"
  local solver = vt.solver(o):begin(exact.rows(file.data.x_T))
  local model = exact.model(exact.mixture(file, file.data.model), { told = schedule })
  while not solver:done() do
    local request = solver:next()
    local is_shifted = is_paper or case.shift
    if request.step ~= last and is_shifted then
      last = request.step
      local times = solver:shift{ window = case.window, cutoff = case.cutoff, target = not is_paper }:totable()
      if last > 1 and (not is_paper or o.times[last] > case.cutoff) then shifted[#shifted + 1] = times end
      request = solver:next()
    end
    solver:step(model(request.x, request.t, request))
  end
  exact.compare(file.report, "x_end", solver:x():totable(), case.x_end, file.data.tolerance)
  exact.compare(file.report, "shifted_times", shifted, case.shifted_times, 0)
end

function M.check(file) exact.each(file, function(case) check(file, case) end) end

return M
