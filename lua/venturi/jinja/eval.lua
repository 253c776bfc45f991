--- A tree to functions of Lua: expression(m, scope) -> value, statement(m, scope) -> nil, "break" or "continue".
-- A scope is { vars = name -> value, parent }: bodies of loops, macros and capturing blocks have one of their own, so that what they set is gone
-- when they end, as in Jinja2. `m` is the meter of the rendering, with what is printed in m.out.
local arguments = require "venturi.jinja.arguments"
local filters = require "venturi.jinja.filters"
local functions = require "venturi.jinja.functions"
local lexer = require "venturi.jinja.lexer"
local methods = require "venturi.jinja.methods"
local operators = require "venturi.jinja.operators"
local show = require "venturi.jinja.show"
local tests = require "venturi.jinja.tests"
local value = require "venturi.jinja.value"
local fail, kind, truth = value.fail, value.kind, value.truth

filters.use_tests(tests)
filters = filters.filters

local expression, body_of -- defined below

-- ---- scopes and output ----

local function lookup(scope, name)
  while scope do
    local v = scope.vars[name]
    if v ~= nil then return v end
    scope = scope.parent
  end
  return functions[name] or value.undefined(("'%s' is undefined"):format(value.short(name)))
end

local function inner(scope)
  return { vars = {}, parent = scope }
end

