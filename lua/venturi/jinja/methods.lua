--- Methods of strings, lists and dicts: M.string.upper(m, self, args, named) and so on.
local arguments = require "venturi.jinja.arguments"
local format = require "venturi.jinja.format"
local text = require "venturi.jinja.text"
local value = require "venturi.jinja.value"
local bind, fail = arguments.bind, value.fail

local M = { string = {}, list = {}, dict = {} }
local S, L, D = M.string, M.list, M.dict

-- A method of strings without arguments.
local function plain(name, f)
  S[name] = function(m, s, args, named)
    bind(name, {}, 0, args, named)
    m:make(16 * #s)
    return f(s)
  end
end

for _, name in ipairs{ "upper", "lower", "capitalize", "title" } do plain(name, text[name]) end
plain("isspace", text.is_space)
plain("isupper", text.is_upper)
plain("islower", text.is_lower)
plain("isdigit", function(s) return s:find("^%d+$") ~= nil end)
plain("isnumeric", function(s) return s:find("^%d+$") ~= nil end)
plain("isdecimal", function(s) return s:find("^%d+$") ~= nil end)
plain("isalpha", function(s) return s:find("^[%a\x80-\xff]+$") ~= nil end)
plain("isalnum", function(s) return s:find("^[%w\x80-\xff]+$") ~= nil end)

for _, name in ipairs{ "strip", "lstrip", "rstrip" } do
  S[name] = function(m, s, args, named)
    local chars = arguments.string(name, bind(name, { "chars" }, 0, args, named), false)
    m:make(chars and 16 * (#s + #chars) or #s)
    return text[name](s, chars or nil)
  end
end

-- Cuts at a separator, from the left, at most `most` times (-1: no limit).
local function split_at(m, s, sep, most)
  local parts, at = {}, 1
  while most ~= 0 do
    local first, last = text.find(m, s, sep, at)
    if not first then break end
    parts[#parts + 1] = s:sub(at, first - 1)
    at, most = last + 1, most - 1
  end
  parts[#parts + 1] = s:sub(at)
  return parts
end

-- Cuts at runs of white space; the rest keeps its own.
local function split_words(_, s, most)
  local parts, at = {}, text.skip_space(s, 1)
  while at <= #s do
    if most == 0 then
      parts[#parts + 1] = text.rstrip(s:sub(at))
      break
    end
    local stop = at
    while stop <= #s and text.skip_space(s, stop) == stop do stop = stop + 1 end
    parts[#parts + 1] = s:sub(at, stop - 1)
    at, most = text.skip_space(s, stop), most - 1
  end
  return parts
end

-- The parts at the end are those of the reversed text.
local function split_from_right(m, s, sep, most)
  local parts = split_at(m, s, sep, -1)
  if most < 0 or #parts - 1 <= most then return parts end
  local joined = table.concat(parts, sep, 1, #parts - most)
  return table.move(parts, #parts - most + 1, #parts, 2, { joined })
end

local function splitter(name, cut)
  S[name] = function(m, s, args, named)
    local sep, most = bind(name, { "sep", "maxsplit" }, 0, args, named)
    sep, most = arguments.string(name, sep, false), arguments.integer(name, most, -1)
    if sep == "" then fail("empty separator") end
    m:make(16 * #s)
    if not sep then
      if name == "rsplit" and most >= 0 then fail("rsplit with maxsplit needs a separator") end
      return value.list(split_words(m, s, most))
    end
    return value.list(cut(m, s, sep, most))
  end
end
splitter("split", split_at)
splitter("rsplit", split_from_right)

function S.splitlines(m, s, args, named)
  local ends = bind("splitlines", { "keepends" }, 0, args, named)
  m:make(16 * #s)
  return value.list(text.lines(s, ends ~= nil and value.truth(ends)))
end

function S.partition(m, s, args, named)
  local sep = arguments.string("partition", bind("partition", { "sep" }, 1, args, named))
  if sep == "" then fail("empty separator") end
  m:make(#s)
  local first, last = text.find(m, s, sep, 1)
  if not first then return value.tuple{ s, "", "" } end
  return value.tuple{ s:sub(1, first - 1), sep, s:sub(last + 1) }
end

function S.rpartition(m, s, args, named)
  local sep = arguments.string("rpartition", bind("rpartition", { "sep" }, 1, args, named))
  if sep == "" then fail("empty separator") end
  m:make(16 * #s)
  local parts = split_from_right(m, s, sep, 1)
  if #parts == 1 then return value.tuple{ "", "", s } end
  return value.tuple{ parts[1], sep, parts[2] }
end

-- Does s begin (or end) with the argument, a string or a tuple of strings?
local function affix(name, fits)
  S[name] = function(m, s, args, named)
    local what = bind(name, { "prefix" }, 1, args, named)
    local list = value.is_list(what) and what or { what, n = 1 }
    for i = 1, list.n do
      local part = arguments.string(name, list[i])
      m:make(math.min(#s, #part))
      if fits(s, part) then return true end
    end
    return false
  end
end
affix("startswith", function(s, part) return s:sub(1, #part) == part end)
affix("endswith", function(s, part) return part == "" or s:sub(-#part) == part end)

function S.removeprefix(m, s, args, named)
  local part = arguments.string("removeprefix", bind("removeprefix", { "prefix" }, 1, args, named))
  m:make(#s)
  return s:sub(1, #part) == part and s:sub(#part + 1) or s
end

function S.removesuffix(m, s, args, named)
  local part = arguments.string("removesuffix", bind("removesuffix", { "suffix" }, 1, args, named))
  m:make(#s)
  return part ~= "" and s:sub(-#part) == part and s:sub(1, -#part - 1) or s
end

--- s with `old` replaced by `new`, at most `most` times (-1: all).
function M.replace(m, s, old, new, most)
  m:read(#s)
  local parts
  if old == "" then
    m:make(16 * #s)
    parts = text.chars(s)
    if most >= 0 and most <= #parts then
      m:make(#s + most * #new)
      local head = table.concat(parts, new, 1, most)
      return (most > 0 and new or "") .. head .. table.concat(parts, "", most + 1)
    end
    m:make(#s + (#parts + 1) * #new)
    return new .. table.concat(parts, new) .. (#parts > 0 and new or "")
  end
  parts = split_at(m, s, old, most)
  m:make(16 * #parts + #s + (#parts - 1) * #new)
  return table.concat(parts, new)
end

function S.replace(m, s, args, named)
  local old, new, most = bind("replace", { "old", "new", "count" }, 2, args, named)
  return M.replace(m, s, arguments.string("replace", old), arguments.string("replace", new), arguments.integer("replace", most, -1))
end

function S.count(m, s, args, named)
  local part = arguments.string("count", bind("count", { "sub" }, 1, args, named))
  m:make(16 * #s)
  if part == "" then return text.len(s) + 1 end
  return #split_at(m, s, part, -1) - 1
end

function S.find(m, s, args, named)
  local part = arguments.string("find", bind("find", { "sub" }, 1, args, named))
  local first = text.find(m, s, part, 1)
  return first and text.len(s:sub(1, first - 1)) or -1
end

function S.rfind(m, s, args, named)
  local part = arguments.string("rfind", bind("rfind", { "sub" }, 1, args, named))
  m:make(16 * #s)
  if part == "" then return text.len(s) end
  local at, last = 0, nil
  while true do
    at = text.find(m, s, part, at + 1)
    if not at then break end
    last = at
  end
  return last and text.len(s:sub(1, last - 1)) or -1
end

function S.join(m, s, args, named)
  return M.join(m, s, (bind("join", { "iterable" }, 1, args, named)))
end

--- Items, all strings, with s between them.
function M.join(m, s, v)
  local items, n = value.items(m, v)
  local size = 0
  for i = 1, n do
    if type(items[i]) ~= "string" then fail("join: item %d: a string expected, got %s", i - 1, value.type_name(items[i])) end
    m:work(1)
    size = size + #items[i] + #s
  end
  m:make(size)
  return table.concat(items, s, 1, n)
end

function S.format(m, s, args, named)
  return format.braces(m, s, args, named)
end

for name, align in pairs{ ljust = "<", rjust = ">", center = "^" } do
  S[name] = function(m, s, args, named)
    local width, fill = bind(name, { "width", "fillchar" }, 1, args, named)
    return format.pad(m, s, arguments.integer(name, width), align, arguments.string(name, fill, " "))
  end
end

function S.zfill(m, s, args, named)
  local sign, rest = s:match("^([-+]?)(.*)$")
  local width = arguments.integer("zfill", (bind("zfill", { "width" }, 1, args, named)))
  return sign .. format.pad(m, rest, math.max(width, 1) - #sign, ">", "0")
end

-- ---- lists ----

local function changing(list, name)
  if list.tuple then fail("'tuple' object has no attribute '%s'", name) end
  return list
end

function L.append(m, list, args, named)
  local item = bind("append", { "object" }, 1, args, named)
  m:make(16)
  changing(list, "append").n = list.n + 1
  list[list.n] = item
  return value.none
end

function L.extend(m, list, args, named)
  local items, n = value.items(m, (bind("extend", { "iterable" }, 1, args, named)))
  m:make(16 * n)
  table.move(items, 1, n, changing(list, "extend").n + 1, list)
  list.n = list.n + n
  return value.none
end

function L.insert(m, list, args, named)
  local at, item = bind("insert", { "index", "object" }, 2, args, named)
  at = arguments.integer("insert", at)
  if at < 0 then at = math.max(0, at + list.n) end
  at = math.min(at, list.n)
  m:make(16)
  m:work(list.n)
  table.move(list, at + 1, changing(list, "insert").n, at + 2)
  list[at + 1], list.n = item, list.n + 1
  return value.none
end

function L.pop(m, list, args, named)
  local at = arguments.integer("pop", bind("pop", { "index" }, 0, args, named), -1)
  if at < 0 then at = at + list.n end
  if at < 0 or at >= changing(list, "pop").n then fail("pop index out of range") end
  m:work(list.n)
  local item = list[at + 1]
  table.move(list, at + 2, list.n + 1, at + 1)
  list[list.n], list.n = nil, list.n - 1
  return item
end

local function place_of(m, list, item)
  for i = 1, list.n do
    m:work(1)
    if value.equal(m, list[i], item) then return i end
  end
end

function L.remove(m, list, args, named)
  local at = place_of(m, changing(list, "remove"), (bind("remove", { "value" }, 1, args, named))) or fail("list.remove(x): x not in list")
  L.pop(m, list, { at - 1, n = 1 })
  return value.none
end

function L.index(m, list, args, named)
  return (place_of(m, list, (bind("index", { "value" }, 1, args, named))) or fail("the value is not in the list")) - 1
end

function L.count(m, list, args, named)
  local item, n = bind("count", { "value" }, 1, args, named), 0
  for i = 1, list.n do
    m:work(1)
    if value.equal(m, list[i], item) then n = n + 1 end
  end
  return n
end

function L.copy(m, list, args, named)
  bind("copy", {}, 0, args, named)
  m:make(16 * list.n)
  return value.list(table.move(list, 1, list.n, 1, {}), list.n)
end

function L.reverse(m, list, args, named)
  bind("reverse", {}, 0, args, named)
  m:work(changing(list, "reverse").n)
  for i = 1, list.n // 2 do list[i], list[list.n + 1 - i] = list[list.n + 1 - i], list[i] end
  return value.none
end

function L.clear(m, list, args, named)
  bind("clear", {}, 0, args, named)
  m:work(list.n)
  for i = 1, changing(list, "clear").n do list[i] = nil end
  list.n = 0
  return value.none
end

-- ---- dicts ----

function D.keys(m, dict, args, named)
  bind("keys", {}, 0, args, named)
  m:make(16 * #dict.keys)
  return value.list(table.move(dict.keys, 1, #dict.keys, 1, {}))
end

function D.values(m, dict, args, named)
  bind("values", {}, 0, args, named)
  m:make(16 * #dict.keys)
  local items = {}
  for i, key in ipairs(dict.keys) do items[i] = dict.map[key] end
  return value.list(items, #dict.keys)
end

function D.items(m, dict, args, named)
  bind("items", {}, 0, args, named)
  m:make(64 * #dict.keys)
  local items = {}
  for i, key in ipairs(dict.keys) do items[i] = value.tuple{ key, dict.map[key] } end
  return value.list(items, #dict.keys)
end

function D.get(_, dict, args, named)
  local key, dflt = bind("get", { "key", "default" }, 1, args, named)
  local v = value.get(dict, key)
  if v ~= nil then return v end
  if dflt == nil then return value.none end
  return dflt
end

function D.pop(m, dict, args, named)
  local key, dflt = bind("pop", { "key", "default" }, 1, args, named)
  m:work(#dict.keys)
  local v = value.remove(dict, key)
  if v == nil then v = dflt end
  if v == nil then fail("no key %s", tostring(key)) end
  return v
end

function D.setdefault(m, dict, args, named)
  local key, dflt = bind("setdefault", { "key", "default" }, 1, args, named)
  m:make(32)
  if value.get(dict, key) == nil then
    if dflt == nil then dflt = value.none end
    value.set(dict, key, dflt)
  end
  return value.get(dict, key)
end

function D.update(m, dict, args, named)
  local from = args[1]
  if from ~= nil and not value.is_dict(from) then fail("update: a dict expected, got %s", value.type_name(from)) end
  for _, source in ipairs{ from or value.dict(), named or value.dict() } do
    m:make(32 * #source.keys)
    for _, key in ipairs(table.move(source.keys, 1, #source.keys, 1, {})) do value.set(dict, key, source.map[key]) end
  end
  return value.none
end

function D.copy(m, dict, args, named)
  bind("copy", {}, 0, args, named)
  local copy = value.dict()
  D.update(m, copy, { dict, n = 1 })
  return copy
end

return M
