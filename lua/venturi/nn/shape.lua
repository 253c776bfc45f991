--- Changes of extents as modules.
local class = require("venturi.nn.module").class

local M = {}

local function define(name, new, forward)
  M[name] = class(name)
  M[name].new, M[name].forward = new, forward
end

--- Flatten(): all dims but the first as one.
define("Flatten", function() end, function(_, x) return x:flatten{ start = 2 } end)
--- Upsample(factor, mode = "nearest")
define("Upsample", function(self, factor, mode)
  rawset(self, "factor", factor)
  rawset(self, "mode", mode or "nearest")
end, function(self, x)
  local n = x.ndim
  return x:interpolate{ size = { x.shape[n - 1] * self.factor, x.shape[n] * self.factor }, mode = self.mode }
end)
--- MaxPool2d(kernel, stride = kernel, padding = 0)
define("MaxPool2d", function(self, kernel, stride, padding)
  rawset(self, "attributes", { kernel = kernel, stride = stride, padding = padding })
end, function(self, x) return (x:max_pool2d(self.attributes)) end)
--- AvgPool2d(kernel, stride = kernel, padding = 0)
define("AvgPool2d", function(self, kernel, stride, padding)
  rawset(self, "attributes", { kernel = kernel, stride = stride, padding = padding })
end, function(self, x) return x:avg_pool2d(self.attributes) end)
define("PixelShuffle", function(self, factor) rawset(self, "factor", factor) end, function(self, x) return x:pixel_shuffle(self.factor) end)
define("PixelUnshuffle", function(self, factor) rawset(self, "factor", factor) end, function(self, x) return x:pixel_unshuffle(self.factor) end)

return M
