--- Matrices as modules.
local vt = require "venturi"
local class = require("venturi.nn.module").class
local init = require "venturi.nn.initializers"

local M = {}

--- Linear(n_in, n_out, { bias = true, init = }): x w^T + b for x [.., n_in]; weight [n_out, n_in].
-- Begins as PyTorch's does: uniform within 1 / sqrt(n_in).
M.Linear = class "Linear"
function M.Linear:new(n_in, n_out, options)
  local opt = vt.options("Linear", { bias = true, init = false }, options)
  local bound = 1 / math.sqrt(n_in)
  self:parameter("weight", { n_out, n_in }, opt.init or init.uniform(bound))
  if opt.bias then self:parameter("bias", { n_out }, opt.init and init.zeros() or init.uniform(bound)) end
end
function M.Linear:forward(x)
  return vt.op.linear(x, self.weight, self.bias)
end
function M.Linear:extra() return ("(%d, %d)"):format(self.weight.shape[2], self.weight.shape[1]) end

--- Embedding(n, width): rows of weight [n, width] by indices (from 0). Begins normal, with standard deviation opt.std.
M.Embedding = class "Embedding"
function M.Embedding:new(n, width, options)
  local opt = vt.options("Embedding", { std = 1 }, options)
  self:parameter("weight", { n, width }, init.normal(opt.std))
end
function M.Embedding:forward(index) return vt.op.embedding(self.weight, index) end
function M.Embedding:extra() return ("(%d, %d)"):format(self.weight.shape[1], self.weight.shape[2]) end

return M
