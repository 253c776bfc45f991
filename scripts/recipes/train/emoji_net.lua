--- The net of emoji_judge.lua, what it is trained with, and how its pictures are made worse.
local vt = require "venturi"
local nn = vt.nn

local M = {}

--- Judge{ classes =, words =, widths = { 48, 96, 192 } }: pictures [n, 3, 32, 32] in [0, 1] -> features [n, widths[3]]; two heads, names and words, are linear.
-- One residual block at 16x16, 8x8 and 4x4 each; features are means over the last, so that a picture may lie anywhere.
M.Judge = nn.class "Judge"
function M.Judge:new(options)
  local opt = vt.options("Judge", { classes = false, words = false, widths = { 48, 96, 192 } }, options)
  local a, b, c = table.unpack(opt.widths)
  self.body = nn.Sequential{ nn.PixelUnshuffle(2), nn.Conv2d(12, a, 3, { padding = 1 }), nn.ResBlock(a, a), nn.Conv2d(a, b, 3, { stride = 2, padding = 1 }),
    nn.ResBlock(b, b), nn.Conv2d(b, c, 3, { stride = 2, padding = 1 }), nn.ResBlock(c, c), nn.GroupNorm(8, c), nn.SiLU() }
  self.drop = nn.Dropout(0.1)
  self.names = nn.Linear(c, opt.classes)
  self.words = nn.Linear(c, opt.words)
  vt.no_grad(function() self.words.bias:copy_(self.words.bias * 0 - 4) end) -- words are rare
end
function M.Judge:features(x) return self.body(x * 2 - 1):mean{ dims = { 3, 4 } } end
function M.Judge:forward(x)
  local f = self.drop(self:features(x))
  return self.names(f), self.words(f)
end

-- Words that say nothing of a picture by themselves; so do letters and digits.
local empty = { ["and"] = true, ["at"] = true, ["in"] = true, ["of"] = true, ["on"] = true, ["or"] = true, ["out"] = true, ["over"] = true, ["the"] = true, ["to"] = true,
  ["with"] = true, ["without"] = true, ["not"] = true, ["for"] = true, ["from"] = true, ["by"] = true, ["no"] = true, ["off"] = true }

--- The words of an item, those of its name and of its keywords, each once.
function M.words_of(item)
  local seen, list = {}, {}
  for _, text in ipairs{ item.name, table.unpack(item.keywords) } do
    for _, word in ipairs(vt.data.words.tokens(text)) do
      if not seen[word] and not empty[word] and #word > 1 then seen[word], list[#list + 1] = true, word end
    end
  end
  return list
end

--- [n, words] f32, 1 where an item has a word of the vocabulary.
function M.targets(items, vocabulary)
  local n, rows = #vocabulary.words, {}
  for i, item in ipairs(items) do
    local row = {}
    for k = 1, n do row[k] = 0 end
    for _, word in ipairs(M.words_of(item)) do
      if vocabulary.id[word] then row[vocabulary.id[word] + 1] = 1 end
    end
    rows[i] = row
  end
  return vt.tensor(rows, { dtype = "f32" })
end

--- [n] f32: 1 where a picture may be mirrored, 0 where its mirror image is nearly another picture (arrows, hands, moons, clocks).
-- x: u8 [n, 3, h, w]; near: mean squared distance of colours in [0, 1]
function M.may_mirror(x, near)
  return vt.no_grad(function()
    local n = x.shape[1]
    local rows = (x:cast("f32") / 255):reshape{ n, -1 }
    local mirrored = (x:flip{ dims = { 4 } }:cast("f32") / 255):reshape{ n, -1 }
    local squares = rows:square():sum{ dims = { 2 } }
    local distance = (squares:unsqueeze{ dim = 1 } + squares:unsqueeze{ dim = 2 } - mirrored:matmul(rows:transpose()) * 2) / rows.shape[2]
    local others = distance + vt.eye(n) * 10 -- its own mirror image does not count
    local own = (rows - mirrored):square():mean{ dims = { 2 } }
    local least = others:amin{ dims = { 2 } }
    -- A picture that is its own mirror image stays what it is.
    return 1 - least:lt(near):logical_and(least:lt(own)):cast("f32")
  end)
end

--- Pictures as a net that draws might leave them: mirrored, soft, tinted, with fine and coarse noise; each by draws of its own.
-- x: [n, 3, h, w] in [0, 1] on white; mirror: [n] of may_mirror; opt: { seed, stream, strength = 1 }
function M.worsen(x, mirror, opt)
  opt = vt.options("worsen", { seed = false, stream = 0, strength = 1 }, opt)
  return vt.no_grad(function()
    local n, h, w, s = x.shape[1], x.shape[3], x.shape[4], opt.strength
    local draws = vt.rand(n, 7, { seed = opt.seed, stream = 3 * opt.stream })
    local function draw(k) return draws[{ {}, k }]:reshape{ n, 1, 1, 1 } end
    local function half(k, most) return (draw(k) * 2 - 1):clamp{ min = 0 } * (most * s) end -- nothing for one half of the pictures
    x = x + (x:flip{ dims = { 4 } } - x) * (draw(1):lt(0.5):cast("f32") * mirror:reshape{ n, 1, 1, 1 })
    local soft = 1 - vt.op.avg_pool2d(1 - x, { kernel = { 3 }, stride = { 1 }, padding = { 1 } }) -- white beyond the edge
    x = x + (soft - x) * half(2, 1):clamp{ max = 1 }
    local coarse = vt.randn(n, 3, 8, 8, { seed = opt.seed, stream = 3 * opt.stream + 1 })
    x = x + vt.op.interpolate(coarse, { size = { h, w }, mode = "bilinear" }) * half(3, 0.15)
    x = x + vt.randn(n, 3, h, w, { seed = opt.seed, stream = 3 * opt.stream + 2 }) * half(4, 0.12)
    x = x + (draws[{ {}, { 5, 7 } }]:reshape{ n, 3, 1, 1 } - 0.5) * (0.12 * s)
    return x:clamp{ min = 0, max = 1 }
  end)
end

return M
