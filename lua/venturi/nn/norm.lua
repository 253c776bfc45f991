--- Norms as modules, with a weight that begins at 1 and a bias that begins at 0 unless affine = false.
local vt = require "venturi"
local class = require("venturi.nn.module").class
local init = require "venturi.nn.initializers"

local M = {}

local function affine(self, width, opt, bias)
  if not opt.affine then return end
  self:parameter("weight", type(width) == "table" and width or { width }, init.ones())
  if bias ~= false then self:parameter("bias", type(width) == "table" and width or { width }, init.zeros()) end
end

--- LayerNorm(width or extents, { eps = 1e-5, affine = true }): over the last dims.
M.LayerNorm = class "LayerNorm"
function M.LayerNorm:new(width, options)
  local opt = vt.options("LayerNorm", { eps = 1e-5, affine = true }, options)
  affine(self, width, opt)
  rawset(self, "n_dims", type(width) == "table" and #width or 1)
  rawset(self, "eps", opt.eps)
end
function M.LayerNorm:forward(x) return vt.op.layer_norm(x, { weight = self.weight, bias = self.bias, n_dims = self.n_dims, eps = self.eps }) end

--- RMSNorm(width, { eps = 1e-6, affine = true })
M.RMSNorm = class "RMSNorm"
function M.RMSNorm:new(width, options)
  local opt = vt.options("RMSNorm", { eps = 1e-6, affine = true }, options)
  affine(self, width, opt, false)
  rawset(self, "eps", opt.eps)
end
function M.RMSNorm:forward(x) return vt.op.rms_norm(x, { weight = self.weight, eps = self.eps }) end

--- GroupNorm(groups, channels, { eps = 1e-5, affine = true })
M.GroupNorm = class "GroupNorm"
function M.GroupNorm:new(groups, channels, options)
  local opt = vt.options("GroupNorm", { eps = 1e-5, affine = true }, options)
  affine(self, channels, opt)
  rawset(self, "groups", groups)
  rawset(self, "eps", opt.eps)
end
function M.GroupNorm:forward(x) return vt.op.group_norm(x, { weight = self.weight, bias = self.bias, groups = self.groups, eps = self.eps }) end

--- InstanceNorm(channels, { eps = 1e-5, affine = false })
M.InstanceNorm = class "InstanceNorm"
function M.InstanceNorm:new(channels, options)
  local opt = vt.options("InstanceNorm", { eps = 1e-5, affine = false }, options)
  affine(self, channels, opt)
  rawset(self, "eps", opt.eps)
end
function M.InstanceNorm:forward(x) return vt.op.instance_norm(x, { weight = self.weight, bias = self.bias, eps = self.eps }) end

--- BatchNorm(channels, { eps = 1e-5, momentum = 0.1, affine = true }): of the batch in training, whose statistics it follows; by those in eval().
M.BatchNorm = class "BatchNorm"
function M.BatchNorm:new(channels, options)
  local opt = vt.options("BatchNorm", { eps = 1e-5, momentum = 0.1, affine = true }, options)
  affine(self, channels, opt)
  self:buffer("running_mean", vt.zeros(channels))
  self:buffer("running_var", vt.ones(channels))
  rawset(self, "eps", opt.eps)
  rawset(self, "momentum", opt.momentum)
end
function M.BatchNorm:forward(x)
  if not self.training then
    return (vt.op.batch_norm(x, { weight = self.weight, bias = self.bias, running_mean = self.running_mean, running_var = self.running_var, training = false,
      eps = self.eps }))
  end
  local y, mean, var = vt.op.batch_norm(x, { weight = self.weight, bias = self.bias, training = true, eps = self.eps })
  vt.no_grad(function()
    local function follow(running, now) running:mul_(1 - self.momentum):add_(now:detach() * self.momentum) end
    follow(self.running_mean, mean)
    follow(self.running_var, var)
  end)
  return y
end

return M
