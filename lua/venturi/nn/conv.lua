--- Convolutions as modules. Weights begin as PyTorch's do: uniform within 1 / sqrt of what one output is made of.
local vt = require "venturi"
local class = require("venturi.nn.module").class
local init = require "venturi.nn.initializers"

local M = {}

local function define(name, op, n_dims, is_transposed)
  local Conv = class(name)
  M[name] = Conv
  --- (c_in, c_out, kernel, { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, init = , output_padding = 0 }); lists have an item a dim.
  function Conv:new(c_in, c_out, kernel, options)
    local defaults = { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, init = false }
    if is_transposed then defaults.output_padding = 0 end
    local opt = vt.options(name, defaults, options)
    local shape = is_transposed and { c_in, c_out // opt.groups } or { c_out, c_in // opt.groups }
    local fan = shape[2]
    for d = 1, n_dims do
      shape[2 + d] = type(kernel) == "table" and kernel[d] or kernel
      fan = fan * shape[2 + d]
    end
    local bound = 1 / math.sqrt(fan)
    self:parameter("weight", shape, opt.init or init.uniform(bound))
    if opt.bias then self:parameter("bias", { c_out }, opt.init and init.zeros() or init.uniform(bound)) end
    opt.bias, opt.init = nil, nil
    rawset(self, "attributes", opt)
  end
  function Conv:forward(x)
    local a = { b = self.bias }
    for key, value in pairs(self.attributes) do a[key] = value end
    return vt.op[op](x, self.weight, a)
  end
  function Conv:extra() return ("(%s)"):format(table.concat(self.weight.shape, ",")) end
end

define("Conv1d", "conv1d", 1)
define("Conv2d", "conv2d", 2)
define("ConvTranspose1d", "conv_transpose1d", 1, true)
define("ConvTranspose2d", "conv_transpose2d", 2, true)

return M
