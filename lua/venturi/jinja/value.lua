--- The values of templates, and what Python does with them.
-- none            M.none                       boolean  Lua's          integer  Lua's integer     float  Lua's float
-- string          Lua's, UTF-8                 undefined { hint }: prints nothing, any use of its content is an error
-- list, tuple     { n = count, [1..n] }, a tuple with `tuple = true`
-- dict            { keys = list of keys in order, map = key -> value }; keys are strings, numbers, booleans, none
-- namespace       a dict whose items are attributes
-- function        { name, call = function(meter, args, named) -> value }, args { n, ... }, named a dict or nil
-- No Lua nil is a value. Tables of Lua become values by `from_lua`.
local core = require "venturi.core"
local meters = require "venturi.jinja.meter"
local text = require "venturi.jinja.text"

local M = { none = setmetatable({}, { __tostring = function() return "None" end }) }

local List, Dict, Namespace, Function, Undefined, Slice = {}, {}, {}, {}, {}, {}
local kinds = { [List] = "list", [Dict] = "dict", [Namespace] = "namespace", [Function] = "function", [Undefined] = "undefined", [Slice] = "slice" }

local function fail(...) meters.fail("VT_ERR_INVALID", ...) end
M.fail = fail

-- ---- making ----

function M.list(items, n)
  items.n = n or #items
  return setmetatable(items, List)
end

function M.tuple(items, n)
  items.n, items.tuple = n or #items, true
  return setmetatable(items, List)
end

function M.dict()
  return setmetatable({ keys = {}, map = {} }, Dict)
end

function M.namespace()
  return setmetatable({ keys = {}, map = {} }, Namespace)
end

function M.func(name, call)
  return setmetatable({ name = name, call = call }, Function)
end

--- A name as messages show it: a template may bring one of a megabyte.
function M.short(name)
  if #name <= 80 then return name end
  return name:sub(1, 77):gsub("[\x80-\xff]+$", "") .. "..."
end

--- @tparam string hint the message when somebody uses it
function M.undefined(hint)
  return setmetatable({ hint = hint }, Undefined)
end

function M.slice(first, last, step)
  return setmetatable({ first = first, last = last, step = step }, Slice)
end

--- none boolean integer float string list dict namespace function undefined slice
function M.kind(v)
  local t = type(v)
  if t == "table" then return v == M.none and "none" or kinds[getmetatable(v)] or "none" end
  return t == "number" and math.type(v) or t
end
local kind = M.kind

local python_names = { none = "NoneType", boolean = "bool", integer = "int", string = "str", ["function"] = "function", undefined = "Undefined", namespace = "Namespace" }

--- As Python's messages name the type.
function M.type_name(v)
  local k = kind(v)
  return k == "list" and v.tuple and "tuple" or python_names[k] or k
end

function M.is_list(v) return getmetatable(v) == List end
function M.is_dict(v) return getmetatable(v) == Dict end
function M.is_undefined(v) return getmetatable(v) == Undefined end

-- ---- dicts ----

local function check_key(key)
  if type(key) == "table" and key ~= M.none then fail("unhashable type: '%s'", M.type_name(key)) end
  if key ~= key then fail("nan is no key") end
  return key
end

