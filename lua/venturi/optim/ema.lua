--- EMA(net, { decay = 0.999, ramp = true }): a moving average of a net's parameters (buffers are copied). ramp: the decay is at most (1 + t) / (10 + t) at
-- update t, so that it forgets the beginning. `ema:update()` after a step; `ema:swap()` exchanges average and net, twice is as before.
local vt = require "venturi"

local EMA = {}
EMA.__index = EMA

function EMA:update(over)
  self.updates = self.updates + 1
  local rate = over and over.rate or self:rate(self.updates)
  vt.no_grad(function()
    for name, t in pairs(self.net:state()) do
      local mean = self.mean[name]
      if self.is_parameter[name] then vt.op.lerp(mean, t, rate, { out = mean }) else mean:copy_(t) end
    end
  end)
end

--- The rate that update number n (from 1) takes: 1 - decay. For captured steps, where it is a variable.
function EMA:rate(n)
  return 1 - (self.ramp and math.min(self.decay, (1 + n) / (10 + n)) or self.decay)
end

--- { name = tensor }, for load_state and save.
function EMA:state()
  local state = { ["ema.updates"] = vt.tensor({ self.updates }, { dtype = "i64" }) }
  for name, t in pairs(self.mean) do state[name] = t end
  return state
end

function EMA:load_state(state)
  for name, t in pairs(self.mean) do t:copy_(state[name] or error(("EMA: the state has no '%s'"):format(name), 0)) end
  self.updates = (state["ema.updates"] or error("EMA: the state has no 'ema.updates'", 0)):totable()[1]
end

function EMA:swap()
  vt.no_grad(function()
    for name, t in pairs(self.net:state()) do
      local was = t:copy()
      t:copy_(self.mean[name])
      self.mean[name]:copy_(was)
    end
  end)
end

return {
  EMA = function(net, options)
    local opt = vt.options("EMA", { decay = 0.999, ramp = true }, options)
    if type(opt.decay) ~= "number" or not (opt.decay >= 0 and opt.decay <= 1) then error("EMA: decay must be from 0 to 1", 2) end
    local self = setmetatable({ net = net, decay = opt.decay, ramp = opt.ramp, updates = 0, mean = {}, is_parameter = {} }, EMA)
    for name, t in pairs(net:state()) do self.mean[name] = t:copy() end
    for name in net:named_parameters() do self.is_parameter[name] = true end
    return self
  end,
}
