--- Tests: M.defined(m, v, args, named) -> boolean.
local arguments = require "venturi.jinja.arguments"
local operators = require "venturi.jinja.operators"
local text = require "venturi.jinja.text"
local value = require "venturi.jinja.value"
local bind, kind = arguments.bind, value.kind

local M = {}

local function simple(name, f)
  M[name] = function(m, v, args, named)
    bind("the test " .. name, {}, 0, args, named)
    return f(v, m)
  end
end

simple("defined", function(v) return not value.is_undefined(v) end)
simple("undefined", function(v) return value.is_undefined(v) end)
simple("none", function(v) return v == value.none end)
simple("string", function(v) return type(v) == "string" end)
simple("mapping", function(v) return value.is_dict(v) end)
simple("number", function(v) return type(v) == "number" or type(v) == "boolean" end)
simple("integer", function(v) return math.type(v) == "integer" end)
simple("float", function(v) return math.type(v) == "float" end)
simple("boolean", function(v) return type(v) == "boolean" end)
simple("true", function(v) return v == true end)
simple("false", function(v) return v == false end)
simple("callable", function(v) return kind(v) == "function" end)
simple("odd", function(v, m) return operators.binary(m, "%", v, 2) == 1 end)
simple("even", function(v, m) return operators.binary(m, "%", v, 2) == 0 end)
simple("lower", function(v) return type(v) == "string" and text.is_lower(v) end)
simple("upper", function(v) return type(v) == "string" and text.is_upper(v) end)

local iterable = { list = true, dict = true, string = true, undefined = true }
simple("iterable", function(v) return iterable[kind(v)] or false end)
simple("sequence", function(v) return iterable[kind(v)] or false end)

local function comparison(op, ...)
  local compare = operators.compare[op]
  for _, name in ipairs{ ... } do
    M[name] = function(m, v, args, named)
      return compare(m, v, (bind("the test " .. name, { "other" }, 1, args, named)))
    end
  end
end
comparison("==", "equalto", "eq", "==")
comparison("!=", "ne", "!=")
comparison("<", "lessthan", "lt", "<")
comparison("<=", "le", "<=")
comparison(">", "greaterthan", "gt", ">")
comparison(">=", "ge", ">=")
comparison("in", "in")

function M.sameas(_, v, args, named)
  return rawequal(v, (bind("the test sameas", { "other" }, 1, args, named)))
end

function M.divisibleby(m, v, args, named)
  return operators.binary(m, "%", v, (bind("the test divisibleby", { "num" }, 1, args, named))) == 0
end

return M
