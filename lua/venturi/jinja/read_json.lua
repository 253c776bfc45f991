--- JSON text as a value of templates: keys keep their order, which vt.json.decode cannot do. Depth is bounded; errors name the byte.
local value = require "venturi.jinja.value"

local MOST_DEPTH = 64

local escapes = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function refuse(at, what)
  value.fail("JSON: %s at byte %d", what, at)
end

local function skip(s, at)
  return s:find("[^ \t\r\n]", at) or #s + 1
end

-- The code point of \uXXXX whose digits begin at `at`, and the place behind it; the other half of a pair is taken too.
local function unicode(s, at)
  local digits = s:match("^%x%x%x%x", at)
  if not digits then refuse(at, "four hexadecimal digits expected") end
  local code = tonumber(digits, 16)
  at = at + 4
  if code < 0xd800 or code > 0xdfff then return code, at end
  local low = tonumber(s:match("^\\u(%x%x%x%x)", at) or "0", 16)
  if code > 0xdbff or low < 0xdc00 or low > 0xdfff then return 0xfffd, at end
  return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), at + 6
end

local function read_text(s, at)
  local parts = {}
  at = at + 1
  while true do
    local stop = s:find('[%z\1-\31"\\]', at)
    if not stop then refuse(#s + 1, "a string has no end") end
    parts[#parts + 1] = s:sub(at, stop - 1)
    local c = s:sub(stop, stop)
    if c == '"' then return table.concat(parts), stop + 1 end
    if c ~= "\\" then refuse(stop, "control character in a string") end
    local kind = s:sub(stop + 1, stop + 1)
    if kind == "u" then
      local code
      code, at = unicode(s, stop + 2)
      parts[#parts + 1] = utf8.char(code)
    else
      parts[#parts + 1] = escapes[kind] or refuse(stop, "unknown escape")
      at = stop + 2
    end
  end
end

local function read_number(s, at)
  local digits = s:match("^-?%d+%.?%d*[eE]?[-+]?%d*", at)
  if not digits or digits:find("^-?0%d") or digits:find("%.$") or digits:find("%.[eE]") or digits:find("[eE][-+]?$") or digits:find("[-+]$") then
    refuse(at, "a value expected")
  end
  local number = tonumber(digits)
  if not number then refuse(at, "a value expected") end
  return number, at + #digits
end

local words = { { "true", true }, { "false", false }, { "null", value.none } }
local read

-- Items up to the closing bracket; `item` takes one from a place and returns the place behind it.
local function read_group(s, at, close, item)
  at = skip(s, at + 1)
  if s:sub(at, at) == close then return at + 1 end
  while true do
    at = skip(s, item(at))
    local c = s:sub(at, at)
    if c == close then return at + 1 end
    if c ~= "," then refuse(at, ("',' or '%s' expected"):format(close)) end
    at = skip(s, at + 1)
  end
end

local function read_list(s, at, depth)
  local list, n = {}, 0
  at = read_group(s, at, "]", function(place)
    n = n + 1
    list[n], place = read(s, place, depth + 1)
    return place
  end)
  return value.list(list, n), at
end

local function read_dict(s, at, depth)
  local dict = value.dict()
  at = read_group(s, at, "}", function(place)
    if s:sub(place, place) ~= '"' then refuse(place, "a key expected") end
    local key, item
    key, place = read_text(s, place)
    place = skip(s, place)
    if s:sub(place, place) ~= ":" then refuse(place, "':' expected") end
    item, place = read(s, place + 1, depth + 1)
    value.set(dict, key, item)
    return place
  end)
  return dict, at
end

read = function(s, at, depth)
  if depth > MOST_DEPTH then refuse(at, ("nested more than %d deep"):format(MOST_DEPTH)) end
  at = skip(s, at)
  local c = s:sub(at, at)
  if c == '"' then return read_text(s, at) end
  if c == "[" then return read_list(s, at, depth) end
  if c == "{" then return read_dict(s, at, depth) end
  for _, word in ipairs(words) do
    if s:sub(at, at + #word[1] - 1) == word[1] then return word[2], at + #word[1] end
  end
  return read_number(s, at)
end

--- The value of a JSON text.
return function(s)
  local v, at = read(s, 1, 1)
  at = skip(s, at)
  if at <= #s then refuse(at, "something follows the value") end
  return v
end
