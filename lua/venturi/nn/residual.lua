--- ResBlock(c_in, c_out, { embed = width of a conditioning vector, groups = 8, dropout = 0, kernel = 3 }): GroupNorm, SiLU, convolution twice, with a skip; the
-- vector scales and shifts the second norm; the second convolution begins at 0. Source: Dhariwal and Nichol 2021, section 3 (adaptive group norm).
local vt = require "venturi"
local nn = require "venturi.nn"

local M = {}
M.ResBlock = nn.class "ResBlock"

function M.ResBlock:new(c_in, c_out, options)
  local opt = vt.options("ResBlock", { embed = false, groups = 8, dropout = 0, kernel = 3 }, options)
  local padding = opt.kernel // 2
  self.norm1 = nn.GroupNorm(opt.groups, c_in)
  self.conv1 = nn.Conv2d(c_in, c_out, opt.kernel, { padding = padding })
  if opt.embed then self.embed = nn.Linear(opt.embed, 2 * c_out) end
  self.norm2 = nn.GroupNorm(opt.groups, c_out)
  if opt.dropout > 0 then self.drop = nn.Dropout(opt.dropout) end
  self.conv2 = nn.Conv2d(c_out, c_out, opt.kernel, { padding = padding, init = nn.init.zeros() })
  if c_in ~= c_out then self.skip = nn.Conv2d(c_in, c_out, 1) end
  rawset(self, "c_out", c_out)
end

function M.ResBlock:forward(x, vector)
  local h = self.norm2(self.conv1(self.norm1(x):silu()))
  if self.embed then
    if not vector then error("ResBlock: it was made with embed, so it needs a vector", 2) end
    local e = self.embed(vector:silu()):reshape{ vector.shape[1], 2 * self.c_out, 1, 1 }
    h = h * (e:slice{ dim = 2, start = 0, stop = self.c_out } + 1) + e:slice{ dim = 2, start = self.c_out }
  end
  h = h:silu()
  if self.drop then h = self.drop(h) end
  return (self.skip and self.skip(x) or x) + self.conv2(h)
end

return M
