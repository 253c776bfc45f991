--- 40-flowturbo, 55-rectified-flow: solvers of rectified flows on exact velocities.
local exact = require "exact"
local vt = require "venturi"

local M = {}

local function flowturbo(file, case)
  local schedule, mixture = vt.schedule{ kind = "flow" }, exact.mixture(file, "gmm2d")
  local n_asked = { 0, 0 }
  local velocity = exact.model(mixture, { kind = "flow" })
  local function model(x, t, request)
    n_asked[request.model] = n_asked[request.model] + 1
    local v = velocity(x, t, request)
    return request.model == 1 and v or (v - request.extra) * case.refiner_gain
  end
  local n = file.get(case, "euler_steps")
  if n then
    local got = exact.run({ schedule = schedule, kind = "euler", prediction = "flow", steps = n }, exact.start(file, "gmm2d", #case.x_end), model)
    return exact.compare(file.report, "x_end", got, case.x_end, file.data.tolerance)
  end
  local program, times = ("H"):rep(case.NH) .. ("P"):rep(case.NP) .. ("R"):rep(case.NR), {}
  for i = 0, #program do times[i + 1] = i / #program end
  for k = 1, #program do
    n_asked = { 0, 0 }
    local o = { schedule = schedule, kind = "flowturbo", prediction = "flow", program = program:sub(1, k), times = exact.first(times, k + 1) }
    local got = exact.run(o, exact.start(file, "gmm2d", #case.trajectory[1]), model)
    exact.compare(file.report, ("trajectory[%d]"):format(k), got, case.trajectory[k + 1], file.data.tolerance)
  end
  file.report:close("predictor_evals", n_asked[1], case.predictor_evals, 0)
  file.report:close("refiner_evals", n_asked[2], case.refiner_evals, 0)
end

-- N(0, 1) to N(mu, s^2), both drawn by themselves: the velocity, and what its flow does to a start z.
local function velocity(case, x, t)
  local v = t * t * case.s ^ 2 + (1 - t) ^ 2
  return (x - case.mu * t) * ((t * case.s ^ 2 - (1 - t)) / v) + case.mu
end

local function straightness(case)
  local n, sum = 2000, 0 -- Simpson over tau of E((Z1 - Z0) - v)^2 along the flow Z = tau mu + r(tau) Z0
  for i = 0, n do
    local t = i / n
    local r = math.sqrt(t * t * case.s ^ 2 + (1 - t) ^ 2)
    sum = sum + (case.s - 1 - (t * case.s ^ 2 - (1 - t)) / r) ^ 2 * ((i == 0 or i == n) and 1 or i % 2 == 1 and 4 or 2)
  end
  return sum / (3 * n)
end

local function slope(n, model)
  local got = exact.run({ schedule = vt.schedule{ kind = "flow" }, kind = "euler", prediction = "flow", steps = n }, exact.rows{ { 0.0 }, { 1.0 } }, model)
  return got[2][1] - got[1][1]
end

local function gaussian(file, case)
  local report, tolerance = file.report, file.data.tolerance
  report:close("straightness_1rf", straightness(case), case.straightness_1rf, tolerance)
  for _, e in ipairs(case.euler_1rf) do
    report:close(("euler_1rf %d"):format(e.steps), slope(e.steps, function(x, t) return velocity(case, x, t:totable()[1]) end), e.euler_map_slope, tolerance)
  end
  -- After one reflow the pairs are z and mu + s z, whose lines do not cross: the velocity at tau is that of the z that the state came from.
  local function straight(x, t)
    local at = t:totable()[1]
    return (x - case.mu * at) * ((case.s - 1) / (1 - at + at * case.s)) + case.mu
  end
  report:close("euler_1step_2rf_slope", slope(1, straight), case.euler_1step_2rf_slope, tolerance)
  report:close("straightness_2rf", slope(3, straight) - slope(1, straight), case.straightness_2rf, tolerance)
end

local function rectified(file)
  for i, case in ipairs(file.data.gaussian_1d) do
    file.report:case(("gaussian_1d[%d]"):format(i - 1), function() gaussian(file, case) end)
  end
  file.report:case("gmm2d_reflow_pairs", function()
    local pairs_ = file.data.gmm2d_reflow_pairs
    local o = { schedule = vt.schedule{ kind = "flow" }, kind = "rk", variant = "dormand_prince5", prediction = "flow", steps = 400 }
    local got = exact.run(o, exact.rows(pairs_.z0), exact.model(exact.mixture(file, "gmm2d"), { kind = "flow" }))
    exact.compare(file.report, "z1", got, pairs_.z1, file.data.tolerance)
  end)
end

function M.check(file)
  if file.name:find("^55") then return rectified(file) end
  exact.each(file, function(case) flowturbo(file, case) end)
end

return M
