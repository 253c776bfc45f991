--- DiT(options): a transformer over the patches of pictures, conditioned by time and class through the scales and shifts of its norms, which begin so that
-- every block is the identity (adaLN-Zero). Source: Peebles and Xie 2023.
--
--     size = 8, channels = 1, out = channels, patch = 2, width = 64, depth = 4, heads = 4, mlp = 4 width
--     classes = 0    labels 0 .. classes - 1; `classes` itself is "none", for guidance. 0: no labels
--     time = { features = 64, low = 1, high = 1000 }
--
-- Called with (x [n, c, size, size], t [n], labels [n]).
local vt = require "venturi"
local nn = require "venturi.nn"

local M = {}

local Block = nn.class "DiTBlock"
function Block:new(width, heads, mlp)
  self.norm1 = nn.LayerNorm(width, { affine = false, eps = 1e-6 })
  self.attn = nn.MultiheadAttention(width, heads)
  self.norm2 = nn.LayerNorm(width, { affine = false, eps = 1e-6 })
  self.mlp = nn.MLP(width, mlp, { approximate = "tanh" })
  self.modulation = nn.Linear(width, 6 * width, { init = nn.init.zeros() })
end
local function modulate(x, shift, scale) return x * (scale + 1) + shift end
function Block:forward(x, vector)
  local width = x.shape[3]
  local all = self.modulation(vector):reshape{ x.shape[1], 1, 6 * width }
  local function part(i) return all:slice{ dim = 3, start = i * width, stop = (i + 1) * width } end
  x = x + part(2) * self.attn(modulate(self.norm1(x), part(0), part(1)))
  return x + part(5) * self.mlp(modulate(self.norm2(x), part(3), part(4)))
end

M.DiT = nn.class "DiT"
function M.DiT:new(options)
  local opt = vt.options("DiT", { size = 8, channels = 1, out = false, patch = 2, width = 64, depth = 4, heads = 4, mlp = false, classes = 0,
    time = { features = 64, low = 1, high = 1000 } }, options)
  local grid = opt.size // opt.patch
  local out = opt.out or opt.channels
  rawset(self, "opt", { grid = grid, patch = opt.patch, out = out, classes = opt.classes })
  self.patches = nn.PatchEmbedding(opt.channels, opt.width, opt.patch)
  self:buffer("positions", nn.positions_2d(grid, grid, opt.width))
  self.time = nn.TimeEmbedding(opt.width, opt.time)
  if opt.classes > 0 then self.labels = nn.Embedding(opt.classes + 1, opt.width, { std = 0.02 }) end
  self.blocks = nn.ModuleList()
  for _ = 1, opt.depth do self.blocks:append(Block(opt.width, opt.heads, opt.mlp or 4 * opt.width)) end
  self.norm = nn.LayerNorm(opt.width, { affine = false, eps = 1e-6 })
  self.modulation = nn.Linear(opt.width, 2 * opt.width, { init = nn.init.zeros() })
  self.last = nn.Linear(opt.width, opt.patch * opt.patch * out, { init = nn.init.zeros() })
end
function M.DiT:forward(x, t, labels)
  local opt = self.opt
  local vector = self.time(t)
  if self.labels then vector = vector + self.labels(labels or error("DiT: it needs labels", 2)) end
  vector = vector:silu()
  local h = self.patches(x) + self.positions
  for _, block in ipairs(self.blocks) do h = block(h, vector) end
  local n, width = h.shape[1], h.shape[3]
  local all = self.modulation(vector):reshape{ n, 1, 2 * width }
  h = self.last(modulate(self.norm(h), all:slice{ dim = 3, start = 0, stop = width }, all:slice{ dim = 3, start = width }))
  -- [n, rows, columns, p, p, c] as [n, c, rows p, columns p]
  return h:reshape{ n, opt.grid, opt.grid, opt.patch, opt.patch, opt.out }:permute{ 1, 6, 2, 4, 3, 5 }
    :reshape{ n, opt.out, opt.grid * opt.patch, opt.grid * opt.patch }
end

return M
