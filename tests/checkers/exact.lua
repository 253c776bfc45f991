--- What the checkers of solvers share: the exact model of a mixture, starts, and states compared.
local vt = require "venturi"

local M = {}

function M.rows(list) return vt.tensor(list, { dtype = "f64" }) end

function M.mixture(file, name) return vt.mixture(file.bytes("00-gmm-params.json"), name) end

--- The first n rows of a mixture's starts.
function M.start(file, name, n)
  local all, some = vt.json.decode(file.bytes("00-xT.json"))[name], {}
  if not all or #all < n then error(("no %d starts of %s"):format(n, tostring(name)), 0) end
  for i = 1, n do some[i] = all[i] end
  return M.rows(some)
end

--- A model for solver:run. o: kind, class, guidance; told = schedule: the level is that of the time the model is told, not the state's.
function M.model(mixture, o)
  o = o or {}
  return function(x, t, request)
    local alpha, sigma = request.alpha, request.sigma
    if o.told then
      local levels = o.told:levels(t:totable())
      alpha, sigma = vt.tensor(levels.alpha, { dtype = "f64" }), vt.tensor(levels.sigma, { dtype = "f64" })
    end
    return mixture:predict(x, { alpha = alpha, sigma = sigma, kind = o.kind or "eps", class = o.class, guidance = o.guidance })
  end
end

--- Runs a solver of these options; returns the result as rows, and how often the model was asked.
function M.run(options, x, model)
  options.dtype = "f64"
  local n = 0
  local result = vt.solver(options):begin(x):run(function(...)
    n = n + 1
    return model(...)
  end)
  return result:totable(), n
end

function M.compare(report, what, got, want, tolerance)
  if type(want) ~= "table" then error(what .. " is no list", 0) end
  if #got ~= #want then error(("%s has %d rows, the file %d"):format(what, #got, #want), 0) end
  for i, row in ipairs(want) do
    if type(row) == "table" then M.compare(report, ("%s[%d]"):format(what, i - 1), got[i], row, tolerance)
    else report:close(("%s[%d]"):format(what, i - 1), got[i], row, tolerance) end
  end
end

--- Calls check(case) as a case of the report for each of the file's.
function M.each(file, check)
  local cases = file.get(file.data, "cases")
  if type(cases) ~= "table" or #cases == 0 then error("no list of cases", 0) end
  for i, case in ipairs(cases) do
    local name = file.get(case, "method") or file.get(case, "tag") or file.get(case, "impl") or ""
    file.report:case(("cases[%d] %s %s"):format(i - 1, tostring(name), tostring(file.get(case, "steps") or "")), function() check(case) end)
  end
end

--- The first n of a list, and one more value behind them if there is one.
function M.first(list, n, more)
  local out = table.move(list, 1, n, 1, {})
  out[#out + 1] = more
  return out
end

return M