function M.set(dict, key, value)
  if dict.map[check_key(key)] == nil then dict.keys[#dict.keys + 1] = key end
  dict.map[key] = value
end

--- The value, or nil.
function M.get(dict, key)
  return dict.map[check_key(key)]
end

--- Takes a key out; the value that it had, or nil.
function M.remove(dict, key)
  local value = dict.map[check_key(key)]
  if value == nil then return nil end
  dict.map[key] = nil
  for i, k in ipairs(dict.keys) do
    if k == key then
      table.remove(dict.keys, i)
      break
    end
  end
  return value
end

-- ---- from Lua ----

local array_mark, map_mark = getmetatable(core.json.array({})), getmetatable(core.json.object({}))
local MOST_DEPTH = 64

local function from_table(x, depth)
  local mark = getmetatable(x)
  if kinds[mark] or x == M.none then return x end
  if depth > MOST_DEPTH then fail("variables are nested more than %d deep", MOST_DEPTH) end
  local n, named = #x, false
  for key in pairs(x) do
    if type(key) == "string" then named = true break end
  end
  if mark == array_mark or (mark ~= map_mark and not named) then
    local list = {}
    for i = 1, n do list[i] = M.from_lua(x[i], depth + 1) end
    return M.list(list, n)
  end
  local names, dict = {}, M.dict()
  for key in pairs(x) do
    if type(key) == "string" then names[#names + 1] = key end
  end
  table.sort(names)
  for _, name in ipairs(names) do M.set(dict, name, M.from_lua(x[name], depth + 1)) end
  return dict
end

--- A value of Lua as one of templates. A table with string keys is a dict, its keys in order of their names; one without is a list.
-- Values of this module, M.dict say, stay as they are: that is how a dict gets an order of its own. A function is called with values of this module.
function M.from_lua(x, depth)
  if x == nil or x == core.null then return M.none end
  local t = type(x)
  if t == "table" then return from_table(x, depth or 1) end
  if t == "function" then
    return M.func("function", function(_, args) return M.from_lua((x(table.unpack(args, 1, args.n)))) end)
  end
  if t ~= "string" and t ~= "number" and t ~= "boolean" then fail("a %s is no value of templates", t) end
  return x
end

-- ---- truth, equality, order ----

function M.truth(v)
  local t = type(v)
  if t == "boolean" then return v end
  if t == "string" then return v ~= "" end
  if t == "number" then return v ~= 0 end
  local k = kind(v)
  if k == "list" then return v.n > 0 end
  if k == "dict" then return #v.keys > 0 end
  return k == "namespace" or k == "function"
end

local function number_of(v)
  return v == true and 1 or v == false and 0 or v
end

function M.equal(m, a, b)
  if rawequal(a, b) then return true end
  local ta, tb = type(a), type(b)
  if ta ~= "table" or tb ~= "table" then
    if ta == "string" and tb == "string" then m:read(#a) end
    return number_of(a) == number_of(b)
  end
  local ka = kind(a)
  if ka ~= kind(b) then return false end
  if ka == "undefined" then return true end
  if ka ~= "list" and ka ~= "dict" then return false end
  m:enter()
  local same
  if ka == "list" then
    same = a.n == b.n and (a.tuple or false) == (b.tuple or false)
    m:work(1)
    for i = 1, same and a.n or 0 do
      m:work(1)
      if not M.equal(m, a[i], b[i]) then same = false break end
    end
  else
    same = #a.keys == #b.keys
    for _, key in ipairs(same and a.keys or {}) do
      m:work(1)
      if b.map[key] == nil or not M.equal(m, a.map[key], b.map[key]) then same = false break end
    end
  end
  m:leave()
  return same
end

--- a < b, as Python orders them; an error where it does not.
function M.less(m, a, b)
  local x, y = number_of(a), number_of(b)
  if type(x) == "number" and type(y) == "number" then return x < y end
  if type(a) == "string" and type(b) == "string" then
    m:read(math.min(#a, #b))
    return M.less_text(a, b)
  end
  if M.is_undefined(a) then fail("%s", a.hint) end
  if M.is_undefined(b) then fail("%s", b.hint) end
  if M.is_list(a) and M.is_list(b) and (a.tuple or false) == (b.tuple or false) then
    m:enter()
    local result
    for i = 1, math.min(a.n, b.n) do
      m:work(1)
      if not M.equal(m, a[i], b[i]) then
        result = M.less(m, a[i], b[i])
        break
      end
    end
    m:leave()
    if result == nil then result = a.n < b.n end
    return result
  end
  fail("'<' not supported between instances of '%s' and '%s'", M.type_name(a), M.type_name(b))
end

--- Byte order of UTF-8 is the order of code points; Lua's own `<` asks the locale.
function M.less_text(a, b)
  local n = math.min(#a, #b)
  local i = 1
  while i <= n do
    local stop = math.min(i + 63, n)
    if a:sub(i, stop) ~= b:sub(i, stop) then
      for k = i, stop do
        local x, y = a:byte(k), b:byte(k)
        if x ~= y then return x < y end
      end
    end
    i = stop + 1
  end
  return #a < #b
end

-- ---- contents ----

--- Items as a Lua list and their number. The list may be the value's own: it is only read.
function M.items(m, v)
  local k = kind(v)
  if k == "list" then return v, v.n end
  if k == "dict" then return v.keys, #v.keys end
  if k == "undefined" then return {}, 0 end
  if k == "string" then
    m:make(#v * 16)
    local list = text.chars(v)
    return list, #list
  end
  fail("'%s' object is not iterable", M.type_name(v))
end

function M.len(m, v)
  local k = kind(v)
  if k == "list" then return v.n end
  if k == "dict" then return #v.keys end
  if k == "undefined" then return 0 end
  if k ~= "string" then fail("object of type '%s' has no len()", M.type_name(v)) end
  m:read(#v)
  return text.len(v)
end

--- item in v
function M.contains(m, v, item)
  local k = kind(v)
  if k == "string" then
    if M.is_undefined(item) then return true end
    if type(item) ~= "string" then fail("'in <string>' requires string as left operand, not %s", M.type_name(item)) end
    return text.find(m, v, item, 1) ~= nil
  elseif k == "dict" then
    return v.map[check_key(item)] ~= nil
  end
  local items, n = M.items(m, v)
  for i = 1, n do
    m:work(1)
    if M.equal(m, items[i], item) then return true end
  end
  return false
end

-- Python's slice.indices: first, last and step for positions from 0; last is not reached.
local function slice_bounds(s, n)
  local function number(v)
    if v == M.none then return nil end
    if v == true or v == false then return number_of(v) end
    if math.type(v) ~= "integer" then fail("slice indices must be integers or None") end
    return v
  end
  local step = number(s.step) or 1
  if step == 0 then fail("slice step cannot be zero") end
  local function clip(i, dflt, low, high)
    if not i then return dflt end
    if i < 0 then i = i + n end
    return math.max(low, math.min(high, i))
  end
  if step > 0 then return clip(number(s.first), 0, 0, n), clip(number(s.last), n, 0, n), step end
  return clip(number(s.first), n - 1, -1, n - 1), clip(number(s.last), -1, -1, n - 1), step
end

local function slice_of(m, v, s)
  local is_text = type(v) == "string"
  local first, last, step = slice_bounds(s, M.len(m, v))
  if is_text and step == 1 then
    m:make(math.max(0, last - first))
    return text.sub(v, first + 1, last)
  end
  m:make(16 * (is_text and #v or v.n))
  local items, out, n = is_text and text.chars(v) or v, {}, 0
  for i = first, last + (step > 0 and -1 or 1), step do
    n = n + 1
    out[n] = items[i + 1]
  end
  if is_text then return table.concat(out) end
  return v.tuple and M.tuple(out, n) or M.list(out, n)
end

--- v[key] for lists, strings and dicts: the value, or nil.
function M.index(m, v, key)
  local k = kind(v)
  if k == "dict" then return M.get(v, key) end
  if k ~= "list" and k ~= "string" then return nil end
  if getmetatable(key) == Slice then return slice_of(m, v, key) end
  local i = number_of(key)
  if math.type(i) ~= "integer" then return nil end
  local n = M.len(m, v)
  if i < 0 then i = i + n end
  if i < 0 or i >= n then return nil end
  if k == "list" then return v[i + 1] end
  return text.sub(v, i + 1, i + 1)
end

return M
