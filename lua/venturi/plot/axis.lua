--- An axis: from numbers to places, with round ticks, straight or logarithmic.
local M = {}

--- Four significant digits without noise.
function M.number(x)
  if x == 0 then return "0" end
  return (("%.4g"):format(x):gsub("e%+?(%-?)0*(%d)", "e%1%2"))
end

-- Steps of 1, 2 or 5 times a power of ten, about `n` of them.
local function straight(low, high, n)
  local raw = (high - low) / n
  local power = 10.0 ^ math.floor(math.log(raw, 10))
  local step = power * 10
  for _, factor in ipairs{ 5, 2, 1 } do
    if factor * power >= raw then step = factor * power end
  end
  local list = {}
  for i = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do list[#list + 1] = i * step end
  return list
end

local function powers(low, high)
  local list = {}
  for e = math.ceil(math.log(low, 10) - 1e-9), math.floor(math.log(high, 10) + 1e-9) do list[#list + 1] = 10.0 ^ e end
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

--- Axis over values: { low =, high =, ticks =, place = function(v) -> 0..1 }. spec: log, low, high, ticks.
function M.new(what, values, spec, n)
  local low, high = spec.low or math.huge, spec.high or -math.huge
  for _, v in ipairs(values) do
    local is_number = v == v and math.abs(v) < math.huge
    if is_number and spec.log and v <= 0 then error(("plot: %s has %g, which a logarithmic axis cannot show"):format(what, v), 0) end
    if is_number then
      if not spec.low then low = math.min(low, v) end
      if not spec.high then high = math.max(high, v) end
    end
  end
  if low > high then low, high = 1, 2 end
  if low == high then
    if spec.log then low, high = low / 2, high * 2 else low, high = low - math.max(math.abs(low) / 2, 0.5), high + math.max(math.abs(high) / 2, 0.5) end
  end
  local from, to = spec.log and math.log(low) or low, spec.log and math.log(high) or high
  return { low = low, high = high, ticks = spec.ticks or (spec.log and powers(low, high) or straight(low, high, n or 6)),
    place = function(v) return ((spec.log and math.log(v) or v) - from) / (to - from) end }
end

return M
