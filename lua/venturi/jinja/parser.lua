--- Tokens to a tree. A node is { t = kind, pos = byte, ... }; the grammar and its precedences are Jinja2's.
local lexer = require "venturi.jinja.lexer"
local value = require "venturi.jinja.value"

local Parser = {}
Parser.__index = Parser

local MOST_DEPTH = 150 -- of expressions in expressions and blocks in blocks

-- ---- tokens ----

function Parser:kind() return self.tokens.kinds[self.at] end
function Parser:value() return self.tokens.values[self.at] end
function Parser:pos() return self.tokens.places[self.at] end

function Parser:refuse(message, ...)
  lexer.refuse(self:pos(), message, ...)
end

function Parser:unexpected(want)
  local shown = self:kind() == "data" and "text" or tostring(self:value())
  if #shown > 40 then shown = shown:sub(1, 40) .. "..." end
  self:refuse("%s expected, got '%s'", want, shown)
end

function Parser:is(kind, v)
  return self:kind() == kind and (v == nil or self:value() == v)
end

function Parser:is_op(v) return self:is("op", v) end
function Parser:is_name(v) return self:is("name", v) end

--- Takes the token if it is this one.
function Parser:skip(kind, v)
  if not self:is(kind, v) then return false end
  self.at = self.at + 1
  return true
end

function Parser:expect(kind, v)
  if not self:is(kind, v) then self:unexpected(v and "'" .. v .. "'" or "a " .. kind) end
  local token = self:value()
  self.at = self.at + 1
  return token
end

-- A node at the present token; `of` puts it at another node's place. Every node weighs one step when its statement runs.
function Parser:node(t, fields, of)
  self.weight = self.weight + 1
  local node = fields or {}
  node.t, node.pos = t, of and of.pos or self:pos()
  return node
end

function Parser:nest(f, ...)
  self.depth = self.depth + 1
  if self.depth > MOST_DEPTH then self:refuse("nested more than %d deep", MOST_DEPTH) end
  local result = f(self, ...)
  self.depth = self.depth - 1
  return result
end

-- ---- expressions ----

local constants = { ["true"] = true, ["True"] = true, ["false"] = false, ["False"] = false, none = value.none, None = value.none }
local reserved = { ["and"] = true, ["or"] = true, ["not"] = true, ["if"] = true, ["else"] = true, ["in"] = true, is = true }

function Parser:expression(no_condition)
  return self:nest(no_condition and self.parse_or or self.parse_condition)
end

function Parser:parse_condition()
  local node = self:parse_or()
  while self:is_name("if") do
    local cond = self:node("cond")
    self.at = self.at + 1
    cond.yes, cond.test = node, self:parse_or()
    if self:skip("name", "else") then cond.no = self:nest(self.parse_condition) end
    node = cond
  end
  return node
end

-- Operands of `word`, from the left.
function Parser:chain(word, parse_operand)
  local left = parse_operand(self)
  while self:is_name(word) do
    local node = self:node(word)
    self.at = self.at + 1
    node.left, node.right = left, parse_operand(self)
    left = node
  end
  return left
end

function Parser:parse_or() return self:chain("or", self.parse_and) end
function Parser:parse_and() return self:chain("and", self.parse_not) end

function Parser:parse_not()
  if not self:is_name("not") then return self:parse_compare() end
  local node = self:node("not")
  self.at = self.at + 1
  node.of = self:nest(self.parse_not)
  return node
end

local comparisons = { ["=="] = true, ["!="] = true, ["<"] = true, ["<="] = true, [">"] = true, [">="] = true }

