--- An axis: from numbers to places, with round ticks, straight or logarithmic.
local M = {}

local MOST = 1e300 -- what is beyond is as good as infinite: differences of numbers that are shown are finite

--- Four significant digits without noise.
function M.number(x)
  if x ~= x then return "nan" end
  if x == 0 then return "0" end
  return (("%.4g"):format(x):gsub("e%+?(%-?)0*(%d)", "e%1%2"))
end

--- Is v a number that can be shown?
function M.is_shown(v) return type(v) == "number" and v == v and math.abs(v) <= MOST end

-- Steps of 1, 2 or 5 times a power of ten, about `n` of them.
local function straight(low, high, n)
  local raw = (high - low) / n
  local power = 10.0 ^ math.floor(math.log(raw, 10))
  local step = power * 10
  for _, factor in ipairs{ 5, 2, 1 } do
    if factor * power >= raw then step = factor * power end
  end
  local list, first = {}, math.ceil(low / step - 1e-9)
  for i = 0, 3 * n do
    if (first + i) * step <= high + 1e-9 * step then list[#list + 1] = (first + i) * step end
  end
  return list, step
end

-- Powers of ten, some left out where there are many; where there are few, 2 and 5 times them too.
local function powers(low, high, n)
  local list, from, to = {}, math.ceil(math.log(low, 10) - 1e-9), math.floor(math.log(high, 10) + 1e-9)
  for e = from, to, math.max(1, (to - from) // n) do list[#list + 1] = 10.0 ^ e end
  if #list >= 2 then return list end
  list = {}
  for e = math.floor(math.log(low, 10)), math.ceil(math.log(high, 10)) do
    for _, factor in ipairs{ 1, 2, 5 } do
      local v = factor * 10.0 ^ e
      if v >= low * (1 - 1e-9) and v <= high * (1 + 1e-9) then list[#list + 1] = v end
    end
  end
  return list
end

-- As many digits as ticks that are `step` apart need to differ.
local function label_for(step)
  return function(v)
    if not step or v == 0 then return M.number(v) end
    local digits = math.ceil(math.log(math.abs(v) / step, 10)) + 1
    return digits <= 4 and M.number(v) or (("%%.%dg"):format(math.min(digits, 17))):format(v)
  end
end

local function check(what, spec)
  for _, key in ipairs{ "low", "high" } do
    if spec[key] and not M.is_shown(spec[key]) then error(("plot: %s.%s is %s"):format(what, key, tostring(spec[key])), 0) end
    if spec[key] and spec.log and spec[key] <= 0 then error(("plot: %s.%s is %g, which a logarithmic axis cannot show"):format(what, key, spec[key]), 0) end
  end
  if spec.low and spec.high and spec.low > spec.high then error(("plot: %s.low is above %s.high"):format(what, what), 0) end
end

-- A range of some extent round one that has none, or so little that numbers hardly tell its ends apart.
local function widened(low, high, log)
  local size = math.max(math.abs(low), math.abs(high))
  if log and high > low * (1 + 1e-9) or not log and high - low > size * 1e-12 then return low, high end
  if log then return low / 2, high * 2 end
  return low - math.max(size / 2, 0.5), high + math.max(size / 2, 0.5)
end

--- Axis over values: { low =, high =, ticks =, label = function(tick), place = function(v) -> 0..1 }. spec: log, low, high, ticks. Ends of errors that a
-- logarithmic axis cannot show lie at its low end; `soft` values do not count where it cannot show them.
function M.new(what, values, spec, n, soft)
  check(what, spec)
  local low, high = spec.low or math.huge, spec.high or -math.huge
  local function count(v)
    if not spec.low then low = math.min(low, v) end
    if not spec.high then high = math.max(high, v) end
  end
  for _, v in ipairs(values) do
    if M.is_shown(v) and spec.log and v <= 0 then error(("plot: %s has %g, which a logarithmic axis cannot show"):format(what, v), 0) end
    if M.is_shown(v) then count(v) end
  end
  for _, v in ipairs(soft or {}) do
    if M.is_shown(v) and not (spec.log and v <= 0) then count(v) end
  end
  if low > high then -- nothing to show, or all of it beyond the one end that is given
    if spec.low then low, high = spec.low, spec.low + math.max(math.abs(spec.low), 1)
    elseif spec.high then low, high = spec.high - (spec.log and spec.high / 2 or math.max(math.abs(spec.high), 1)), spec.high
    else low, high = 1, 2 end
  end
  low, high = widened(low, high, spec.log)
  local from, to = spec.log and math.log(low) or low, spec.log and math.log(high) or high
  local ticks, step = spec.ticks, nil
  if not ticks then
    if spec.log then ticks = powers(low, high, 8) else ticks, step = straight(low, high, n or 6) end
  end
  return { low = low, high = high, ticks = ticks, label = label_for(step), place = function(v)
    local share = 0 -- where a logarithmic axis cannot show it
    if not spec.log then share = (v - from) / (to - from) elseif v > 0 then share = (math.log(v) - from) / (to - from) end
    return math.max(-1000, math.min(1000, share)) -- far outside: viewers have no numbers for it
  end }
end

return M
