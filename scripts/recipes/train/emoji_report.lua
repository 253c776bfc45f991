--- What emoji_judge.lua says of its net: tables, a chart, and the facts that lie beside the saved graph.
local vt = require "venturi"
local study = require "study"
local judge = require "emoji_net"
local measures = require "emoji_measures"

local M = {}
local Report = {}
Report.__index = Report

--- new(opt, { look = function of pictures -> logits, words, features; focus, vocabulary, temperature })
function M.new(opt, parts)
  return setmetatable({ opt = opt, parts = parts, figures = {}, bars = { names = {}, first = { {}, {} }, five = { {}, {} } } }, Report)
end

local function percent(m) return ("%.1f (%.1f to %.1f)"):format(100 * m.mean, 100 * m.low, 100 * m.high) end

-- Mean over the draws of each picture, which are no new pictures.
local function per_picture(hits, pictures)
  return hits:reshape{ -1, pictures }:mean{ dims = { 1 } }
end

-- What stands below a bar.
local short = { ["Noto, held out of the body"] = "held out", ["moved by (3, 2)"] = "moved", ["24 pixels in a corner, mirrored"] = "corner, mirrored",
  ["soft (mean of 3x3)"] = "soft", ["noise of 0.1"] = "noise", ["draws as in training"] = "draws" }

