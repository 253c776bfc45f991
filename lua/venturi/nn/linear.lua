--- Matrices as modules.
local vt = require "venturi"
local class = require("venturi.nn.module").class
local init = require "venturi.nn.initializers"
local random = require "venturi.nn.random"
local wta = require "venturi.nn.wta"

local M = {}

--- Linear(n_in, n_out, { bias = true, init =, wta = false }): x w^T + b for x [.., n_in]; weight [n_out, n_in].
-- Begins as PyTorch's does: uniform within 1 / sqrt(n_in). wta: keeps some rows for the way back (venturi.nn.wta).
M.Linear = class "Linear"
function M.Linear:new(n_in, n_out, options)
  local opt = vt.options("Linear", { bias = true, init = false, wta = false }, options)
  local bound = 1 / math.sqrt(n_in)
  self:parameter("weight", { n_out, n_in }, opt.init or init.uniform(bound))
  if opt.bias then self:parameter("bias", { n_out }, opt.init and init.zeros() or init.uniform(bound)) end
  rawset(self, "wta", wta.options(opt.wta))
  if not self.wta then return end
  local seed, stream = random.next_stream()
  rawset(self, "wta_seed", seed * 1000003 + stream)
  if self.wta.samples > 0 then self:buffer("sample_norms", vt.zeros(self.wta.samples, { dtype = "f64" })) end
end
--- How many of n rows are kept for the way back.
function M.Linear:rows_kept(n)
  local opt = self.wta
  return opt and math.min(n, math.max(opt.least, math.ceil(opt.keep * n))) or n
end
function M.Linear:forward(x)
  local n = x:count() // x.shape[x.ndim]
  if self.wta and self.training and self.weight.requires_grad and vt.grad_mode() and self:rows_kept(n) < n then return wta.linear(self, x) end
  return vt.op.linear(x, self.weight, self.bias)
end
function M.Linear:extra()
  return ("(%d, %d%s)"):format(self.weight.shape[2], self.weight.shape[1], self.wta and (", %s %g"):format(self.wta.method, self.wta.keep) or "")
end

--- Embedding(n, width): rows of weight [n, width] by indices (from 0). Begins normal, with standard deviation opt.std.
M.Embedding = class "Embedding"
function M.Embedding:new(n, width, options)
  local opt = vt.options("Embedding", { std = 1 }, options)
  self:parameter("weight", { n, width }, init.normal(opt.std))
end
function M.Embedding:forward(index) return vt.op.embedding(self.weight, index) end
function M.Embedding:extra() return ("(%d, %d)"):format(self.weight.shape[1], self.weight.shape[2]) end

return M
