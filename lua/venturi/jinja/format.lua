--- Python's two ways to put values into texts: "%s" % x and "{}".format(x).
local show = require "venturi.jinja.show"
local text = require "venturi.jinja.text"
local value = require "venturi.jinja.value"

local M = {}

local WIDEST = 10000
local MOST_SPEC = 40 -- bytes of flags, width, precision and type of one conversion

local function pad(m, s, width, align, fill)
  m:read(#s)
  local len = text.len(s)
  if width <= len then return s end
  local room = width - len
  if width > WIDEST then value.fail("a width of %d is over %d", width, WIDEST) end
  if text.len(fill) ~= 1 then value.fail("the fill character must be exactly one character long") end
  m:make(#s + room * #fill)
  local left = align == ">" and room or align == "^" and room // 2 or 0
  return fill:rep(left) .. s .. fill:rep(room - left)
end
M.pad = pad

local function number(v, code)
  if v == true or v == false then v = v and 1 or 0 end
  if type(v) ~= "number" then value.fail("format '%s' needs a number, got %s", code, value.type_name(v)) end
  return v
end

local function whole(v, code)
  v = number(v, code)
  if math.type(v) == "float" then
    if v ~= v or v >= 2^63 or v < -2^63 then value.fail("format '%s': a number out of range", code) end
    v = math.tointeger(v < 0 and math.ceil(v) or math.floor(v))
  end
  return v
end

-- Digits of a number by a conversion code, without padding; the sign comes first.
local function digits_of(v, code, precision)
  if code == "d" or code == "i" or code == "u" then return ("%d"):format(whole(v, code)) end
  if code == "x" or code == "X" or code == "o" then
    local n = whole(v, code)
    return (n < 0 and "-" or "") .. ("%" .. code):format(n < 0 and -n or n)
  end
  local x = number(v, code) + 0.0
  if x ~= x or x == math.huge or x == -math.huge then return show.float(x) end
  return (("%%.%d%s"):format(precision or 6, code == "F" and "f" or code):format(x):gsub(",", "."))
end

local function signed(digits, flags)
  if digits:sub(1, 1) == "-" then return digits end
  return flags:find("+", 1, true) and "+" .. digits or flags:find(" ", 1, true) and " " .. digits or digits
end

-- Zeros between the sign and the digits.
local function zero_padded(m, digits, width)
  local sign, rest = digits:match("^([-+ ]?)(.*)$")
  return sign .. pad(m, rest, width - #sign, ">", "0")
end

local function check_precision(precision)
  local n = precision and math.tointeger(tonumber(precision) or 0)
  if n and n > 60 then value.fail("a precision of %d is over 60", n) end
  return n
end

local function short_number(digits, what)
  if #digits > 9 then value.fail("%s: a number too large", what) end
  return tonumber(digits) or 0
end

--- "%s and %d" % values: a tuple gives one value a conversion, a dict values for %(name)s.
function M.percent(m, template, values)
  local list = value.is_list(values) and values.tuple and values or value.tuple({ values })
  local used, parts, at = 0, {}, 1
  while true do
    local stop = template:find("%", at, true)
    if not stop then break end
    parts[#parts + 1] = template:sub(at, stop - 1)
    local name = template:match("^%b()", stop + 1)
    local begin = stop + 1 + (name and #name or 0)
    -- Of no more than this: flags, width and precision may all be zeros, and the pattern tries every way to part them.
    local spec = template:sub(begin, begin + MOST_SPEC - 1)
    local flags, width, dot, precision, code, after = spec:match("^([-+ #0]*)(%d*)(%.?)(%d*)([%a%%])()")
    if not code or (name and code == "%") then value.fail("incomplete format") end
    at = begin + after - 1
    if code == "%" then
      parts[#parts + 1] = "%"
    else
      local v
      if name then
        v = value.is_dict(values) and value.get(values, name:sub(2, -2))
        if v == nil or v == false and not value.is_dict(values) then value.fail("format: no value for %s", name) end
      else
        used = used + 1
        v = list[used]
        if v == nil or used > list.n then value.fail("not enough arguments for format string") end
      end
      local n, w = check_precision(dot ~= "" and (precision ~= "" and precision or "0") or nil), short_number(width, "format")
      local align = flags:find("-", 1, true) and "<" or ">"
      local s
      if code == "s" or code == "r" then
        s = code == "s" and show.str(m, v) or show.repr(m, v)
        if n then s = text.sub(s, 1, math.min(n, text.len(s))) end
      elseif code:find("[diuxXoeEfFgG]") then
        s = signed(digits_of(v, code, n), flags)
        if flags:find("0", 1, true) and align == ">" then s = zero_padded(m, s, w) end
      else
        value.fail("unsupported format character '%s'", code)
      end
      s = pad(m, s, w, align, " ")
      m:make(#s)
      parts[#parts + 1] = s
    end
  end
  if used < list.n and not value.is_dict(values) and (value.is_list(values) and values.tuple or used == 0) then
    value.fail("not all arguments converted during string formatting")
  end
  parts[#parts + 1] = template:sub(at)
  return table.concat(parts)
end

-- ---- str.format ----

-- Thousands parted by a separator.
local function grouped(digits, separator)
  local sign, whole_part, rest = digits:match("^([-+ ]?)(%d+)(.*)$")
  if not whole_part then return digits end
  local first = #whole_part % 3
  local out = whole_part:sub(1, first) .. whole_part:sub(first + 1):gsub("%d%d%d", separator .. "%0")
  return sign .. (first == 0 and out:sub(2) or out) .. rest
end

-- [[fill]align][sign][#][0][width][grouping][.precision][type]
local function apply_spec(m, v, spec)
  if spec == "" then return show.str(m, v) end
  if #spec > MOST_SPEC then value.fail("a format specifier of %d bytes, over %d", #spec, MOST_SPEC) end
  local fill, align, rest = spec:match("^(" .. utf8.charpattern .. ")([<>^=])(.*)$")
  if not fill then align, rest = spec:match("^([<>^=]?)(.*)$") end
  local sign, zero, width, group, dot, precision, code = rest:match("^([-+ ]?)(0?)(%d*)([,_]?)(%.?)(%d*)(%a?%%?)$")
  if not sign then value.fail("invalid format specifier '%s'", spec) end
  local w, n = short_number(width, "format"), check_precision(dot ~= "" and precision or nil)
  local is_number = type(v) == "number" or (type(v) == "boolean" and code ~= "" and code ~= "s")
  local s
  if not is_number then
    if code ~= "" and code ~= "s" then value.fail("unknown format code '%s' for '%s'", code, value.type_name(v)) end
    s = show.str(m, v)
    if n then s = text.sub(s, 1, math.min(n, text.len(s))) end
  elseif code == "%" then
    s = signed(digits_of(number(v, code) * 100.0, "f", n), sign) .. "%"
  elseif code == "" then
    s = signed(n and digits_of(v, "g", n) or show.str(m, v), sign)
  elseif code:find("^[dxXoeEfFgG]$") then
    s = signed(digits_of(v, code, n), sign)
  else
    value.fail("unknown format code '%s'", code)
  end
  if group ~= "" then s = grouped(s, group) end
  if is_number and (zero == "0" and align == "" or align == "=") then return zero_padded(m, s, w) end
  return pad(m, s, w, align ~= "" and align ~= "=" and align or is_number and ">" or "<", fill or zero == "0" and "0" or " ")
end

-- The value of a field such as "", "0", "name", "0.name" or "name[key]".
local function field_value(m, name, args, named, auto)
  local first, rest = name:match("^([^.%[]*)(.*)$")
  local v
  if first == "" then
    auto.n = auto.n + 1
    v = auto.n <= args.n and args[auto.n]
    if auto.n > args.n then value.fail("format: no value for field %d", auto.n) end
  elseif first:find("^%d+$") then
    local i = short_number(first, "format") + 1
    v = args[i]
    if i > args.n then value.fail("format: no value for field %s", first) end
  else
    v = named and value.get(named, first)
    if v == nil then value.fail("format: no value for '%s'", first) end
  end
  while rest ~= "" do
    local key, after = rest:match("^%.([^.%[]+)(.*)$")
    if not key then key, after = rest:match("^%[([^%]]+)%](.*)$") end
    if not key then value.fail("format: a wrong field '%s'", name) end
    v = value.index(m, v, math.tointeger(tonumber(key)) or key)
    if v == nil then value.fail("format: no value for '%s'", name) end
    m:make(#after)
    rest = after
  end
  return v
end

--- "{} and {0:>8}".format(...)
function M.braces(m, template, args, named)
  local parts, at, auto = {}, 1, { n = 0 }
  while true do
    local stop = template:find("[{}]", at)
    if not stop then break end
    parts[#parts + 1] = template:sub(at, stop - 1)
    local c = template:sub(stop, stop)
    if template:sub(stop + 1, stop + 1) == c then
      parts[#parts + 1] = c
      at = stop + 2
    else
      local finish = c == "{" and template:find("[{}]", stop + 1)
      if not finish or template:sub(finish, finish) ~= "}" then value.fail("format: a '%s' that is not matched", c) end
      local name, rest = template:sub(stop + 1, finish - 1):match("^([^!:]*)(.*)$")
      local conversion, spec = rest:match("^(!?[rs]?):?(.*)$")
      if conversion == "!" then value.fail("format: a wrong conversion in '%s'", name) end
      local v = field_value(m, name, args, named, auto)
      local s = apply_spec(m, conversion == "!r" and show.repr(m, v) or conversion == "!s" and show.str(m, v) or v, spec)
      m:make(#s)
      parts[#parts + 1] = s
      at = finish + 1
    end
  end
  parts[#parts + 1] = template:sub(at)
  return table.concat(parts)
end

return M
