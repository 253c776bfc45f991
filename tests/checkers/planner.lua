--- 20-planner: offsets of pieces of memory by lifetimes that include both ends. Each case: tensors { id, start, end, size }, the bound, and arena and offsets
-- of both orders.
local vt = require "venturi"

local M = {}

local orders = { first_fit_in_id_order = "number", greedy_by_size = "size" }

local function spans_of(case)
  local spans = {}
  for _, t in ipairs(case.tensors) do
    if t.id ~= #spans then error("the ids do not count from 0", 0) end
    spans[#spans + 1] = { first = t.start, last = t["end"], size = t.size }
  end
  if #spans == 0 then error("no tensors", 0) end
  return spans
end

function M.check(file)
  local cases = file.get(file.data, "cases")
  if type(cases) ~= "table" or #cases == 0 then error("no list of cases", 0) end
  for i, case in ipairs(cases) do
    for key, order in pairs(orders) do
      file.report:case(("cases[%d].%s"):format(i - 1, key), function()
        local offsets, size, least = vt.experimental.arena_plan(spans_of(case), order)
        file.report:same("offsets", offsets, case[key].offsets)
        file.report:same("arena", size, case[key].arena)
        file.report:same("lower bound", least, case.lower_bound_max_live)
      end)
    end
    file.report:case(("cases[%d] best"):format(i - 1), function()
      local _, size = vt.experimental.arena_plan(spans_of(case))
      file.report:same("arena", size, math.min(case.first_fit_in_id_order.arena, case.greedy_by_size.arena))
    end)
  end
end

return M
