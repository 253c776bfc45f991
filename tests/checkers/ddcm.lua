--- 02-infedit-ddcm: source, target and mutual branches that walk together, with the file's noise.
local exact = require "exact"
local vt = require "venturi"

local M = {}

-- Rows of the batch: source, target, mutual of each picture.
local function spread(list)
  local out = {}
  for _, row in ipairs(list) do for _ = 1, 3 do out[#out + 1] = row end end
  return out
end

local function pick(rows, k)
  local out = {}
  for i = k, #rows, 3 do out[#out + 1] = rows[i] end
  return out
end

local function run(file, case, times)
  local schedule, n = vt.schedule{ kind = "scaled_linear" }, #case.x0
  local level = schedule:levels{ case.timesteps[1] }
  local x0, roles, partners, classes, noise = exact.rows(spread(case.x0)), {}, {}, {}, {}
  for i = 0, n - 1 do
    for k, partner in ipairs{ 2, 0, 0 } do
      roles[#roles + 1], partners[#partners + 1] = k - 1, 3 * i + partner
      classes[#classes + 1] = k == 2 and case.tgt_cls or case.src_cls
    end
  end
  for i = 1, #times - 1 do noise[i] = spread(case.noise[i]) end
  local solver = vt.solver{ schedule = schedule, kind = "ddcm", eta = case.eta, dtype = "f64", times = times }
  solver:extra(1, x0)
  solver:begin(x0 * level.alpha[1] + exact.rows(spread(case.init_noise)) * level.sigma[1])
  solver:route(roles, partners)
  solver:noise(exact.rows(noise))
  return solver:run(exact.model(exact.mixture(file, "gmm2d"), { class = vt.tensor(classes, { dtype = "i32" }) })):totable()
end

local function check(file, case)
  local report, tolerance, n = file.report, file.data.tolerance, #case.timesteps
  for k = 1, n do
    local want = case.trajectory[k]
    -- To the data: what the branches predict at step k. The last step of the run is that.
    local clean = run(file, case, exact.first(case.timesteps, k, -1))
    exact.compare(report, ("pred_x0 %d"):format(k - 1), pick(clean, 2), want.pred_x0, tolerance)
    exact.compare(report, ("pred_mutual %d"):format(k - 1), pick(clean, 3), want.pred_mutual, tolerance)
    if k == n then exact.compare(report, "result", pick(clean, 2), case.result, tolerance) end
    if k < n then
      local state = run(file, case, exact.first(case.timesteps, k + 1))
      exact.compare(report, ("x_tgt %d"):format(k - 1), pick(state, 2), want.x_tgt, tolerance)
      exact.compare(report, ("x_src %d"):format(k - 1), pick(state, 1), want.x_src, tolerance)
    end
  end
end

function M.check(file) exact.each(file, function(case) check(file, case) end) end

return M
