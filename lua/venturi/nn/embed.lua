--- Times, patches and places as vectors.
local vt = require "venturi"
local class = require("venturi.nn.module").class
local Linear = require("venturi.nn.linear").Linear
local Conv2d = require("venturi.nn.conv").Conv2d

local M = {}

--- TimeEmbedding(width, { features = 128, low = 1, high = 1000 }): times [n] as [n, width]: cosines and sines of frequencies from low to high, in geometric
-- steps, then two matrices with SiLU between. Source: Ho et al. 2020.
M.TimeEmbedding = class "TimeEmbedding"
function M.TimeEmbedding:new(width, options)
  local opt = vt.options("TimeEmbedding", { features = 128, low = 1, high = 1000 }, options)
  local half = opt.features // 2
  local frequencies = {}
  for i = 1, half do frequencies[i] = opt.low * (opt.high / opt.low) ^ ((i - 1) / math.max(half - 1, 1)) end
  self:buffer("frequencies", vt.tensor(frequencies, { dtype = "f32" }))
  self.inner = Linear(2 * half, width)
  self.outer = Linear(width, width)
end
function M.TimeEmbedding:forward(t)
  local angles = t:unsqueeze{ dim = -1 } * self.frequencies
  return self.outer(vt.op.silu(self.inner(vt.op.cat({ angles:cos(), angles:sin() }, { dim = -1 }))))
end

--- PatchEmbedding(channels, width, patch): pictures [n, c, h, w] as rows [n, h w / patch^2, width].
M.PatchEmbedding = class "PatchEmbedding"
function M.PatchEmbedding:new(channels, width, patch) self.conv = Conv2d(channels, width, patch, { stride = patch }) end
function M.PatchEmbedding:forward(x)
  return self.conv(x):flatten{ start = 3 }:transpose{ dim0 = 2, dim1 = 3 }
end

--- positions_2d(rows, columns, width): [rows columns, width] of sines and cosines of the row and the column, as MAE and DiT have them.
function M.positions_2d(rows, columns, width)
  if width % 4 ~= 0 then error("positions_2d: the width must be a multiple of 4", 2) end
  local quarter, list = width // 4, {}
  local function put(position)
    for _, f in ipairs{ math.sin, math.cos } do
      for i = 0, quarter - 1 do list[#list + 1] = f(position / 10000 ^ (i / quarter)) end
    end
  end
  for y = 0, rows - 1 do
    for x = 0, columns - 1 do
      put(x)
      put(y)
    end
  end
  return vt.tensor(list, { dtype = "f32" }):reshape{ rows * columns, width }
end

return M
