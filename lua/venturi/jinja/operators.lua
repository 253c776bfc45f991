--- Operators on values: arithmetic and comparisons as Python has them.
local format = require "venturi.jinja.format"
local value = require "venturi.jinja.value"
local fail = value.fail

local M = {}

local function number_of(v)
  if v == true then return 1 end
  if v == false then return 0 end
  return type(v) == "number" and v or nil
end

local function refuse(op, a, b)
  if value.is_undefined(a) then fail("%s", a.hint) end
  if value.is_undefined(b) then fail("%s", b.hint) end
  fail("unsupported operand types for %s: '%s' and '%s'", op, value.type_name(a), value.type_name(b))
end

-- Python's integers have no end; ours do, and say so.
local function checked(op, x, y, result)
  if math.type(result) ~= "integer" then return result end
  local real = op == "+" and x + 0.0 + y or op == "-" and x + 0.0 - y or (x + 0.0) * y
  if math.abs(real - result) > math.abs(real) * 1e-6 + 1 then fail("an integer over 2^63") end
  return result
end

local function join(m, a, b)
  m:make(16 * (a.n + b.n))
  local items = table.move(a, 1, a.n, 1, {})
  table.move(b, 1, b.n, a.n + 1, items)
  return a.tuple and value.tuple(items, a.n + b.n) or value.list(items, a.n + b.n)
end

local function times(m, v, count)
  if count < 0 then count = 0 end
  local size = type(v) == "string" and #v or 16 * v.n
  if size == 0 then count = 0 end
  m:make_many(count, math.max(1, size))
  if type(v) == "string" then return v:rep(count) end
  local items = {}
  for i = 0, count - 1 do table.move(v, 1, v.n, i * v.n + 1, items) end
  return v.tuple and value.tuple(items, v.n * count) or value.list(items, v.n * count)
end

local function repeated(m, a, b)
  if (type(a) == "string" or value.is_list(a)) and math.type(number_of(b)) == "integer" then return times(m, a, number_of(b)) end
  if (type(b) == "string" or value.is_list(b)) and math.type(number_of(a)) == "integer" then return times(m, b, number_of(a)) end
  refuse("*", a, b)
end

local function power(x, y)
  if math.type(x) == "float" or math.type(y) == "float" or y < 0 then
    if x == 0 and y < 0 then fail("zero to a negative power") end
    return (x + 0.0) ^ y
  end
  if y > 1000 and x ~= 0 and x ~= 1 and x ~= -1 then fail("an integer over 2^63") end
  if x == -1 then return y % 2 == 0 and 1 or -1 end
  local result = 1
  for _ = 1, math.min(y, 1000) do
    if x == 0 or x == 1 then return x end
    result = checked("*", result, x, result * x)
  end
  return result
end

local function checked_quotient(x, y)
  if x == math.mininteger and math.type(x) == "integer" and y == -1 then fail("an integer over 2^63") end
  return x // y
end

local arithmetic = {
  ["+"] = function(x, y) return checked("+", x, y, x + y) end,
  ["-"] = function(x, y) return checked("-", x, y, x - y) end,
  ["*"] = function(x, y) return checked("*", x, y, x * y) end,
  ["/"] = function(x, y) return y == 0 and fail("division by zero") or x / y end,
  ["//"] = function(x, y)
    if y == 0 then fail("integer division or modulo by zero") end
    return checked_quotient(x, y)
  end,
  ["%"] = function(x, y) return y == 0 and fail("integer modulo by zero") or x % y end,
  ["**"] = power,
}

--- a op b
function M.binary(m, op, a, b)
  if type(a) == "string" then
    if op == "+" then
      if type(b) ~= "string" then
        if value.is_undefined(b) then fail("%s", b.hint) end
        fail("can only concatenate str (not \"%s\") to str", value.type_name(b))
      end
      m:make(#a + #b)
      return a .. b
    elseif op == "%" then
      return format.percent(m, a, b)
    end
  end
  local x, y = number_of(a), number_of(b)
  if x and y then return arithmetic[op](x, y) end
  if op == "+" and value.is_list(a) and value.is_list(b) and (a.tuple or false) == (b.tuple or false) then return join(m, a, b) end
  if op == "*" then return repeated(m, a, b) end
  refuse(op, a, b)
end

function M.negate(v)
  local x = number_of(v) or refuse("-", v, v)
  if x == math.mininteger and math.type(x) == "integer" then fail("an integer over 2^63") end
  return -x
end

function M.plus(v)
  return number_of(v) or refuse("+", v, v)
end

--- One step of a comparison.
M.compare = {
  ["=="] = function(m, a, b) return value.equal(m, a, b) end,
  ["!="] = function(m, a, b) return not value.equal(m, a, b) end,
  ["<"] = function(m, a, b) return value.less(m, a, b) end,
  [">"] = function(m, a, b) return value.less(m, b, a) end,
  ["<="] = function(m, a, b) return value.less(m, a, b) or value.equal(m, a, b) end,
  [">="] = function(m, a, b) return value.less(m, b, a) or value.equal(m, a, b) end,
  ["in"] = function(m, a, b) return value.contains(m, b, a) end,
  ["not in"] = function(m, a, b) return not value.contains(m, b, a) end,
}

return M
