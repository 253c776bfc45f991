--- Chat templates: the part of Jinja2 that models' templates are written in, with trim_blocks and lstrip_blocks on.
-- A template comes with a model file, so it is not trusted: it reads nothing but the variables it is given, and steps, memory, output and depth are
-- bounded. Errors are { code, name, message } with the line and column; docs/manual/chat-templates.md lists what is known.
local eval = require "venturi.jinja.eval"
local lexer = require "venturi.jinja.lexer"
local meters = require "venturi.jinja.meter"
local parse = require "venturi.jinja.parser"
local read_json = require "venturi.jinja.read_json"
local show = require "venturi.jinja.show"
local value = require "venturi.jinja.value"

local M = { none = value.none, defaults = meters.defaults }

local Template = {}
Template.__index = Template

local function guarded(source, meter, f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  local at = type(result) == "table" and result.at or meter and meter.pos or 1
  error(meters.located(result, lexer.where(source, at)), 0)
end

--- Compiles a template once; it may be rendered often.
-- @tparam[opt] table limits as M.defaults
function M.compile(source, limits)
  if type(source) ~= "string" then error("jinja: a template must be a string", 2) end
  local most = meters.new(limits).source
  if #source > most then guarded("", nil, meters.fail, "VT_ERR_LIMIT", "a template of %d bytes, over %d", #source, most) end
  source = lexer.normalise(source)
  local body = guarded(source, nil, function() return eval(parse(source)) end)
  return setmetatable({ source = source, body = body }, Template)
end

--- Renders with these variables: tables with string keys are dicts, others lists; vt.null is none.
-- @tparam[opt] table limits as M.defaults; `now`, in seconds since 1970, is strftime_now's time
function Template:render(variables, limits)
  local own = {}
  for key, v in pairs(limits or {}) do own[key] = v end
  local now = own.now
  own.now = nil
  local meter = meters.new(own)
  meter.now, meter.out, meter.printed = now, {}, 0
  return guarded(self.source, meter, function()
    local scope = { vars = {} }
    for name, v in pairs(variables or {}) do scope.vars[name] = value.from_lua(v) end
    self.body(meter, { vars = {}, parent = scope })
    return table.concat(meter.out)
  end)
end

--- Compiles and renders in one call.
function M.render(source, variables, limits)
  local own = {}
  for key, v in pairs(limits or {}) do own[key] = v end
  own.now = nil
  return M.compile(source, own):render(variables, limits)
end

--- A value of templates from JSON text: unlike vt.json.decode it keeps the order of keys, which templates print.
function M.from_json(text)
  return guarded("", nil, read_json, text)
end

--- A dict from pairs { key, value }, in their order.
function M.dict(pairs_in_order)
  local dict = value.dict()
  for _, pair in ipairs(pairs_in_order) do value.set(dict, pair[1], value.from_lua(pair[2])) end
  return dict
end

--- A value as tojson prints it.
function M.to_json(v)
  return show.json(meters.new(), value.from_lua(v), { comma = ", ", colon = ": " })
end

M.value = value

return M
