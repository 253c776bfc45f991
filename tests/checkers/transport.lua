--- 37-semidiscrete-ot: in one dimension the heights have a closed form; found by Monte Carlo they are within 0.02, and so are the borders of the cells.
local vt = require "venturi"

local M = {}

local NEAR = 0.02

local function compare(report, what, got, want)
  if #got ~= #want then error(("%s: %d heights, want %d"):format(what, #got, #want), 0) end
  for i = 1, #want do report:close(("%s[%d]"):format(what, i - 1), got[i], want[i], NEAR) end
end

-- Where x goes, and whether a border of the true cells is near.
local function is_near_border(case, x)
  for i = 1, #case.targets - 1 do
    local border = -(case.h[i + 1] - case.h[i]) / (case.targets[i + 1] - case.targets[i])
    if math.abs(x - border) <= NEAR then return true end
  end
  return false
end

local function column(list)
  local rows = {}
  for i, v in ipairs(list) do rows[i] = { v } end
  return vt.tensor(rows, { dtype = "f64" })
end

local function check_case(file, case)
  local ot = vt.ot(column(case.targets))
  ot:solve{ seed = 1, samples = 2000, doublings = -1 }
  compare(file.report, "h", ot:heights():totable(), case.h)
  local got = ot:map(column(case.queries)):totable()
  for i, x in ipairs(case.queries) do
    if not is_near_border(case, x) then file.report:close("assign " .. i, got[i][1], case.assign[i], 0) end
  end
  if file.get(case, "h_uniform01") then
    local uniform = vt.ot(column(case.targets))
    uniform:solve{ source = "uniform", seed = 1, samples = 2000, doublings = -1 }
    compare(file.report, "h_uniform01", uniform:heights():totable(), case.h_uniform01)
  end
end

function M.check(file)
  local cases = file.get(file.data, "cases")
  if type(cases) ~= "table" or #cases == 0 then error("no list of cases", 0) end
  for i, case in ipairs(cases) do
    file.report:case(("cases[%d] of %d targets"):format(i - 1, #case.targets), function() check_case(file, case) end)
  end
end

return M