local function print_text(m, s)
  if s == "" then return end
  m.printed = m.printed + #s
  if m.printed > m.output then require("venturi.jinja.meter").fail("VT_ERR_LIMIT", "more than %d bytes of output", m.output) end
  m.out[#m.out + 1] = s
end

--- What a body prints, as a text. Results: it, and the body's word.
local function captured(m, body, scope)
  local out, printed = m.out, m.printed
  m.out, m.printed = {}, 0
  local word = body(m, scope)
  local s = table.concat(m.out)
  m:make(#s)
  m.out, m.printed = out, printed
  return s, word
end

-- ---- attributes, items, calls ----

local function bound(v, name, method)
  return value.func(name, function(m, args, named) return method(m, v, args, named) end)
end

local function missing(v, name)
  name = value.short(name)
  if v == value.none then return value.undefined(("'None' has no attribute '%s'"):format(name)) end
  return value.undefined(("'%s object' has no attribute '%s'"):format(value.type_name(v), name))
end

-- v.name: methods come before items.
local function attribute(v, name)
  local k = kind(v)
  if k == "undefined" then fail("%s", v.hint) end
  local method = methods[k] and methods[k][name]
  if method then return bound(v, name, method) end
  if k == "dict" or k == "namespace" then
    local item = value.get(v, name)
    if item ~= nil then return item end
  end
  return missing(v, name)
end

-- v[key]: items come before methods.
local function item(m, v, key)
  local k = kind(v)
  if k == "undefined" then fail("%s", v.hint) end
  if k == "namespace" then return type(key) == "string" and attribute(v, key) or missing(v, show.str(m, key)) end
  if value.is_undefined(key) and k ~= "dict" then return missing(v, "?") end
  local found
  if not value.is_undefined(key) then found = value.index(m, v, key) end
  if found ~= nil then return found end
  if type(key) == "string" and methods[k] and methods[k][key] then return bound(v, key, methods[k][key]) end
  return missing(v, show.str(m, key))
end

-- Arguments of a call as a function (m, scope) -> args, named.
local function arguments_of(c, node)
  local args, names, values = {}, {}, {}
  for i, arg in ipairs(node.args) do args[i] = expression(c, arg) end
  for i, pair in ipairs(node.named) do names[i], values[i] = pair.name, expression(c, pair.value) end
  local spread = node.spread and expression(c, node.spread)
  local spread_named = node.spread_named and expression(c, node.spread_named)
  local n = #args
  return function(m, scope)
    local list, named = { n = n }, nil
    for i = 1, n do list[i] = args[i](m, scope) end
    if #names > 0 or spread_named then named = value.dict() end
    for i, name in ipairs(names) do value.set(named, name, values[i](m, scope)) end
    if spread then
      local items, count = value.items(m, spread(m, scope))
      m:make(16 * count)
      table.move(items, 1, count, n + 1, list)
      list.n = n + count
    end
    if spread_named then methods.dict.update(m, named, { spread_named(m, scope), n = 1 }) end
    return list, named
  end
end

local function invoke(m, callee, args, named)
  if type(callee) == "table" and callee.call then return callee.call(m, args, named) end
  if value.is_undefined(callee) then fail("%s", callee.hint) end
  fail("'%s' object is not callable", value.type_name(callee))
end

-- ---- expressions ----

local nodes = {}

expression = function(c, node)
  return nodes[node.t](c, node)
end

function nodes.constant(_, node)
  local v = node.value
  return function() return v end
end

function nodes.name(c, node)
  local name = node.name
  if c.uses then c.uses[name] = true end
  return function(_, scope) return lookup(scope, name) end
end

nodes["or"] = function(c, node)
  local left, right = expression(c, node.left), expression(c, node.right)
  return function(m, scope)
    local v = left(m, scope)
    if truth(v) then return v end
    return right(m, scope)
  end
end

nodes["and"] = function(c, node)
  local left, right = expression(c, node.left), expression(c, node.right)
  return function(m, scope)
    local v = left(m, scope)
    if not truth(v) then return v end
    return right(m, scope)
  end
end

nodes["not"] = function(c, node)
  local of = expression(c, node.of)
  return function(m, scope) return not truth(of(m, scope)) end
end

function nodes.cond(c, node)
  local test, yes, no = expression(c, node.test), expression(c, node.yes), node.no and expression(c, node.no)
  return function(m, scope)
    if truth(test(m, scope)) then return yes(m, scope) end
    if no then return no(m, scope) end
    return value.undefined("the inline if-expression has no else")
  end
end

function nodes.compare(c, node)
  local first, steps, pos = expression(c, node.first), {}, node.pos
  for i, step in ipairs(node.ops) do steps[i] = { compare = operators.compare[step.op], operand = expression(c, step.operand) } end
  return function(m, scope)
    local left = first(m, scope)
    for i = 1, #steps do
      local right = steps[i].operand(m, scope)
      m.pos = pos
      if not steps[i].compare(m, left, right) then return false end
      left = right
    end
    return true
  end
end

function nodes.binary(c, node)
  local op, left, right, pos = node.op, expression(c, node.left), expression(c, node.right), node.pos
  return function(m, scope)
    local a = left(m, scope)
    local b = right(m, scope)
    m.pos = pos
    return operators.binary(m, op, a, b)
  end
end

function nodes.concat(c, node)
  local parts = {}
  for i, part in ipairs(node) do parts[i] = expression(c, part) end
  return function(m, scope)
    local texts, size = {}, 0
    for i = 1, #parts do
      texts[i] = show.str(m, parts[i](m, scope))
      size = size + #texts[i]
    end
    m:make(size)
    return table.concat(texts)
  end
end

local function unary(operate)
  return function(c, node)
    local of, pos = expression(c, node.of), node.pos
    return function(m, scope)
      local v = of(m, scope)
      m.pos = pos
      return operate(v)
    end
  end
end
nodes.negate, nodes.plus = unary(operators.negate), unary(operators.plus)

local function sequence(make)
  return function(c, node)
    local parts, n = {}, #node
    for i, part in ipairs(node) do parts[i] = expression(c, part) end
    return function(m, scope)
      m:make(16 * n)
      local items = {}
      for i = 1, n do items[i] = parts[i](m, scope) end
      return make(items, n)
    end
  end
end
nodes.list, nodes.tuple = sequence(value.list), sequence(value.tuple)

function nodes.dict(c, node)
  local keys, values = {}, {}
  for i, key in ipairs(node.keys) do keys[i], values[i] = expression(c, key), expression(c, node.values[i]) end
  return function(m, scope)
    m:make(32 * #keys)
    local dict = value.dict()
    for i = 1, #keys do
      local key = keys[i](m, scope)
      m.pos = node.pos
      value.set(dict, key, values[i](m, scope))
    end
    return dict
  end
end

function nodes.slice(c, node)
  local first, last, step = node.first and expression(c, node.first), node.last and expression(c, node.last), node.step and expression(c, node.step)
  return function(m, scope)
    return value.slice(first and first(m, scope) or value.none, last and last(m, scope) or value.none, step and step(m, scope) or value.none)
  end
end

function nodes.attribute(c, node)
  local of, name, pos = expression(c, node.of), node.name, node.pos
  return function(m, scope)
    local v = of(m, scope)
    m.pos = pos
    return attribute(v, name)
  end
end

function nodes.item(c, node)
  local of, key, pos = expression(c, node.of), expression(c, node.key), node.pos
  return function(m, scope)
    local v = of(m, scope)
    local k = key(m, scope)
    m.pos = pos
    return item(m, v, k)
  end
end

function nodes.call(c, node)
  local of, args_of, pos = expression(c, node.of), arguments_of(c, node), node.pos
  return function(m, scope)
    local callee = of(m, scope)
    local args, named = args_of(m, scope)
    m:work(1)
    m.pos = pos
    return invoke(m, callee, args, named)
  end
end

-- A filter as (m, value, scope) -> value; a name that does not exist is an error of the template, found when it is compiled.
local function filter_of(c, node)
  local filter, args_of, pos = filters[node.name], arguments_of(c, node), node.pos
  if not filter then lexer.unsupported(pos, "there is no filter '%s'", node.name) end
  return function(m, v, scope)
    local args, named = args_of(m, scope)
    m:work(1)
    m.pos = pos
    return filter(m, v, args, named)
  end
end

function nodes.filter(c, node)
  local of, filter = expression(c, node.of), filter_of(c, node)
  return function(m, scope) return filter(m, of(m, scope), scope) end
end

function nodes.test(c, node)
  local test, of, args_of, pos = tests[node.name], expression(c, node.of), arguments_of(c, node), node.pos
  if not test then lexer.unsupported(pos, "there is no test '%s'", node.name) end
  return function(m, scope)
    local v = of(m, scope)
    local args, named = args_of(m, scope)
    m.pos = pos
    return test(m, v, args, named)
  end
end

-- ---- statements ----

local statements = {}

function statements.data(_, node)
  local s = node.text
  return function(m) print_text(m, s) end
end

function statements.output(c, node)
  local of = expression(c, node.of)
  return function(m, scope) print_text(m, show.str(m, of(m, scope))) end
end

statements["do"] = function(c, node)
  local of = expression(c, node.of)
  return function(m, scope) of(m, scope) end
end

statements["break"] = function() return function() return "break" end end
statements["continue"] = function() return function() return "continue" end end

-- A target as (m, scope, value): names, tuples of targets, an attribute of a namespace.
local function target_of(node)
  if node.t == "name" then
    return function(_, scope, v) scope.vars[node.name] = v end
  elseif node.t == "field" then
    return function(m, scope, v)
      local space = lookup(scope, node.name)
      m.pos = node.pos
      if kind(space) ~= "namespace" or space.fixed then fail("cannot assign attribute on non-namespace object") end
      m:make(16)
      value.set(space, node.field, v)
    end
  end
  local parts = {}
  for i, part in ipairs(node) do parts[i] = target_of(part) end
  return function(m, scope, v)
    m.pos = node.pos
    local items, n = value.items(m, v)
    if n ~= #parts then fail("%d values to unpack into %d names", n, #parts) end
    for i = 1, n do parts[i](m, scope, items[i]) end
  end
end

function statements.set(c, node)
  local of, target = expression(c, node.of), target_of(node.target)
  return function(m, scope) target(m, scope, of(m, scope)) end
end

-- Filters one after the other.
local function chain_of(c, list)
  local chain = {}
  for i, filter in ipairs(list) do chain[i] = filter_of(c, filter) end
  return function(m, v, scope)
    for i = 1, #chain do v = chain[i](m, v, scope) end
    return v
  end
end

function statements.set_block(c, node)
  local body, target, chain = body_of(c, node.body), target_of(node.target), chain_of(c, node.filters)
  return function(m, scope)
    local s, word = captured(m, body, inner(scope))
    target(m, scope, chain(m, s, scope))
    return word
  end
end

function statements.filter_block(c, node)
  local body, chain = body_of(c, node.body), chain_of(c, node.filters)
  return function(m, scope)
    local s, word = captured(m, body, inner(scope))
    print_text(m, show.str(m, chain(m, s, scope)))
    return word
  end
end

statements["if"] = function(c, node)
  local arms, otherwise = {}, node.otherwise and body_of(c, node.otherwise)
  for i, arm in ipairs(node.arms) do arms[i] = { test = expression(c, arm.test), body = body_of(c, arm.body), weight = arm.weight } end
  return function(m, scope)
    for i = 1, #arms do
      m:work(arms[i].weight)
      if truth(arms[i].test(m, scope)) then return arms[i].body(m, scope) end
    end
    if otherwise then return otherwise(m, scope) end
  end
end

statements["with"] = function(c, node)
  local values, body = {}, body_of(c, node.body)
  for i, v in ipairs(node.values) do values[i] = expression(c, v) end
  return function(m, scope)
    local own = inner(scope)
    for i, name in ipairs(node.names) do own.vars[name] = values[i](m, scope) end
    return body(m, own)
  end
end

function statements.generation(c, node)
  return body_of(c, node.body)
end

-- ---- loops ----

local fields = {
  index = function(l) return l.at end,
  index0 = function(l) return l.at - 1 end,
  revindex = function(l) return l.n - l.at + 1 end,
  revindex0 = function(l) return l.n - l.at end,
  first = function(l) return l.at == 1 end,
  last = function(l) return l.at == l.n end,
  length = function(l) return l.n end,
  depth = function(l) return l.depth end,
  depth0 = function(l) return l.depth - 1 end,
  previtem = function(l) return l.at > 1 and l.items[l.at - 1] or l.at <= 1 and value.undefined("there is no previous item") or false end,
  nextitem = function(l) return l.at < l.n and l.items[l.at + 1] or l.at >= l.n and value.undefined("there is no next item") or false end,
  cycle = function(l)
    return value.func("cycle", function(_, args)
      if args.n == 0 then fail("no items for cycling given") end
      return args[(l.at - 1) % args.n + 1]
    end)
  end,
  changed = function(l)
    return value.func("changed", function(m, args)
      local now = value.tuple(args, args.n)
      local same = l.last_value and value.equal(m, l.last_value, now)
      l.last_value = now
      return not same
    end)
  end,
}

-- The `loop` variable: a namespace whose attributes are computed from the loop's state.
local function loop_value(state)
  local loop = value.namespace()
  loop.fixed = true
  loop.map = setmetatable({}, { __index = function(_, name)
    local field = fields[name]
    if field then return field(state) end
  end })
  return loop
end

-- Items that pass the loop's `if`.
local function filtered(m, scope, items, n, target, test)
  local kept, count = {}, 0
  for i = 1, n do
    m:work(1)
    local own = inner(scope)
    target(m, own, items[i])
    if truth(test(m, own)) then
      count = count + 1
      kept[count] = items[i]
    end
  end
  return kept, count
end

statements["for"] = function(c, node)
  local of, target, test = expression(c, node.of), target_of(node.target), node.test and expression(c, node.test)
  local body, otherwise, weight = body_of(c, node.body), node.otherwise and body_of(c, node.otherwise), node.weight
  local run

  -- Results: the body's word is used up here; what comes out is nothing.
  run = function(m, scope, v, depth)
    m.pos = node.pos
    local items, n = value.items(m, v)
    m:make(16 * n)
    items = table.move(items, 1, n, 1, {}) -- the body may change the list
    if test then items, n = filtered(m, scope, items, n, target, test) end
    if n == 0 then return otherwise and otherwise(m, inner(scope)) end
    local state = { items = items, n = n, depth = depth }
    local loop = loop_value(state)
    if node.recursive then
      loop.call = function(meter, args, named)
        local children = arguments.bind("loop", { "iterable" }, 1, args, named)
        meter:enter()
        local s = captured(meter, function() run(meter, scope, children, depth + 1) end)
        meter:leave()
        return s
      end
    end
    for i = 1, n do
      m:work(weight)
      state.at = i
      local own = inner(scope)
      own.vars.loop = loop
      target(m, own, items[i])
      if body(m, own) == "break" then break end
    end
  end
  return function(m, scope) return run(m, scope, of(m, scope), 1) end
end

-- ---- macros ----

-- Puts arguments into the macro's scope. Extra ones are kept where the body asks for them, and refused elsewhere.
local function bind_parameters(m, macro, own, args, named)
  local parameters, vars = macro.parameters, own.vars
  for i, parameter in ipairs(parameters) do
    local v
    if i <= args.n then v = args[i] end
    if named and named.map[parameter.name] ~= nil then
      if v ~= nil then fail("macro '%s' got two values for '%s'", macro.name, parameter.name) end
      v = named.map[parameter.name]
    end
    if v == nil and parameter.default then v = parameter.default(m, own) end
    if v == nil then v = value.undefined(("parameter '%s' was not provided"):format(parameter.name)) end
    vars[parameter.name] = v
  end
  if args.n > #parameters and not macro.uses.varargs then fail("macro '%s' takes not more than %d arguments", macro.name, #parameters) end
  vars.varargs = value.tuple(table.move(args, #parameters + 1, args.n, 1, {}), math.max(0, args.n - #parameters))
  vars.kwargs = value.dict()
  vars.caller = value.undefined("'caller' is undefined")
  for _, key in ipairs(named and named.keys or {}) do
    if key == "caller" then
      vars.caller = named.map.caller
    elseif not macro.known[key] then
      if not macro.uses.kwargs then fail("macro '%s' takes no keyword argument '%s'", macro.name, tostring(key)) end
      value.set(vars.kwargs, key, named.map[key])
    end
  end
end

-- A macro's compiled parts: { name, parameters, known, uses, body }.
local function macro_of(c, node, name)
  local macro = { name = name, parameters = {}, known = {}, uses = {} }
  local outer = c.uses
  c.uses = macro.uses
  for i, parameter in ipairs(node.parameters) do
    macro.parameters[i] = { name = parameter.name, default = parameter.default and expression(c, parameter.default) }
    macro.known[parameter.name] = true
  end
  macro.body = body_of(c, node.body)
  c.uses = outer
  for used in pairs(outer and macro.uses or {}) do outer[used] = true end
  return macro
end

local function macro_value(macro, scope)
  return value.func(macro.name, function(m, args, named)
    m:enter()
    m:work(1)
    local own = inner(scope)
    bind_parameters(m, macro, own, args, named)
    local s = captured(m, macro.body, own)
    m:leave()
    return s
  end)
end

function statements.macro(c, node)
  local macro = macro_of(c, node, node.name)
  return function(_, scope) scope.vars[node.name] = macro_value(macro, scope) end
end

function statements.call(c, node)
  local caller = macro_of(c, node, "caller")
  local of, args_of, pos = expression(c, node.of.of), arguments_of(c, node.of), node.pos
  return function(m, scope)
    local callee = of(m, scope)
    local args, named = args_of(m, scope)
    named = named or value.dict()
    value.set(named, "caller", macro_value(caller, scope))
    m.pos = pos
    print_text(m, show.str(m, invoke(m, callee, args, named)))
  end
end

-- Statements one after the other; a break or continue ends them.
body_of = function(c, body)
  local list, weights = {}, {}
  for i, node in ipairs(body) do list[i], weights[i] = statements[node.t](c, node), node.weight or 1 end
  local n = #list
  return function(m, scope)
    for i = 1, n do
      m:work(weights[i])
      local word = list[i](m, scope)
      if word then return word end
    end
  end
end

--- Compiles a list of statements.
return function(tree)
  return body_of({ uses = nil }, tree)
end
