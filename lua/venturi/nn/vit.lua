--- ViT({ size = 8, channels = 1, patch = 2, width = 64, depth = 4, heads = 4, mlp = 4 width, classes = 10, dropout = 0, pool = "cls" | "mean",
-- wta = false }): pictures to logits. Source: Dosovitskiy et al. 2021.
local vt = require "venturi"
local nn = require "venturi.nn"

local M = {}
M.ViT = nn.class "ViT"

function M.ViT:new(options)
  local opt = vt.options("ViT", { size = 8, channels = 1, patch = 2, width = 64, depth = 4, heads = 4, mlp = false, classes = 10, dropout = 0, pool = "cls",
    wta = false }, options)
  if opt.pool ~= "cls" and opt.pool ~= "mean" then error("ViT: pool is 'cls' or 'mean'", 3) end
  local rows = (opt.size // opt.patch) * (opt.size // opt.patch)
  self.patches = nn.PatchEmbedding(opt.channels, opt.width, opt.patch)
  if opt.pool == "cls" then
    rows = rows + 1
    self:parameter("cls", { 1, 1, opt.width }, nn.init.normal(0.02))
  end
  self:parameter("positions", { rows, opt.width }, nn.init.normal(0.02))
  if opt.dropout > 0 then self.drop = nn.Dropout(opt.dropout) end
  self.blocks = nn.ModuleList()
  for _ = 1, opt.depth do
    self.blocks:append(nn.TransformerBlock(opt.width, opt.heads, { mlp = opt.mlp or 4 * opt.width, dropout = opt.dropout, wta = opt.wta }))
  end
  self.norm = nn.LayerNorm(opt.width)
  self.head = nn.Linear(opt.width, opt.classes)
end

function M.ViT:forward(x)
  local h = self.patches(x)
  if self.cls then h = vt.op.cat({ self.cls:expand{ h.shape[1], 1, h.shape[3] }, h }, { dim = 2 }) end
  h = h + self.positions
  if self.drop then h = self.drop(h) end
  for _, block in ipairs(self.blocks) do h = block(h) end
  h = self.norm(h)
  return self.head(self.cls and h:select{ dim = 2, index = 0 } or h:mean{ dims = { 2 } })
end

return M
