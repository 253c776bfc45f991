--- What all modules have: parameters (tensors that require a gradient), buffers (tensors that belong to the state without one) and sub-modules, known
-- by the order and the names in which they were made fields; `forward`, which a call runs.
local vt = require "venturi"

local M = {}

local Module = {}
M.Module = Module

local function is_tensor(v) return type(v) == "userdata" and vt.is_tensor(v) end

--- Is v a module?
function M.is_module(v)
  return type(v) == "table" and rawget(v, "_order") ~= nil
end

local function remember(self, key, value)
  rawset(self, key, value)
  if M.is_module(value) or is_tensor(value) and value.requires_grad then table.insert(self._order, key) end
end

--- class(name): a class of modules. Its `new(self, ...)` makes the fields, its `forward(self, ...)` computes; `parent` is Module by default.
function M.class(name, parent)
  local class = setmetatable({ class_name = name }, {
    __index = parent or Module,
    __call = function(class, ...)
      local self = setmetatable({ _order = {}, _buffers = {}, training = true }, class)
      self:new(...)
      return self
    end,
  })
  class.__index, class.__newindex = class, remember
  class.__call = function(self, ...) return self:forward(...) end
  class.__tostring = function(self) return self:describe() end
  return class
end

--- A parameter by an initializer, or nothing where there is none: f(shape) -> tensor.
function Module:parameter(name, shape, initializer)
  local t = initializer(shape)
  t.requires_grad = true
  self[name] = t
end

--- A tensor of the state that no gradient changes.
function Module:buffer(name, t)
  rawset(self, name, t)
  table.insert(self._order, name)
  self._buffers[name] = true
end

-- Calls visit(module, key, tensor, path) for every tensor, in order.
local function walk(self, prefix, visit)
  for _, key in ipairs(self._order) do
    local value, path = self[key], prefix .. (math.type(key) == "integer" and tostring(key - 1) or key)
    if M.is_module(value) then walk(value, path .. ".", visit)
    elseif value then visit(self, key, value, path) end
  end
end

local function modules(self, visit)
  visit(self)
  for _, key in ipairs(self._order) do
    if M.is_module(self[key]) then modules(self[key], visit) end
  end
end

--- for name, tensor in net:named_parameters() do: in order; a parameter that two modules share comes once.
function Module:named_parameters()
  local list, seen = {}, {}
  walk(self, "", function(module, key, t, path)
    if module._buffers[key] or seen[t] then return end
    seen[t] = true
    list[#list + 1] = { path, t }
  end)
  local i = 0
  return function()
    i = i + 1
    if list[i] then return list[i][1], list[i][2] end
  end
end

--- All parameters, a list.
function Module:parameters()
  local list = {}
  for _, t in self:named_parameters() do list[#list + 1] = t end
  return list
end

--- How many numbers the parameters hold.
function Module:count()
  local n = 0
  for _, t in self:named_parameters() do n = n + t:count() end
  return n
end

--- { name = tensor } of parameters and buffers: the tensors themselves, without history.
function Module:state()
  local state = {}
  walk(self, "", function(_, _, t, path) state[path] = t:detach() end)
  return state
end

--- Copies a state in. Errors name tensors that are missing, left over (unless strict = false) or of other extents; then nothing was changed.
function Module:load_state(state, options)
  local opt = vt.options("load_state", { strict = true }, options)
  local todo, known = {}, {}
  walk(self, "", function(_, _, t, path)
    local from = state[path]
    known[path] = true
    if not from then
      if opt.strict then error(("load_state: '%s' is missing"):format(path), 0) end
      return
    end
    local have, want = table.concat(from.shape, ","), table.concat(t.shape, ",")
    if have ~= want then error(("load_state: '%s' is [%s], it must be [%s]"):format(path, have, want), 0) end
    todo[#todo + 1] = { t, from }
  end)
  for name in pairs(state) do
    if opt.strict and not known[name] then error(("load_state: '%s' belongs to no module"):format(name), 0) end
  end
  vt.no_grad(function()
    for _, pair in ipairs(todo) do pair[1]:copy_(pair[2]) end
  end)
  return self
end

--- Weights as a safetensors file. opt.dtype: "f16" or "bf16" makes floats smaller.
function Module:save(path, options)
  local opt = vt.options("save", { dtype = false }, options)
  local state = self:state()
  for name, t in pairs(state) do
    if opt.dtype and t.dtype:find "^f" then state[name] = t:cast(opt.dtype) end
  end
  vt.save(path, state)
end

function Module:load(path, options) return self:load_state(vt.load(path), options) end

--- train(), train(false) and eval(): whether dropout drops and batch norm takes the batch's statistics.
function Module:train(on)
  modules(self, function(m) rawset(m, "training", on ~= false) end)
  return self
end
function Module:eval() return self:train(false) end

--- Whether gradients are recorded for the parameters: false freezes them.
function Module:requires_grad(on)
  for _, t in self:named_parameters() do t.requires_grad = on end
  return self
end

function Module:zero_grad()
  for _, t in self:named_parameters() do t.grad = nil end
end

--- Parameters and floating buffers in another type; new tensors, so make optimizers after it.
function Module:cast(dtype)
  local made = {}
  walk(self, "", function(module, key, t)
    if not t.dtype:find "^b?f" then return end
    if not made[t] then
      made[t] = t:detach():cast(dtype)
      if made[t] == t or t.dtype == dtype then made[t] = t end
      made[t].requires_grad = t.requires_grad
    end
    rawset(module, key, made[t])
  end)
  return self
end

--- Calls f(module) for this module and all below.
function Module:apply(f)
  modules(self, f)
  return self
end

--- A line about the module itself, behind its class; classes may have their own.
function Module.extra() return "" end

--- The tree of modules with its parameters.
function Module:describe(indent, name)
  indent = indent or ""
  local lines = { indent .. (name and name .. ": " or "") .. self.class_name .. self:extra() }
  for _, key in ipairs(self._order) do
    local label = math.type(key) == "integer" and tostring(key - 1) or key
    local value = self[key]
    if M.is_module(value) then lines[#lines + 1] = value:describe(indent .. "  ", label)
    elseif value then lines[#lines + 1] = ("%s  %s %s[%s]"):format(indent, label, value.dtype, table.concat(value.shape, ",")) end
  end
  return table.concat(lines, "\n")
end

function Module:forward() error(self.class_name .. ": forward is not written", 2) end

return M