function Parser:parse_compare()
  local first = self:parse_sum()
  local node
  while true do
    local op
    if self:kind() == "op" and comparisons[self:value()] then
      op = self:value()
    elseif self:is_name("in") then
      op = "in"
    elseif self:is_name("not") and self.tokens.values[self.at + 1] == "in" and self.tokens.kinds[self.at + 1] == "name" then
      op = "not in"
    else
      return node or first
    end
    node = node or self:node("compare", { first = first, ops = {} })
    local step = { op = op, pos = self:pos() }
    self.at = self.at + (op == "not in" and 2 or 1)
    step.operand = self:parse_sum()
    node.ops[#node.ops + 1] = step
  end
end

-- Operators of one level that bind to the left.
local function level(ops, next_level)
  return function(self)
    local left = self[next_level](self)
    while self:kind() == "op" and ops[self:value()] do
      local node = self:node("binary", { op = self:value() })
      self.at = self.at + 1
      node.left, node.right = left, self[next_level](self)
      left = node
    end
    return left
  end
end

Parser.parse_sum = level({ ["+"] = true, ["-"] = true }, "parse_concat")
Parser.parse_product = level({ ["*"] = true, ["/"] = true, ["//"] = true, ["%"] = true }, "parse_power")
Parser.parse_power = level({ ["**"] = true }, "parse_unary")

function Parser:parse_concat()
  local first = self:parse_product()
  if not self:is_op("~") then return first end
  local node = self:node("concat", { first })
  while self:skip("op", "~") do node[#node + 1] = self:parse_product() end
  return node
end

function Parser:parse_unary(no_filter)
  local node
  if self:is_op("-") or self:is_op("+") then
    node = self:node(self:value() == "-" and "negate" or "plus")
    self.at = self.at + 1
    node.of = self:nest(self.parse_unary, true)
  else
    node = self:parse_postfix(self:parse_primary())
  end
  return no_filter and node or self:parse_filters(node)
end

function Parser:parse_primary()
  local kind, v = self:kind(), self:value()
  if kind == "name" and not reserved[v] then
    local node = constants[v] ~= nil and self:node("constant", { value = constants[v] }) or self:node("name", { name = v })
    self.at = self.at + 1
    return node
  elseif kind == "string" then
    local node, parts = self:node("constant"), {}
    while self:kind() == "string" do
      parts[#parts + 1] = self:value()
      self.at = self.at + 1
    end
    node.value = table.concat(parts)
    return node
  elseif kind == "integer" or kind == "float" then
    local node = self:node("constant", { value = v })
    self.at = self.at + 1
    return node
  elseif kind == "op" and v == "(" then
    self.at = self.at + 1
    local node = self:nest(self.parse_tuple, { explicit = true })
    self:expect("op", ")")
    return node
  elseif kind == "op" and v == "[" then
    return self:parse_list()
  elseif kind == "op" and v == "{" then
    return self:parse_dict()
  end
  self:unexpected("an expression")
end

function Parser:parse_list()
  local node = self:node("list")
  self:expect("op", "[")
  while not self:is_op("]") do
    if #node > 0 then self:expect("op", ",") end
    if self:is_op("]") then break end
    node[#node + 1] = self:expression()
  end
  self:expect("op", "]")
  return node
end

function Parser:parse_dict()
  local node = self:node("dict", { keys = {}, values = {} })
  self:expect("op", "{")
  while not self:is_op("}") do
    if #node.keys > 0 then self:expect("op", ",") end
    if self:is_op("}") then break end
    node.keys[#node.keys + 1] = self:expression()
    self:expect("op", ":")
    node.values[#node.values + 1] = self:expression()
  end
  self:expect("op", "}")
  return node
end

-- Expressions between commas: a tuple if there is a comma. opt: explicit (parentheses stand around it), no_condition, targets (names only), stop (a
-- name that ends it).
function Parser:parse_tuple(opt)
  local node, comma = self:node("tuple"), false
  while true do
    if #node > 0 then
      if not self:is_op(",") then break end
      self.at = self.at + 1
      comma = true
    end
    local kind = self:kind()
    if kind == "block_end" or kind == "output_end" or kind == "eof" or self:is_op(")") or (opt.stop and self:is_name(opt.stop)) then break end
    node[#node + 1] = opt.targets and self:parse_target_item() or self:expression(opt.no_condition)
  end
  if #node == 1 and not comma then return node[1] end
  if #node == 0 and not opt.explicit then self:unexpected("an expression") end
  return node
end

function Parser:parse_postfix(node)
  while true do
    if self:is_op(".") then
      self.at = self.at + 1
      if self:kind() == "integer" then
        node = self:node("item", { of = node, key = self:node("constant", { value = self:value() }) })
        self.at = self.at + 1
      else
        node = self:node("attribute", { of = node, name = self:value() })
        self:expect("name")
      end
    elseif self:is_op("[") then
      node = self:parse_item(node)
    elseif self:is_op("(") then
      node = self:parse_call(node)
    else
      return node
    end
  end
end

function Parser:parse_item(of)
  local node = self:node("item", { of = of })
  self:expect("op", "[")
  local items = self:node("tuple")
  repeat items[#items + 1] = self:parse_subscript() until not self:skip("op", ",")
  self:expect("op", "]")
  node.key = #items == 1 and items[1] or items
  return node
end

function Parser:parse_subscript()
  local node, parts, n = self:node("slice"), {}, 1
  while true do
    if self:is_op(":") then
      self.at = self.at + 1
      n = n + 1
      if n > 3 then self:refuse("a slice has three parts at most") end
    elseif self:is_op("]") or self:is_op(",") then
      break
    else
      if parts[n] then self:unexpected("']'") end
      parts[n] = self:expression()
    end
  end
  if n == 1 then return parts[1] or self:unexpected("an index") end
  node.first, node.last, node.step = parts[1], parts[2], parts[3]
  return node
end

-- Arguments in parentheses: node.args (list), node.named (list of { name, value }), node.spread, node.spread_named.
function Parser:parse_arguments(node)
  node.args, node.named = {}, {}
  self:expect("op", "(")
  local first = true
  while not self:is_op(")") do
    if not first then self:expect("op", ",") end
    first = false
    if self:is_op(")") then break end
    if self:skip("op", "*") then
      node.spread = self:expression()
    elseif self:skip("op", "**") then
      node.spread_named = self:expression()
    elseif self:kind() == "name" and self.tokens.kinds[self.at + 1] == "op" and self.tokens.values[self.at + 1] == "=" then
      local name = self:value()
      self.at = self.at + 2
      node.named[#node.named + 1] = { name = name, value = self:expression() }
    else
      if #node.named > 0 then self:refuse("a positional argument after a named one") end
      node.args[#node.args + 1] = self:expression()
    end
  end
  self:expect("op", ")")
  return node
end

function Parser:parse_call(of)
  return self:parse_arguments(self:node("call", { of = of }))
end

function Parser:dotted_name()
  local parts = { self:expect("name") }
  while self:skip("op", ".") do parts[#parts + 1] = self:expect("name") end
  return table.concat(parts, ".")
end

function Parser:parse_filter(of)
  local node = self:node("filter", { of = of })
  node.name = self:dotted_name()
  if self:is_op("(") then return self:parse_arguments(node) end
  node.args, node.named = {}, {}
  return node
end

function Parser:parse_filters(node)
  while true do
    if self:skip("op", "|") then
      node = self:parse_filter(node)
    elseif self:is_name("is") then
      self.at = self.at + 1
      node = self:parse_test(node)
    elseif self:is_op("(") then
      node = self:parse_call(node)
    else
      return node
    end
  end
end

function Parser:parse_test(of)
  local negated = self:skip("name", "not")
  local node = self:node("test", { of = of })
  node.name = self:dotted_name()
  local kind, v = self:kind(), self:value()
  if self:is_op("(") then
    self:parse_arguments(node)
  else
    node.args, node.named = {}, {}
    if (kind == "name" and not reserved[v]) or kind == "string" or kind == "integer" or kind == "float" or (kind == "op" and (v == "[" or v == "{")) then
      node.args[1] = self:parse_postfix(self:parse_primary())
    end
  end
  return negated and self:node("not", { of = node }, node) or node
end

-- ---- statements ----

-- Nodes up to a block that begins with one of the names in `ends`, which is left at its name; ends nil: to the end of the template.
function Parser:parse_body(ends)
  local body = {}
  while true do
    local kind = self:kind()
    if kind == "data" then
      body[#body + 1] = self:node("data", { text = self:value() })
      self.at = self.at + 1
    elseif kind == "output_begin" then
      self.at = self.at + 1
      local before, node = self.weight, self:node("output")
      node.of = self:parse_tuple{}
      node.weight = self.weight - before
      self:expect("output_end")
      body[#body + 1] = node
    elseif kind == "block_begin" then
      self.at = self.at + 1
      if ends and self:kind() == "name" and ends[self:value()] then return body end
      local node = self:nest(self.parse_statement)
      if node then body[#body + 1] = node end
    else
      if ends then
        local names = {}
        for name in pairs(ends) do names[#names + 1] = "'" .. name .. "'" end
        table.sort(names)
        self:refuse("%s is missing", table.concat(names, " or "))
      end
      return body
    end
  end
end

local statements = {}

function Parser:parse_statement()
  local name = self:kind() == "name" and self:value() or self:unexpected("the name of a statement")
  local parse = statements[name]
  if name == "elif" or name == "else" or name:find("^end") then self:refuse("unexpected '%s'", name) end
  if not parse then lexer.unsupported(self:pos(), "the statement '%s' is not supported", name) end
  local before, node = self.weight, self:node(name)
  self.at = self.at + 1
  node = parse(self, node)
  if node then node.weight = node.weight or self.weight - before end
  return node
end

-- Ends a block: {% endname %}
function Parser:finish(name)
  self:expect("name", name)
  self:expect("block_end")
end

function Parser:body_until(...)
  self:expect("block_end")
  local ends = {}
  for _, name in ipairs{ ... } do ends[name] = true end
  return self:parse_body(ends)
end

-- Weight of what was parsed since `before`, without the bodies that weigh by themselves.
local function weigh(self, node, before)
  node.weight = self.weight - before + 1
  return node
end

function Parser:parse_target_item()
  if self:skip("op", "(") then
    local node = self:nest(self.parse_tuple, { targets = true, explicit = true })
    self:expect("op", ")")
    return node
  end
  if self:kind() ~= "name" or reserved[self:value()] or constants[self:value()] ~= nil then self:unexpected("a name") end
  local node = self:node("name", { name = self:value() })
  self.at = self.at + 1
  return node
end

statements["for"] = function(self, node)
  local before = self.weight
  node.target = self:parse_tuple{ targets = true, stop = "in" }
  self:expect("name", "in")
  node.of = self:parse_tuple{ no_condition = true, stop = "recursive" }
  if self:skip("name", "if") then node.test = self:expression() end
  node.recursive = self:skip("name", "recursive")
  weigh(self, node, before)
  self.loops = self.loops + 1
  node.body = self:body_until("endfor", "else")
  self.loops = self.loops - 1
  if self:skip("name", "else") then node.otherwise = self:body_until("endfor") end
  self:finish("endfor")
  return node
end

statements["if"] = function(self, node)
  node.arms = {}
  local before = self.weight
  repeat
    local arm = { test = self:parse_tuple{ } }
    weigh(self, arm, before)
    arm.body = self:body_until("elif", "else", "endif")
    node.arms[#node.arms + 1] = arm
    before = self.weight
  until not self:skip("name", "elif")
  if self:skip("name", "else") then node.otherwise = self:body_until("endif") end
  self:finish("endif")
  node.weight = 1
  return node
end

statements["set"] = function(self, node)
  local before = self.weight
  if self:kind() == "name" and self.tokens.kinds[self.at + 1] == "op" and self.tokens.values[self.at + 1] == "." then
    node.target = self:node("field", { name = self:value() })
    self.at = self.at + 2
    node.target.field = self:expect("name")
  else
    node.target = self:parse_tuple{ targets = true }
  end
  if self:skip("op", "=") then
    node.of = self:parse_tuple{}
    self:expect("block_end")
    return weigh(self, node, before)
  end
  node.t, node.filters = "set_block", {}
  while self:skip("op", "|") do node.filters[#node.filters + 1] = self:parse_filter() end
  weigh(self, node, before)
  node.body = self:body_until("endset")
  self:finish("endset")
  return node
end

-- Parameters in parentheses: list of { name, default = node or nil }.
function Parser:parse_parameters()
  local list = {}
  self:expect("op", "(")
  while not self:is_op(")") do
    if #list > 0 then self:expect("op", ",") end
    if self:is_op(")") then break end
    local parameter = { name = self:expect("name") }
    if self:skip("op", "=") then
      parameter.default = self:expression()
    elseif #list > 0 and list[#list].default then
      self:refuse("a parameter without a default after one with a default")
    end
    list[#list + 1] = parameter
  end
  self:expect("op", ")")
  return list
end

-- The body of a macro: no loop around it can be left from inside.
function Parser:macro_body(finish)
  local loops = self.loops
  self.loops = 0
  local body = self:body_until(finish)
  self.loops = loops
  self:finish(finish)
  return body
end

statements["macro"] = function(self, node)
  local before = self.weight
  node.name = self:expect("name")
  node.parameters = self:parse_parameters()
  weigh(self, node, before)
  node.body = self:macro_body("endmacro")
  return node
end

statements["call"] = function(self, node)
  local before = self.weight
  node.parameters = self:is_op("(") and self:parse_parameters() or {}
  node.of = self:expression()
  if node.of.t ~= "call" then self:refuse("a call expected") end
  weigh(self, node, before)
  node.body = self:macro_body("endcall")
  return node
end

statements["filter"] = function(self, node)
  local before = self.weight
  node.t, node.filters = "filter_block", { self:parse_filter() }
  while self:skip("op", "|") do node.filters[#node.filters + 1] = self:parse_filter() end
  weigh(self, node, before)
  node.body = self:body_until("endfilter")
  self:finish("endfilter")
  return node
end

statements["with"] = function(self, node)
  local before = self.weight
  node.names, node.values = {}, {}
  while not self:is("block_end") do
    if #node.names > 0 then self:expect("op", ",") end
    node.names[#node.names + 1] = self:expect("name")
    self:expect("op", "=")
    node.values[#node.values + 1] = self:expression()
  end
  weigh(self, node, before)
  node.body = self:body_until("endwith")
  self:finish("endwith")
  return node
end

-- Marks what the assistant said, for training: rendered as if the tags were not there.
statements["generation"] = function(self, node)
  node.body = self:body_until("endgeneration")
  self:finish("endgeneration")
  node.weight = 1
  return node
end

statements["do"] = function(self, node)
  node.of = self:parse_tuple{}
  self:expect("block_end")
  return node
end

local function leave_loop(self, node)
  if self.loops == 0 then self:refuse("'%s' outside of a loop", node.t) end
  self:expect("block_end")
  return node
end
statements["break"], statements["continue"] = leave_loop, leave_loop

--- The tree of a normalised source: a list of statements. Errors carry the byte in `at`.
return function(source)
  local parser = setmetatable({ tokens = lexer.read(source), at = 1, depth = 0, weight = 0, loops = 0 }, Parser)
  return parser:parse_body(nil)
end
