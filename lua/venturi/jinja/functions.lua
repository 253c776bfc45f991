--- Functions that templates may call without being given them: range, namespace, dict, raise_exception, strftime_now.
local arguments = require "venturi.jinja.arguments"
local meters = require "venturi.jinja.meter"
local methods = require "venturi.jinja.methods"
local show = require "venturi.jinja.show"
local value = require "venturi.jinja.value"
local bind, fail = arguments.bind, value.fail

local M = {}

local function define(name, call)
  M[name] = value.func(name, call)
end

define("raise_exception", function(m, args, named)
  local message = show.str(m, (bind("raise_exception", { "message" }, 1, args, named)))
  meters.fail("VT_ERR_INVALID", "%s", message)
end)

define("range", function(m, args, named)
  local first, last, step = bind("range", { "start", "stop", "step" }, 1, args, named)
  first, last, step = arguments.integer("range", first), arguments.integer("range", last), arguments.integer("range", step, 1)
  if not last then first, last = 0, first end
  if step == 0 then fail("range() arg 3 must not be zero") end
  -- In floats: the difference of two integers may be over 2^63.
  local count = step > 0 and (last + 0.0 - first) / step or (first + 0.0 - last) / -(step + 0.0)
  if count > m.range then meters.fail("VT_ERR_LIMIT", "range() of %.0f items, over %d", count, m.range) end
  if count <= 0 then return value.list({}, 0) end -- what is beyond the last integer would begin anew below
  m:make(16 * math.ceil(count))
  local items, n = {}, 0
  for i = first, last + (step > 0 and -1 or 1), step do
    n = n + 1
    items[n] = i
  end
  return value.list(items, n)
end)

local function filled(into, m, args, named)
  local from = args[1]
  if args.n > 1 or (from ~= nil and not value.is_dict(from)) then fail("a dict or named values expected") end
  methods.dict.update(m, into, { from, n = args.n }, named)
  return into
end

define("namespace", function(m, args, named) return filled(value.namespace(), m, args, named) end)
define("dict", function(m, args, named) return filled(value.dict(), m, args, named) end)

-- "%-d" is the C library's way of leaving the zero out, which Lua's os.date does not know.
local function date(format, now)
  local out = format:gsub("%%(%-?)(.)", function(minus, code)
    if not code:find("[aAbBcdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%%]") then fail("strftime_now: unknown conversion %%%s%s", minus, code) end
    local part = os.date("%" .. code, now)
    return minus == "-" and part:gsub("^[0 ]+(.)", "%1") or part
  end)
  return out
end

define("strftime_now", function(m, args, named)
  local format = arguments.string("strftime_now", (bind("strftime_now", { "format" }, 1, args, named)))
  m:make(16 * #format)
  if not (os and os.date) then meters.fail("VT_ERR_UNSUPPORTED", "strftime_now: there is no clock here") end
  return date(format, m.now)
end)

return M
