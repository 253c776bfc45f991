--- Dropout(p): in training 0 with probability p, the rest divided by 1 - p. Which is a function of (net's seed, layer, step).
local class = require("venturi.nn.module").class
local random = require "venturi.nn.random"

local M = {}
M.Dropout = class "Dropout"
function M.Dropout:new(p)
  rawset(self, "p", p or 0.5)
  local seed, stream = random.next_stream()
  rawset(self, "seed", seed * 1000003 + stream)
end
function M.Dropout:forward(x)
  if not self.training or self.p == 0 then return x end
  return x:dropout{ p = self.p, seed = self.seed, stream = random.step() }
end
--- A seed for one call, for operations that have a seed and no stream.
function M.Dropout:next_seed() return random.seed_of(self.seed) end
function M.Dropout:extra() return ("(%g)"):format(self.p) end

return M