-- A row of the table, and a bar of the chart.
function Report:row(rows, name, logits, classes, pictures)
  local first, five = measures.hits(logits, classes, 1), measures.hits(logits, classes, 5)
  local n, draws = pictures or logits.shape[1], 1
  if n < logits.shape[1] then
    draws = logits.shape[1] // n
    first, five = measures.bootstrap(per_picture(first, n)), measures.bootstrap(per_picture(five, n))
  else
    first, five = measures.share(first:sum():item(), n), measures.share(five:sum():item(), n)
  end
  rows[#rows + 1] = { name, ("%d x %d"):format(n, draws), percent(first), percent(five) }
  self.figures[#self.figures + 1] = { measure = "names: " .. name, pictures = n, draws = draws, top1 = first, top5 = five }
  local bars = self.bars
  table.insert(bars.names, short[name] or name)
  for k, m in pairs{ first = first, five = five } do
    table.insert(bars[k][1], 100 * m.mean)
    table.insert(bars[k][2], 50 * (m.high - m.low))
  end
end

-- Pictures at three quarters of their size in a corner, mirrored where that is no other picture: how sources of edits lie.
local function in_a_corner(x, mirror)
  local n = x.shape[1]
  local small = vt.op.interpolate(x, { size = { 24, 24 }, mode = "bilinear" }):pad{ pads = { 0, 8, 8, 0 }, value = 1 }
  return small + (small:flip{ dims = { 4 } } - small) * mirror:reshape{ n, 1, 1, 1 }
end

local function shifted(x, right, down)
  return x:pad{ pads = { 4, 4, 4, 4 }, value = 1 }:slice{ dim = 3, start = 4 - down, stop = 36 - down }:slice{ dim = 4, start = 4 - right, stop = 36 - right }:copy()
end

local function soft(x) return 1 - vt.op.avg_pool2d(1 - x, { kernel = { 3 }, stride = { 1 }, padding = { 1 } }) end
local function noisy(x, std) return (x + vt.randn(x.shape, { seed = 9, std = std })):clamp{ min = 0, max = 1 } end

--- Names of the focus set: clean, changed in one way at a time, and draws { logits, classes } as in training from another seed; OpenMoji's drawings of the same
-- things, which no training saw.
function Report:names(draws)
  local focus, look, rows = self.parts.focus, self.parts.look, { { "pictures", "n", "top 1, %", "top 5, %" } }
  local x, mirror, classes = focus.fields.x:cast("f32") / 255, focus.fields.mirror, vt.arange(focus.count)
  local clean = (look(x))
  self:row(rows, "Noto", clean, classes)
  local held = {}
  for i, it in ipairs(focus.items) do
    if it.held_out then held[#held + 1] = i - 1 end
  end
  held = vt.tensor(held, { dtype = "i64" })
  self:row(rows, "Noto, held out of the body", clean[held], held)
  self:row(rows, "moved by (3, 2)", (look(shifted(x, 3, 2))), classes)
  self:row(rows, "24 pixels in a corner, mirrored", (look(in_a_corner(x, mirror))), classes)
  self:row(rows, "soft (mean of 3x3)", (look(soft(x))), classes)
  self:row(rows, "noise of 0.1", (look(noisy(x, 0.1))), classes)
  self:row(rows, "draws as in training", draws[1], draws[2], focus.count)
  local index = {}
  for i, it in ipairs(focus.items) do index[it.code] = i - 1 end
  local other, ids = vt.data.load("emoji", { source = "openmoji", focus = true }), {}
  for i, it in ipairs(other.items) do ids[i] = index[it.code] or vt.fail("VT_ERR_NOT_FOUND", it.code .. " is not among Noto's") end
  ids = vt.tensor(ids, { dtype = "i64" })
  local foreign = (look(other.fields.x:cast("f32") / 255))
  self:row(rows, "OpenMoji", foreign, ids)
  print("\nnames of the focus set; 95 % intervals in brackets")
  study.table(rows)

  local t, list = self.parts.temperature, { { "calibration error, %", "without temperature", "with" } }
  for _, case in ipairs{ { "draws as in training", draws[1], draws[2] }, { "OpenMoji", foreign, ids } } do
    local without, with = measures.calibration(case[2], case[3], 1), measures.calibration(case[2], case[3], t)
    list[#list + 1] = { case[1], percent(without), percent(with) }
    self.figures[#self.figures + 1] = { measure = "calibration error: " .. case[1], raw = without, scaled = with }
  end
  print(("\ntemperature %.3f"):format(t))
  study.table(list)
end

--- Words of pictures: { name, data set } each; beside them what the words' frequencies alone would give.
function Report:words(sets)
  local vocabulary, prior = self.parts.vocabulary, {}
  for i, word in ipairs(vocabulary.words) do prior[i] = vocabulary.counts[word] end
  prior = vt.tensor(prior, { dtype = "f32" })
  local rows = { { "words", "pictures", "mean average precision, %", "of the first 5 right, %", "by frequency alone: map", "first 5" } }
  local odds = { { "words with more than even odds", "how many", "mean probability, %", "right, %" } }
  for _, set in ipairs(sets) do
    local data = set[2]
    local targets = judge.targets(data.items, vocabulary)
    local _, scores = self.parts.look(data.fields.x:cast("f32") / 255)
    local average, first, without = measures.words(scores, targets, 5)
    local by_prior, prior_first = measures.words(prior:reshape{ 1, -1 }:expand{ data.count, #vocabulary.words }:copy(), targets, 5)
    local a, b = measures.bootstrap(average), measures.bootstrap(first)
    local c, d = measures.bootstrap(by_prior), measures.bootstrap(prior_first)
    rows[#rows + 1] = { set[1], tostring(data.count - without), percent(a), percent(b), percent(c), percent(d) }
    local likely = measures.likely(scores, targets)
    odds[#odds + 1] = { set[1], ("%d"):format(likely.words), ("%.1f"):format(100 * likely.odds), percent(likely) }
    self.figures[#self.figures + 1] = { measure = "words: " .. set[1], pictures = data.count - without, map = a, precision_at_5 = b, prior_map = c,
      prior_precision_at_5 = d, likely = likely }
  end
  print(("\nwords: %d that at least %d pictures of the training have; pictures without one of them are left out"):format(#vocabulary.words, self.opt.at_least))
  study.table(rows)
  print()
  study.table(odds)
end

--- OUT.json and OUT.svg.
function Report:write(graph, training)
  local names = {}
  for i, it in ipairs(self.parts.focus.items) do names[i] = { code = it.code, name = it.name, held_out = it.held_out or nil } end
  local facts = { kind = "venturi judge of pictures", version = 1, input = { 1, 3, 32, 32 }, results = { "names", "words", "features" }, names = names,
    words = self.parts.vocabulary.words, temperature = self.parts.temperature, training = training, figures = self.figures,
    source = "Noto Color Emoji 2.042 (OFL-1.1); names and keywords of Unicode CLDR 41 (Unicode-DFS-2016)" }
  local file = assert(io.open(self.opt.out .. ".json", "w"))
  file:write(vt.json.encode(facts), "\n")
  file:close()
  local bars = self.bars
  study.write(self.opt.out .. ".svg", vt.plot.bars{ title = ("Names of %d emoji: share that is right"):format(self.parts.focus.count), groups = bars.names, width = 1000,
    y = { label = "%", low = 0, high = 100 }, series = { { name = "first", values = bars.first[1], errors = bars.first[2] },
      { name = "first five", values = bars.five[1], errors = bars.five[2] } } })
  print(("graph: %s.graph, %d steps, %.1f MFLOP, %.2f MB of memory"):format(self.opt.out, graph.steps, graph.flops / 1e6, graph.peak_bytes / 2 ^ 20))
end

return M
