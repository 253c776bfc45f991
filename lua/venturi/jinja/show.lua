--- Values as text: as Python prints them, and as JSON.
local value = require "venturi.jinja.value"
local kind, fail = value.kind, value.fail

local M = {}

--- The shortest decimal that reads back as x, in Python's form: 1.0, 1e+16, 1e-05, inf.
function M.float(x)
  if x ~= x then return "nan" end
  if x == math.huge then return "inf" end
  if x == -math.huge then return "-inf" end
  local digits
  for precision = 0, 16 do
    digits = ("%." .. precision .. "e"):format(x)
    if tonumber(digits) == x then break end
  end
  local sign, lead, rest, exponent = digits:match("^(-?)(%d)%p?(%d*)e([-+]%d+)$")
  local e, mantissa = math.tointeger(tonumber(exponent)), lead .. rest
  if e < -4 or e >= 16 then
    return ("%s%s%se%s%02d"):format(sign, lead, rest ~= "" and "." .. rest or "", e < 0 and "-" or "+", math.abs(e))
  end
  if e < 0 then return sign .. "0." .. ("0"):rep(-e - 1) .. mantissa end
  if #mantissa <= e + 1 then return sign .. mantissa .. ("0"):rep(e + 1 - #mantissa) .. ".0" end
  return sign .. mantissa:sub(1, e + 1) .. "." .. mantissa:sub(e + 2)
end

-- ---- Python's repr ----

local named = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }

-- Code points beyond ASCII that repr does not print: controls, formats, separators, private use.
local hidden = { { 0x80, 0xa0 }, { 0xad, 0xad }, { 0x1680, 0x1680 }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f }, { 0x3000, 0x3000 },
  { 0xd800, 0xf8ff }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0x10ffff } }

local function escape_wide(c)
  local code = utf8.codepoint(c)
  for _, range in ipairs(hidden) do
    if code >= range[1] and code <= range[2] then
      return code < 0x100 and ("\\x%02x"):format(code) or code < 0x10000 and ("\\u%04x"):format(code) or ("\\U%08x"):format(code)
    end
  end
  return c
end

local function repr_text(s)
  local quote = s:find("'", 1, true) and not s:find('"', 1, true) and '"' or "'"
  s = s:gsub("[%c\\']", function(c)
    if c == "'" then return quote == "'" and "\\'" or c end
    return named[c] or ("\\x%02x"):format(c:byte())
  end)
  if s:find("[\x80-\xff]") then
    s = utf8.len(s) and s:gsub("[\xc2-\xf4][\x80-\xbf]+", escape_wide) or s:gsub("[\x80-\xff]", function(c) return ("\\x%02x"):format(c:byte()) end)
  end
  return quote .. s .. quote
end

local repr

local function repr_list(m, v)
  local parts = {}
  m:work(v.n)
  for i = 1, v.n do parts[i] = repr(m, v[i]) end
  local inner = table.concat(parts, ", ")
  if v.tuple then return "(" .. inner .. (v.n == 1 and ",)" or ")") end
  return "[" .. inner .. "]"
end

local function repr_dict(m, v)
  local parts = {}
  for i, key in ipairs(v.keys) do parts[i] = repr(m, key) .. ": " .. repr(m, v.map[key]) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

repr = function(m, v)
  local k = kind(v)
  local out
  if k == "string" then
    m:make(#v)
    out = repr_text(v)
  elseif k == "list" or k == "dict" then
    m:enter()
    out = (k == "list" and repr_list or repr_dict)(m, v)
    m:leave()
  else
    return k == "undefined" and "Undefined" or M.str(m, v)
  end
  m:make(#out)
  return out
end
M.repr = repr

local function repr_namespace(m, v)
  m:enter()
  local out = "<Namespace " .. repr_dict(m, v) .. ">"
  m:leave()
  m:make(#out)
  return out
end

--- A value as `{{ }}` prints it.
function M.str(m, v)
  local k = kind(v)
  if k == "string" then return v end
  if k == "boolean" then return v and "True" or "False" end
  if k == "none" then return "None" end
  if k == "integer" then return ("%d"):format(v) end
  if k == "float" then return M.float(v) end
  if k == "undefined" then return "" end
  if k == "function" then return "<function " .. v.name .. ">" end
  if k == "namespace" then return repr_namespace(m, v) end
  if k == "slice" then fail("a slice cannot be printed") end
  return repr(m, v)
end

-- ---- JSON ----

local json_named = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

local function json_wide(c)
  local code = utf8.codepoint(c)
  if code < 0x10000 then return ("\\u%04x"):format(code) end
  code = code - 0x10000
  return ("\\u%04x\\u%04x"):format(0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff))
end

local function json_text(s, ascii)
  s = s:gsub('[%z\1-\31"\\]', function(c) return json_named[c] or ("\\u%04x"):format(c:byte()) end)
  if ascii and utf8.len(s) then s = s:gsub("[\xc2-\xf4][\x80-\xbf]+", json_wide) end
  return '"' .. s .. '"'
end

local function json_key(m, key)
  if key == value.none then return "null" end
  if type(key) == "boolean" then return tostring(key) end
  return M.str(m, key)
end

local json

-- Items between brackets; `pad` is nil, or the line break with the indent of this level.
local function json_group(m, open, close, parts, opt, pad)
  if #parts == 0 then return open .. close end
  m:make_many(#parts + 1, #opt.comma + (pad and #pad + #opt.indent or 0) + 1)
  if not pad then return open .. table.concat(parts, opt.comma) .. close end
  return open .. pad .. opt.indent .. table.concat(parts, opt.comma .. pad .. opt.indent) .. pad .. close
end

local function json_table(m, v, opt, pad)
  local inner, parts = pad and pad .. opt.indent, {}
  if kind(v) == "list" then
    for i = 1, v.n do parts[i] = json(m, v[i], opt, inner) end
    return json_group(m, "[", "]", parts, opt, pad)
  end
  local keys = v.keys
  if opt.sort_keys then
    keys = table.move(keys, 1, #keys, 1, {})
    table.sort(keys, function(a, b) return a ~= b and value.less(m, a, b) end)
  end
  for i, key in ipairs(keys) do
    local name, item = json_text(json_key(m, key), opt.ascii), json(m, v.map[key], opt, inner)
    m:make(#name + #opt.colon + #item)
    parts[i] = name .. opt.colon .. item
  end
  return json_group(m, "{", "}", parts, opt, pad)
end

json = function(m, v, opt, pad)
  local k, out = kind(v), nil
  m:work(1)
  if k == "none" then return "null" end
  if k == "boolean" then return tostring(v) end
  if k == "integer" then return ("%d"):format(v) end
  if k == "float" then
    out = M.float(v)
    return ({ inf = "Infinity", ["-inf"] = "-Infinity", nan = "NaN" })[out] or out
  elseif k == "string" then
    m:make(#v)
    out = json_text(v, opt.ascii)
  elseif k == "list" or k == "dict" then
    m:enter()
    out = json_table(m, v, opt, pad)
    m:leave()
  else
    fail("Object of type %s is not JSON serializable", value.type_name(v))
  end
  m:make(#out)
  return out
end

--- A value as JSON.
-- @tparam table opt { indent = text of one level or nil, comma = ", ", colon = ": ", sort_keys, ascii }
function M.json(m, v, opt)
  return json(m, v, opt, opt.indent and "\n")
end

return M
