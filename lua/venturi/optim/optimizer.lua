--- What optimizers share: groups of parameters, their options, states that are saved and come back.
local vt = require "venturi"

local Optimizer = {}
Optimizer.__index = Optimizer

-- A list of parameters, or a list of groups { params = list, lr =, weight_decay =, ... } whose options stand in place of the common ones.
local function groups_of(what, params, common)
  if type(params) ~= "table" or #params == 0 then error(what .. ": a list of parameters is needed", 4) end
  if vt.is_tensor(params[1]) then return { { params = params, options = common } } end
  local groups = {}
  for i, group in ipairs(params) do
    local own = {}
    for key, value in pairs(group) do
      if key ~= "params" then own[key] = value end
    end
    groups[i] = { params = assert(group.params, what .. ": a group without params"), options = vt.options(what, common, own) }
  end
  return groups
end

-- Numbers that make no sense are refused here, not seen as a loss that is no number some steps on.
local function check(what, defaults, options)
  for name, default in pairs(defaults) do
    local v = options[name]
    if type(default) == "number" and (type(v) ~= "number" or v ~= v or v < 0 or v == math.huge) then
      error(("%s: %s must be a number of 0 or more, got %s"):format(what, name, tostring(v)), 3)
    end
  end
  for _, name in ipairs{ "beta1", "beta2", "alpha" } do
    if options[name] and options[name] >= 1 then error(("%s: %s must be below 1"):format(what, name), 3) end
  end
end

--- A class: kind = { name =, defaults = , states = { names } , update = function(param, grad, state, options) }.
function Optimizer.class(kind)
  return function(params, options)
    local common = vt.options(kind.name, kind.defaults, options)
    local self = setmetatable({ kind = kind, groups = groups_of(kind.name, params, common), steps = 0, states = {} }, Optimizer)
    for _, group in ipairs(self.groups) do
      check(kind.name, kind.defaults, group.options)
      for i, p in ipairs(group.params) do
        if not vt.is_tensor(p) then error(("%s: parameter %d is no tensor but %s"):format(kind.name, i, type(p)), 2) end
        if self.states[p] then error(kind.name .. ": a parameter is given twice", 2) end
        local state = {}
        for _, name in ipairs(kind.states) do state[name] = vt.zeros(p.shape, { dtype = p.dtype, device = p.device }) end
        self.states[p] = state
      end
    end
    return self
  end
end

--- One step by the gradients that the parameters have; parameters without one stay. over.lr: in place of every group's, over.lr_scale: times every group's;
-- over.step: the number of the step (from 1) in place of one more than the last. In a captured graph both are variables.
function Optimizer:step(over)
  over = over or {}
  self.steps = math.type(over.step) == "integer" and over.step or self.steps + 1
  local number = over.step or self.steps
  vt.no_grad(function()
    for _, group in ipairs(self.groups) do
      local opt = {}
      for key, value in pairs(group.options) do opt[key] = value end
      if over.lr then opt.lr = over.lr elseif over.lr_scale then opt.lr = opt.lr * over.lr_scale end
      for _, p in ipairs(group.params) do
        local g = p.grad
        if g then self.kind.update(p, g, self.states[p], opt, number) end
      end
    end
  end)
end

function Optimizer:zero_grad()
  for _, group in ipairs(self.groups) do
    for _, p in ipairs(group.params) do p.grad = nil end
  end
end

local function each_state(self, visit)
  local n = 0
  for _, group in ipairs(self.groups) do
    for _, p in ipairs(group.params) do
      for _, name in ipairs(self.kind.states) do visit(("%d.%s"):format(n, name), self.states[p], name) end
      n = n + 1
    end
  end
end

--- { name = tensor } of everything that a later step depends on.
function Optimizer:state()
  local state = { step = vt.tensor({ self.steps }, { dtype = "i64" }) }
  each_state(self, function(name, owner, key) state[name] = owner[key] end)
  return state
end

--- Takes such a state back, of the same parameters in the same order.
function Optimizer:load_state(state)
  each_state(self, function(name, owner, key)
    local from = state[name] or error(("%s: the state has no '%s'"):format(self.kind.name, name), 0)
    if table.concat(from.shape, ",") ~= table.concat(owner[key].shape, ",") then
      error(("%s: '%s' has other extents than the parameter"):format(self.kind.name, name), 0)
    end
  end)
  each_state(self, function(name, owner, key) owner[key]:copy_(state[name]) end)
  self.steps = (state.step or error(self.kind.name .. ": the state has no 'step'", 0)):totable()[1]
end

return Optimizer
