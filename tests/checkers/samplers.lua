--- samplers: what a stage leaves of a row of logits (surviving id -> logit after the stage).
local vt = require "venturi"

local M = {}

local TOLERANCE = 1e-5
local WINDOW = 8 -- penalties look at so many of `prev`

local function share(name)
  return function(p, min_keep)
    return { [name] = p, min_keep = math.max(1, math.tointeger(min_keep or 1) or error("min_keep: no integer", 0)), temperature = 1 }
  end
end

-- Options of vt.sampler for an op and its parameters; temperature 1 changes nothing.
local stages = {
  top_k = function(k) return { top_k = math.tointeger(k) or error("top_k: no integer", 0), temperature = 1 } end,
  top_p = share("top_p"),
  min_p = share("min_p"),
  typical = share("typical_p"),
  top_n_sigma = function(n) return { top_n_sigma = n, temperature = 1 } end,
  temp = function(t) return { temperature = t } end,
  temp_ext = function(t, delta, exponent) return { temperature = t, temperature_range = delta, temperature_exponent = exponent } end,
  penalties = function(rep, frequency, presence)
    return { repeat_penalty = rep, frequency_penalty = frequency, presence_penalty = presence, penalty_last_n = WINDOW, temperature = 1 }
  end,
}

local function options_of(case)
  local stage = stages[case.op]
  if not stage then error("unknown stage", 0) end
  if type(case.params) ~= "table" or #case.params == 0 then error("no parameters", 0) end
  for i, v in ipairs(case.params) do
    if not math.type(v) or v - v ~= 0 then error(("params[%d]: no number"):format(i - 1), 0) end
  end
  return stage(table.unpack(case.params))
end

local function compare(report, kept, want, tol)
  if type(want) ~= "table" then error("no result", 0) end
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
  local report, cases = file.report, file.get(file.data, "cases")
  local tol = file.tolerance({ "tolerance", "tol" }, TOLERANCE)
  if type(cases) ~= "table" or #cases == 0 then error("no cases", 0) end
  for i, case in ipairs(cases) do
    if type(case) ~= "table" then error(("case %d: no object"):format(i - 1), 0) end
    local name = ("%s %d"):format(tostring(case.op), i - 1)
    report:case(name, function()
      local options = options_of(case)
      local sampler <close> = vt.sampler(options)
      for _, id in ipairs(file.get(case, "prev") or {}) do sampler:accept(id) end
      compare(report, sampler:filter(case.logits), case.result, tol)
    end)
  end
end

return M
