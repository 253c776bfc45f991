--- Arguments of filters, tests, methods and functions: bound to parameter names, checked for their types.
local value = require "venturi.jinja.value"

local M = {}

--- Binds arguments to parameters; what is not given is nil.
-- @tparam string what as messages name the function
-- @tparam table names of the parameters, in order
-- @tparam integer least how many must be given
function M.bind(what, names, least, args, named)
  if args.n > #names then value.fail("%s takes at most %d arguments, got %d", what, #names, args.n) end
  local bound = table.move(args, 1, args.n, 1, {})
  for _, key in ipairs(named and named.keys or {}) do
    local place
    for i, name in ipairs(names) do
      if name == key then place = i end
    end
    if not place then value.fail("%s has no parameter '%s'", what, tostring(key)) end
    if bound[place] ~= nil then value.fail("%s got two values for '%s'", what, key) end
    bound[place] = named.map[key]
  end
  for i = 1, least do
    if bound[i] == nil then value.fail("%s needs the argument '%s'", what, names[i]) end
  end
  return table.unpack(bound, 1, #names)
end

--- The integer v, or the default where it is nil.
function M.integer(what, v, dflt)
  if v == nil then return dflt end
  if v == true or v == false then return v and 1 or 0 end
  if math.type(v) ~= "integer" then value.fail("%s: an integer expected, got %s", what, value.type_name(v)) end
  return v
end

--- The string v, or the default where it is nil or none.
function M.string(what, v, dflt)
  if v == nil or (v == value.none and dflt ~= nil) then return dflt end
  if value.is_undefined(v) then value.fail("%s", v.hint) end
  if type(v) ~= "string" then value.fail("%s: a string expected, got %s", what, value.type_name(v)) end
  return v
end

return M
