--- Filters: M.upper(m, v, args, named). What Jinja2 has and templates of models use; `tojson` is that of the models' makers (no HTML escapes).
local arguments = require "venturi.jinja.arguments"
local format = require "venturi.jinja.format"
local methods = require "venturi.jinja.methods"
local operators = require "venturi.jinja.operators"
local read_json = require "venturi.jinja.read_json"
local show = require "venturi.jinja.show"
local text = require "venturi.jinja.text"
local value = require "venturi.jinja.value"
local bind, fail = arguments.bind, value.fail

local M = {}
local tests -- name -> test, given by `use_tests`: tests and filters know each other

function M.use_tests(table_of_tests)
  tests = table_of_tests
end

local filters = {}
M.filters = filters

-- ---- text ----

local function text_filter(name, f)
  filters[name] = function(m, v, args, named)
    bind(name, {}, 0, args, named)
    local s = show.str(m, v)
    m:make(16 * #s)
    return f(s)
  end
end
text_filter("upper", text.upper)
text_filter("lower", text.lower)
text_filter("capitalize", text.capitalize)
text_filter("title", text.title_words)
text_filter("string", function(s) return s end)
text_filter("safe", function(s) return s end)
text_filter("wordcount", function(s)
  local n = 0
  for _ in s:gmatch("[%w_\x80-\xff]+") do n = n + 1 end
  return n
end)
local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&#34;", ["'"] = "&#39;" }
text_filter("escape", function(s) return (s:gsub("[&<>\"']", entities)) end)
filters.e = filters.escape

-- `safe` and `string` keep what they are given where it is a text; `safe` prints nothing else differently either.
function filters.safe(_, v, args, named)
  bind("safe", {}, 0, args, named)
  return v
end

function filters.trim(m, v, args, named)
  local chars = arguments.string("trim", bind("trim", { "chars" }, 0, args, named), false)
  local s = show.str(m, v)
  m:make(chars and 16 * (#s + #chars) or #s)
  return text.strip(s, chars or nil)
end

function filters.replace(m, v, args, named)
  local old, new, count = bind("replace", { "old", "new", "count" }, 2, args, named)
  return methods.replace(m, show.str(m, v), show.str(m, old), show.str(m, new), arguments.integer("replace", count == value.none and -1 or count, -1))
end

function filters.indent(m, v, args, named)
  local width, first, blank = bind("indent", { "width", "first", "blank" }, 0, args, named)
  local s = show.str(m, v)
  local pad = width
  if type(width) ~= "string" then
    local n = arguments.integer("indent", width, 4)
    if n > 10000 then fail("indent: a width of %d is over 10000", n) end
    pad = (" "):rep(n)
  end
  m:make(16 * #s)
  local lines = text.lines(s .. "\n")
  m:make_many(#lines, #pad + 16)
  for i, line in ipairs(lines) do
    local wanted = i > 1 or (first ~= nil and value.truth(first))
    if wanted and (line ~= "" or i == 1 or (blank ~= nil and value.truth(blank))) then lines[i] = pad .. line end
  end
  return table.concat(lines, "\n")
end

function filters.center(m, v, args, named)
  local width = arguments.integer("center", bind("center", { "width" }, 0, args, named), 80)
  return format.pad(m, show.str(m, v), width, "^", " ")
end

function filters.format(m, v, args, named)
  if named and #named.keys > 0 then return format.percent(m, show.str(m, v), named) end
  return format.percent(m, show.str(m, v), value.tuple(table.move(args, 1, args.n, 1, {}), args.n))
end

function filters.truncate(m, v, args, named)
  local length, whole, tail, leeway = bind("truncate", { "length", "killwords", "end", "leeway" }, 0, args, named)
  local s, n = show.str(m, v), arguments.integer("truncate", length, 255)
  tail = arguments.string("truncate", tail, "...")
  m:read(#s + #tail)
  -- In floats: the sum of two integers may be over 2^63.
  if text.len(s) <= math.max(n, n + 0.0 + arguments.integer("truncate", leeway, 5)) then return s end
  if n < text.len(tail) then fail("truncate: expected length >= %d, got %d", text.len(tail), n) end
  m:make(#s)
  local cut = text.sub(s, 1, n - text.len(tail))
  if not (whole and value.truth(whole)) then cut = cut:match("^(.*) ") or cut end
  return cut .. tail
end

-- ---- numbers ----

local MOST_DIGITS = 400

-- Python's integers have no end; ours do, and say so.
local function whole_of(digits)
  local x = math.tointeger(tonumber((digits:gsub("^%+", ""))))
  if not x then fail("an integer over 2^63") end
  return x
end

function filters.int(m, v, args, named)
  local dflt, base = bind("int", { "default", "base" }, 0, args, named)
  if dflt == nil then dflt = 0 end
  if type(v) == "boolean" then return v and 1 or 0 end
  local x = v
  if type(v) == "string" then
    m:make(#v)
    local s = text.strip(v):gsub("_", "")
    base = arguments.integer("int", base, 10)
    if base < 2 or base > 36 then return dflt end
    if base == 10 and s:find("^[-+]?%d+$") then x = whole_of(s)
    -- Only what may be a number: the pattern behind it tries every way to part a row of digits.
    elseif base == 10 then x = #s <= MOST_DIGITS and s:find("^[-+]?%d*%.?%d*[eE]?[-+]?%d*$") and tonumber((s:gsub("^%+", ""))) or nil
    else x = math.tointeger(tonumber((s:gsub("^0[xXoObB]", "")), base) or false) end
  end
  if math.type(x) == "integer" then return x end
  if math.type(x) ~= "float" or x ~= x or math.abs(x) >= 2^63 then return dflt end
  return math.tointeger(x < 0 and math.ceil(x) or math.floor(x))
end

function filters.float(m, v, args, named)
  local dflt = bind("float", { "default" }, 0, args, named)
  if dflt == nil then dflt = 0.0 end
  if type(v) == "boolean" then return v and 1.0 or 0.0 end
  if type(v) == "number" then return v + 0.0 end
  if type(v) == "string" then m:make(#v) end
  local s = type(v) == "string" and text.strip(v):gsub("_", "") or ""
  local x = s:find("^[-+]?[%d.]") and not s:find("[xXpP]") and tonumber((s:gsub("^%+", "")))
  if x then return x + 0.0 end
  return dflt
end

function filters.abs(_, v, args, named)
  bind("abs", {}, 0, args, named)
  return operators.plus(v) < 0 and operators.negate(v) or operators.plus(v)
end

function filters.round(_, v, args, named)
  local precision, method = bind("round", { "precision", "method" }, 0, args, named)
  precision, method = arguments.integer("round", precision, 0), arguments.string("round", method, "common")
  local x = operators.plus(v) + 0.0
  if math.abs(precision) > 300 then fail("round: a precision of %d", precision) end
  local scale = 10.0 ^ precision
  if method == "ceil" then return math.ceil(x * scale) / scale end
  if method == "floor" then return math.floor(x * scale) / scale end
  if precision < 0 then fail("round: a negative precision is not supported") end
  return tonumber((("%%.%df"):format(math.min(precision, 99)):format(x):gsub(",", "."))) + 0.0
end

-- ---- any value ----

function filters.default(_, v, args, named)
  local dflt, falsy = bind("default", { "default_value", "boolean" }, 0, args, named)
  if value.is_undefined(v) or (falsy ~= nil and value.truth(falsy) and not value.truth(v)) then
    if dflt == nil then return "" end
    return dflt
  end
  return v
end
filters.d = filters.default

function filters.length(m, v, args, named)
  bind("length", {}, 0, args, named)
  return value.len(m, v)
end
filters.count = filters.length

-- Attributes only, not a dict's items, as Jinja2.
function filters.attr(m, v, args, named)
  local name = bind("attr", { "name" }, 1, args, named)
  local item = value.kind(v) == "namespace" and value.get(v, name)
  if item == nil or item == false and value.kind(v) ~= "namespace" then return value.undefined(("no attribute '%s'"):format(value.short(show.str(m, name)))) end
  return item
end

function filters.tojson(m, v, args, named)
  local indent, ascii, sort, separators = bind("tojson", { "indent", "ensure_ascii", "sort_keys", "separators" }, 0, args, named)
  local opt = { comma = ", ", colon = ": ", ascii = ascii ~= nil and value.truth(ascii), sort_keys = sort ~= nil and value.truth(sort) }
  if indent ~= nil and indent ~= value.none then
    opt.indent, opt.comma = indent, ","
    if type(indent) ~= "string" then
      local n = arguments.integer("tojson", indent)
      if n > 100 then fail("tojson: an indent of %d is over 100", n) end
      opt.indent = (" "):rep(n)
    end
  end
  if value.is_list(separators) and separators.n == 2 then
    opt.comma, opt.colon = arguments.string("tojson", separators[1]), arguments.string("tojson", separators[2])
  end
  return show.json(m, v, opt)
end

function filters.from_json(m, v, args, named)
  bind("from_json", {}, 0, args, named)
  local s = arguments.string("from_json", v)
  m:make(32 * #s)
  return read_json(s)
end
filters.fromjson = filters.from_json

-- ---- lists ----

-- The items of a value in a table of the caller's own, and their number.
local function copied(m, v)
  local items, n = value.items(m, v)
  m:make(16 * n)
  return table.move(items, 1, n, 1, {}), n
end

function filters.list(m, v, args, named)
  bind("list", {}, 0, args, named)
  return value.list(copied(m, v))
end

function filters.first(m, v, args, named)
  bind("first", {}, 0, args, named)
  local items, n = value.items(m, v)
  if n == 0 then return value.undefined("No first item, sequence was empty.") end
  return items[1]
end

function filters.last(m, v, args, named)
  bind("last", {}, 0, args, named)
  local items, n = value.items(m, v)
  if n == 0 then return value.undefined("No last item, sequence was empty.") end
  return items[n]
end

function filters.reverse(m, v, args, named)
  bind("reverse", {}, 0, args, named)
  local items, n = copied(m, v)
  for i = 1, n // 2 do items[i], items[n + 1 - i] = items[n + 1 - i], items[i] end
  if type(v) == "string" then return table.concat(items) end
  return value.list(items, n)
end

--- The value at a path such as "name" or "function.name" or 0; undefined where there is none.
local function at_path(m, v, path)
  if type(path) ~= "string" then
    local item = value.index(m, v, path)
    if item == nil then return value.undefined("no such item") end
    return item
  end
  m:read(#path)
  for part in path:gmatch("[^.]+") do
    m:work(1)
    local key = part:find("^%d+$") and math.tointeger(tonumber(part)) or part
    local item
    if value.kind(v) == "namespace" then item = value.get(v, key) else item = value.index(m, v, key) end
    if item == nil then return value.undefined(("'%s object' has no attribute '%s'"):format(value.type_name(v), value.short(part))) end
    v = item
  end
  return v
end

function filters.join(m, v, args, named)
  local sep, attribute = bind("join", { "d", "attribute" }, 0, args, named)
  local items, n = copied(m, v)
  for i = 1, n do
    if attribute ~= nil and attribute ~= value.none then items[i] = at_path(m, items[i], attribute) end
    items[i] = show.str(m, items[i])
  end
  return methods.join(m, sep == nil and "" or show.str(m, sep), value.list(items, n))
end

--- Sorts items by keys, stably, by merging; `less` may fail.
local function sorted(m, items, keys, n, descending)
  local order, spare = {}, {}
  for i = 1, n do order[i] = i end
  local width = 1
  while width < n do
    for low = 1, n, 2 * width do
      local middle, high = math.min(low + width, n + 1), math.min(low + 2 * width, n + 1)
      local a, b = low, middle
      for at = low, high - 1 do
        m:work(1)
        local take_b = a >= middle
        if not take_b and b < high then
          local x, y = keys[order[a]], keys[order[b]]
          if descending then take_b = value.less(m, x, y) else take_b = value.less(m, y, x) end
        end
        if take_b then spare[at], b = order[b], b + 1 else spare[at], a = order[a], a + 1 end
      end
    end
    order, spare = spare, order
    width = 2 * width
  end
  local out = {}
  for i = 1, n do out[i] = items[order[i]] end
  return value.list(out, n)
end

-- What is compared: case is not, unless asked for.
local function sort_key(m, v, case_sensitive)
  if type(v) ~= "string" or case_sensitive then return v end
  m:make(#v)
  return text.lower(v)
end

function filters.sort(m, v, args, named)
  local reverse, case, attribute = bind("sort", { "reverse", "case_sensitive", "attribute" }, 0, args, named)
  local items, n = copied(m, v)
  local keys, cased = {}, case ~= nil and value.truth(case)
  for i = 1, n do
    local item = items[i]
    if attribute ~= nil and attribute ~= value.none then item = at_path(m, item, attribute) end
    keys[i] = sort_key(m, item, cased)
  end
  return sorted(m, items, keys, n, reverse ~= nil and value.truth(reverse))
end

function filters.dictsort(m, v, args, named)
  local case, by, reverse = bind("dictsort", { "case_sensitive", "by", "reverse" }, 0, args, named)
  by = arguments.string("dictsort", by, "key")
  if by ~= "key" and by ~= "value" then fail("dictsort: by must be 'key' or 'value'") end
  if not value.is_dict(v) then fail("dictsort: a dict expected, got %s", value.type_name(v)) end
  local items, keys, cased = {}, {}, case ~= nil and value.truth(case)
  m:make(64 * #v.keys)
  for i, key in ipairs(v.keys) do
    items[i] = value.tuple{ key, v.map[key] }
    keys[i] = sort_key(m, by == "key" and key or v.map[key], cased)
  end
  return sorted(m, items, keys, #items, reverse ~= nil and value.truth(reverse))
end

function filters.items(m, v, args, named)
  bind("items", {}, 0, args, named)
  if value.is_undefined(v) then return value.list({}, 0) end
  if not value.is_dict(v) then fail("Can only get item pairs from a mapping.") end
  return methods.dict.items(m, v, { n = 0 })
end

function filters.unique(m, v, args, named)
  local case, attribute = bind("unique", { "case_sensitive", "attribute" }, 0, args, named)
  local items, n = value.items(m, v)
  local seen, out, cased = value.list{}, {}, case ~= nil and value.truth(case)
  for i = 1, n do
    local key = items[i]
    if attribute ~= nil and attribute ~= value.none then key = at_path(m, key, attribute) end
    key = sort_key(m, key, cased)
    if not value.contains(m, seen, key) then
      seen.n = seen.n + 1
      seen[seen.n], out[seen.n] = key, items[i]
    end
  end
  return value.list(out, seen.n)
end

function filters.sum(m, v, args, named)
  local attribute, total = bind("sum", { "attribute", "start" }, 0, args, named)
  if total == nil then total = 0 end
  local items, n = value.items(m, v)
  for i = 1, n do
    local item = items[i]
    if attribute ~= nil and attribute ~= value.none then item = at_path(m, item, attribute) end
    m:work(1)
    total = operators.binary(m, "+", total, item)
  end
  return total
end

local function extreme(name, better)
  filters[name] = function(m, v, args, named)
    local case, attribute = bind(name, { "case_sensitive", "attribute" }, 0, args, named)
    local items, n = value.items(m, v)
    if n == 0 then return value.undefined("No aggregated item, sequence was empty.") end
    local best, best_key
    for i = 1, n do
      local key = items[i]
      if attribute ~= nil and attribute ~= value.none then key = at_path(m, key, attribute) end
      key = sort_key(m, key, case ~= nil and value.truth(case))
      m:work(1)
      if best == nil or better(m, key, best_key) then best, best_key = items[i], key end
    end
    return best
  end
end
extreme("min", function(m, a, b) return value.less(m, a, b) end)
extreme("max", function(m, a, b) return value.less(m, b, a) end)

function filters.batch(m, v, args, named)
  local count, fill = bind("batch", { "linecount", "fill_with" }, 1, args, named)
  count = arguments.integer("batch", count)
  if count < 1 then fail("batch: at least 1 item a batch") end
  local items, n = value.items(m, v)
  local out = {}
  m:make(32 * n)
  for first = 1, n, count do
    local part = table.move(items, first, math.min(first + count - 1, n), 1, {})
    local size = math.min(count, n - first + 1)
    if fill ~= nil and fill ~= value.none then
      m:make_many(count - size, 16)
      while size < count do
        size = size + 1
        part[size] = fill
      end
    end
    out[#out + 1] = value.list(part, size)
  end
  return value.list(out)
end

-- ---- filters that take filters or tests ----

local function rest_of(args, first)
  return table.move(args, first, args.n, 1, { n = math.max(0, args.n - first + 1) })
end

-- As Jinja2: what is false, none for one, has no items here.
local function items_or_none(v)
  return value.truth(v) and v or value.list{}
end

function filters.map(m, v, args, named)
  local items, n = copied(m, items_or_none(v))
  local attribute = named and value.get(named, "attribute")
  local dflt = named and value.get(named, "default")
  local name = args[1]
  if attribute == nil and (type(name) ~= "string" or not filters[name]) then fail("map: no filter named '%s'", name and show.str(m, name) or "") end
  local rest = rest_of(args, 2)
  m:make(16 * rest.n)
  m:enter() -- a filter that is mapped may be `map`
  for i = 1, n do
    m:work(1)
    if attribute ~= nil then
      items[i] = at_path(m, items[i], attribute)
      if dflt ~= nil and value.is_undefined(items[i]) then items[i] = dflt end
    else
      items[i] = filters[name](m, items[i], rest, named)
    end
  end
  m:leave()
  return value.list(items, n)
end

-- Keeps the items whose test (on an attribute, if `by_attribute`) comes out as `wanted`.
local function selector(name, by_attribute, wanted)
  filters[name] = function(m, v, args, named)
    local items, n = value.items(m, items_or_none(v))
    local at = by_attribute and 2 or 1
    if by_attribute and args.n < 1 then fail("%s needs an attribute", name) end
    local test_name = args[at]
    local test = test_name ~= nil and tests[test_name]
    if test_name ~= nil and not test then fail("%s: no test named '%s'", name, show.str(m, test_name)) end
    local rest, out, kept = rest_of(args, at + 1), {}, 0
    m:make(16 * n)
    for i = 1, n do
      local item = by_attribute and at_path(m, items[i], args[1]) or items[i]
      local holds
      if test then holds = test(m, item, rest, named) else holds = value.truth(item) end
      if holds == wanted then
        kept = kept + 1
        out[kept] = items[i]
      end
    end
    return value.list(out, kept)
  end
end
selector("select", false, true)
selector("reject", false, false)
selector("selectattr", true, true)
selector("rejectattr", true, false)

function filters.groupby(m, v, args, named)
  local attribute = bind("groupby", { "attribute" }, 1, args, named)
  local items, n = copied(m, v)
  local keys = {}
  for i = 1, n do keys[i] = sort_key(m, at_path(m, items[i], attribute), false) end
  local all, groups = sorted(m, items, keys, n, false), {}
  for i = 1, n do
    local key = at_path(m, all[i], attribute)
    local last = groups[#groups]
    if last and value.equal(m, last[1], key) then
      last[2].n = last[2].n + 1
      last[2][last[2].n] = all[i]
    else
      groups[#groups + 1] = value.tuple{ key, value.list{ all[i] } }
    end
  end
  return value.list(groups)
end

return M
