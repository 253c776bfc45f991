--- samplers: what a stage leaves of a row of logits (surviving id -> logit after the stage). Stages of other engines that this version lacks,
-- and a minimum number of kept tokens above one, are skipped.
local vt = require "venturi"

local M = {}

local TOLERANCE = 1e-5

-- Options of vt.sampler for an op and its parameters; temperature 1 changes nothing.
local stages = {
  top_k = function(k) return { top_k = math.tointeger(k), temperature = 1 } end,
  top_p = function(p, min_keep) return min_keep <= 1 and { top_p = p, temperature = 1 } end,
  min_p = function(p, min_keep) return min_keep <= 1 and { min_p = p, temperature = 1 } end,
  temp = function(t) return { temperature = t } end,
}

local foreign = { typical = true, temp_ext = true, top_n_sigma = true, penalties = true }

local function compare(report, kept, want, tol)
  local n = 0
  for _ in pairs(want) do n = n + 1 end
  report:same("kept", #kept, n)
  for _, pair in ipairs(kept) do
    local logit = want[tostring(pair[1])]
    if logit == nil then error(("id %d was kept"):format(pair[1]), 0) end
    report:close(("logit of %d"):format(pair[1]), pair[2], logit, tol)
  end
end

function M.check(file)
  local report = file.report
  local tol = file.tolerance({ "tolerance", "tol" }, TOLERANCE)
  for i, case in ipairs(file.data.cases) do
    local name = ("%s %d"):format(tostring(case.op), i - 1)
    local stage = stages[case.op]
    local known, options = pcall(function() return stage and stage(table.unpack(case.params)) end)
    if foreign[case.op] or (stage and known and not options) then
      report:skip(name)
    else
      report:case(name, function()
        if not options or not known then error("unknown stage or parameters", 0) end
        local sampler <close> = vt.sampler(options)
        compare(report, sampler:filter(case.logits), case.result, tol)
      end)
    end
  end
end

return M
