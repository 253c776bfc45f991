--- UNet(options): pictures [n, c, h, w] and times [n] to pictures, as diffusion models use it. Source: Ho et al. 2020; Dhariwal and Nichol 2021.
--
--     channels = 3, out = channels     of the pictures
--     widths = { 64, 128, 192 }        of the levels, each half the size of the one before
--     down = 1, middle = 2             residual blocks a level going down, in the middle
--     up = down + 1                    a level going up: each skip takes one, so it cannot be fewer
--     self_down = {}, self_up = {}     levels (from 1) with self-attention on the way down and up; `middle_attention = true` between the middle's blocks
--     cross_down = {}, cross_up = {}   levels with attention to the rows of a text, of width `context`
--     head_width = 16, embed = 256     width of a head; of the vector that time and condition become
--     unshuffle = 1                    pictures are first folded so that f x f pixels are one with f^2 as many channels
--     condition = false                width of a vector [n, condition] that is added to the time's
--     groups = 8, dropout = 0, time = { features = 128, low = 1, high = 1000 }
--
-- Called with (x, t, { condition =, context = [n, rows, width], context_bias = }).
local vt = require "venturi"
local nn = require "venturi.nn"

local M = {}

--- Attention between the pixels of a picture, and from them to the rows of a context.
local Pixels = nn.class "PixelAttention"
function Pixels:new(width, heads, groups, has_self, context)
  if has_self then
    self.norm = nn.GroupNorm(groups, width)
    self.attn = nn.MultiheadAttention(width, heads)
  end
  if context then
    self.norm_cross = nn.GroupNorm(groups, width)
    self.cross = nn.MultiheadAttention(width, heads, { context_width = context })
  end
end
function Pixels:forward(x, given)
  local s = x.shape
  local function over_rows(norm, attn, options)
    local rows = norm(x):reshape{ s[1], s[2], s[3] * s[4] }:transpose{ dim0 = 2, dim1 = 3 }
    return x + attn(rows, options):transpose{ dim0 = 2, dim1 = 3 }:reshape(s)
  end
  if self.attn then x = over_rows(self.norm, self.attn) end
  if self.cross then x = over_rows(self.norm_cross, self.cross, { context = given.context, bias = given.context_bias }) end
  return x
end

local UNet = nn.class "UNet"
M.UNet = UNet

local function set_of(list)
  local set = {}
  for _, level in ipairs(list) do set[level] = true end
  return set
end

local function make_level(self, opt, c_in, c_out, has_self, has_cross)
  local level = nn.ModuleList{ nn.ResBlock(c_in, c_out, self.block) }
  if has_self or has_cross then
    if c_out % opt.head_width ~= 0 then error(("UNet: a width of %d in heads of %d"):format(c_out, opt.head_width), 4) end
    level:append(Pixels(c_out, c_out // opt.head_width, opt.groups, has_self, has_cross and opt.context))
  end
  return level
end

function UNet:new(options)
  local opt = vt.options("UNet", { channels = 3, out = false, widths = { 64, 128, 192 }, down = 1, middle = 2, up = false, self_down = {}, self_up = {},
    middle_attention = true, cross_down = {}, cross_up = {}, context = false, head_width = 16, embed = 256, unshuffle = 1, condition = false, groups = 8, dropout = 0,
    time = {} }, options)
  if (#opt.cross_down > 0 or #opt.cross_up > 0) and not opt.context then error("UNet: attention to a text needs `context`, the width of its rows", 3) end
  rawset(self, "block", { embed = opt.embed, groups = opt.groups, dropout = opt.dropout })
  rawset(self, "unshuffle", opt.unshuffle)
  local fold, n_up = opt.unshuffle * opt.unshuffle, opt.up or opt.down + 1
  if n_up < opt.down + 1 then error(("UNet: up = %d blocks cannot take the %d skips of a level"):format(n_up, opt.down + 1), 3) end
  local down_self, up_self, down_cross, up_cross = set_of(opt.self_down), set_of(opt.self_up), set_of(opt.cross_down), set_of(opt.cross_up)
  local w, last = opt.widths, #opt.widths

  self.time = nn.TimeEmbedding(opt.embed, opt.time)
  if opt.condition then self.condition = nn.Linear(opt.condition, opt.embed) end
  self.first = nn.Conv2d(opt.channels * fold, w[1], 3, { padding = 1 })
  local skips, c = { w[1] }, w[1]
  self.down = nn.ModuleList()
  for i = 1, last do
    for _ = 1, opt.down do
      self.down:append(make_level(self, opt, c, w[i], down_self[i], down_cross[i]))
      c = w[i]
      skips[#skips + 1] = c
    end
    if i < last then
      self.down:append(nn.ModuleList{ nn.Conv2d(c, c, 3, { stride = 2, padding = 1 }) })
      skips[#skips + 1] = c
    end
  end
  self.middle = nn.ModuleList()
  for i = 1, opt.middle do
    self.middle:append(make_level(self, opt, c, c, opt.middle_attention and i < opt.middle, opt.middle_attention and i < opt.middle and opt.context))
  end
  self.up = nn.ModuleList()
  for i = last, 1, -1 do
    for j = 1, n_up do
      local skip = j > n_up - (opt.down + 1) and table.remove(skips) or 0
      self.up:append(make_level(self, opt, c + skip, w[i], up_self[i], up_cross[i]))
      rawset(self.up[#self.up], "takes_skip", skip > 0)
      c = w[i]
    end
    if i > 1 then
      self.up:append(nn.ModuleList{ nn.Conv2d(c, w[i - 1], 1) })
      rawset(self.up[#self.up], "grows", true)
      c = w[i - 1]
    end
  end
  self.norm = nn.GroupNorm(opt.groups, c)
  self.last = nn.Conv2d(c, (opt.out or opt.channels) * fold, 3, { padding = 1, init = nn.init.zeros() })
end

local function run_level(level, x, vector, given)
  x = level[1](x, vector)
  return level[2] and level[2](x, given) or x
end

function UNet:forward(x, t, options)
  local given = options or {}
  local vector = self.time(t)
  if self.condition then vector = vector + self.condition(given.condition or error("UNet: it needs { condition = }", 2)) end
  if self.unshuffle > 1 then x = x:pixel_unshuffle(self.unshuffle) end
  local h = self.first(x)
  local skips = { h }
  for _, level in ipairs(self.down) do
    h = run_level(level, h, vector, given)
    skips[#skips + 1] = h
  end
  for _, level in ipairs(self.middle) do h = run_level(level, h, vector, given) end
  for _, level in ipairs(self.up) do
    if level.grows then
      h = level[1](h:interpolate{ size = { h.shape[3] * 2, h.shape[4] * 2 } })
    else
      if level.takes_skip then h = vt.op.cat({ h, table.remove(skips) }, { dim = 2 }) end
      h = run_level(level, h, vector, given)
    end
  end
  h = self.last(self.norm(h):silu())
  return self.unshuffle > 1 and h:pixel_shuffle(self.unshuffle) or h
end

return M
