--- Activations as modules, for Sequential.
local vt = require "venturi"
local class = require("venturi.nn.module").class

local M = {}

local function activation(name, op)
  M[name] = class(name)
  M[name].new = function(self, attributes) rawset(self, "attributes", attributes or {}) end
  M[name].forward = function(self, x) return vt.op[op](x, self.attributes) end
end

activation("ReLU", "relu")
activation("GELU", "gelu") -- { approximate = "tanh" }
activation("SiLU", "silu")
activation("Tanh", "tanh")
activation("Sigmoid", "sigmoid")
activation("LeakyReLU", "leaky_relu") -- { slope = 0.01 }
activation("Softplus", "softplus")
activation("Mish", "mish")

return M
