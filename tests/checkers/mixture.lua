--- 00-gmm-eval: every prediction of a mixture at points; 00-exact-ode: where the probability flow ends. Mixtures are those of 00-gmm-params.json.
local vt = require "venturi"

local M = {}

local function rows_of(list) return vt.tensor(list, { dtype = "f64" }) end

local function mixture(file, name) return vt.mixture(file.bytes("00-gmm-params.json"), name) end

-- |a - b| <= 1e-9 |b| + 1e-8: how far the reference itself is rounded.
local function compare(report, what, got, want)
  for i, row in ipairs(want) do
    for d, w in ipairs(type(row) == "table" and row or { row }) do
      local g = type(row) == "table" and got[i][d] or got[i]
      report:close(("%s[%d][%d]"):format(what, i - 1, d - 1), g, w, 1e-8 + 1e-9 * math.abs(w))
    end
  end
end

local function check_point(file, case)
  local m, x = mixture(file, case.model), rows_of(case.x)
  local level = { alpha = case.alpha, sigma = case.sigma, class = file.get(case, "cls") }
  local function ask(kind)
    local o = { kind = kind }
    for k, v in pairs(level) do o[k] = v end
    return m:predict(x, o):totable()
  end
  local n = 0
  for key, kind in pairs{ x0 = "x0", eps = "eps", v = "v", score = "score", velocity = "flow" } do
    local want = file.get(case, key)
    if want then
      n = n + 1
      compare(file.report, key, ask(kind), want)
    end
  end
  if file.get(case, "logp") then compare(file.report, "logp", m:log_density(x, level):totable(), case.logp) end
  if n == 0 then error("no predictions", 0) end
end

-- The two ends of a schedule as the pair (alpha, sigma).
local function discrete(betas)
  local product, table = 1, {}
  for i, b in ipairs(betas) do
    product = product * (1 - b)
    table[i - 1] = { math.sqrt(product), math.sqrt(1 - product) }
  end
  return function(t) return table[t] end
end

local schedules = {
  ["vp-linear-cont(b0=0.1,b1=20)"] = function(t)
    local l = -t * t * (20 - 0.1) / 4 - t * 0.1 / 2
    return { math.exp(l), math.sqrt(1 - math.exp(2 * l)) }
  end,
  EDM = function(t) return { 1, t } end,
  ["rectified-flow(data time tau)"] = function(t) return { t, 1 - t } end,
}
local function betas_of(f)
  local list = {}
  for i = 0, 999 do list[#list + 1] = f(i) end
  return discrete(list)
end
schedules["ddpm-linear-1000"] = betas_of(function(i) return 1e-4 + (0.02 - 1e-4) * i / 999 end)
schedules["sd-scaled-linear-1000"] = betas_of(function(i) return (math.sqrt(0.00085) + (math.sqrt(0.012) - math.sqrt(0.00085)) * i / 999) ^ 2 end)
schedules["ddpm-cosine-1000"] = betas_of(function(i)
  local function f(u) return math.cos((u + 0.008) / 1.008 * math.pi / 2) ^ 2 end
  return math.min(1 - f((i + 1) / 1000) / f(i / 1000), 0.999)
end)

local function check_flow(file, case)
  local schedule = schedules[case.schedule] or error("the schedule " .. tostring(case.schedule), 0)
  local from, to = schedule(case.t_start), schedule(case.t_end)
  local m = mixture(file, case.model)
  local got = m:solve(rows_of(case.x_start), { alpha = from[1], sigma = from[2], to = to, class = file.get(case, "cls"), guidance = file.get(case, "guidance") })
  compare(file.report, "x_end", got:totable(), case.x_end)
end

function M.check(file)
  local cases = file.get(file.data, "cases")
  if type(cases) ~= "table" or #cases == 0 then error("no list of cases", 0) end
  for i, case in ipairs(cases) do
    file.report:case(("cases[%d] %s %s"):format(i - 1, tostring(case.model), tostring(case.schedule)), function()
      if case.x_end then check_flow(file, case) else check_point(file, case) end
    end)
  end
end

return M
