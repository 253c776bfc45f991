-- Judges of pictures: a small one made here, what is refused, and the one that is shipped, with pictures that are drawn here.
local vt = require "venturi"
local t = require "support"

local folder = t.folder()

-- A judge of 2 names and 3 words for pictures of 4x4, `batch` at a time: the first name if a picture is red, the second if it is blue.
local function write(name, batch, facts)
  local w = vt.tensor{ { 9.0, 0.0, -9.0 }, { -9.0, 0.0, 9.0 } }
  local words = vt.tensor{ { 4.0, 0.0, 0.0 }, { 0.0, 4.0, 0.0 }, { 0.0, 0.0, 4.0 } }
  local graph = vt.capture(function(x)
    local f = x:mean{ dims = { 3, 4 } }
    return f:linear(w), f:linear(words) - 2, f
  end, { vt.zeros(batch, 3, 4, 4) })
  graph:save(("%s/%s.graph"):format(folder, name))
  local all = { kind = "venturi judge of pictures", version = 1, input = { batch, 3, 4, 4 }, words = { "warm", "green", "cold" },
    names = { { name = "red square", code = "1F7E5" }, { name = "blue square", code = "1F7E6" } } }
  for key, value in pairs(facts or {}) do all[key] = value end
  local file <close> = assert(io.open(("%s/%s.json"):format(folder, name), "w"))
  file:write(vt.json.encode(all))
  return ("%s/%s.graph"):format(folder, name)
end

local function plain(colours)
  local list = {}
  for i, c in ipairs(colours) do list[i] = vt.tensor(c, { dtype = "f32" }):reshape{ 1, 3, 1, 1 }:expand{ 1, 3, 4, 4 } end
  return vt.op.cat(list, { dim = 1 })
end

t.test("names and words of pictures, the likeliest first, whatever the graph's batch", function()
  local x = plain{ { 1, 0, 0 }, { 0, 0, 1 }, { 1, 0, 0 } }
  local seen
  for _, batch in ipairs{ 1, 2, 3, 8 } do
    local judge = vt.judge(write("small", batch))
    local said = judge:tell(x, { names = 2, words = 1 })
    t.equal({ said[1].names[1].name, said[2].names[1].code, said[3].names[2].name }, { "red square", "1F7E6", "blue square" })
    t.equal({ said[1].words[1].word, said[2].words[1].word, #said[1].words }, { "warm", "cold", 1 })
    t.equal(judge:ranks(x, { "red square", "red square", "1F7E5" }), { 0, 1, 0 })
    local look = judge:look(x)
    t.equal({ look.names.shape, look.words.shape, look.features.shape }, { { 3, 2 }, { 3, 3 }, { 3, 3 } })
    local bytes = look.names:tostring_bytes()
    seen = seen or bytes
    assert(bytes == seen, "another batch, other numbers")
    assert(math.abs(look.names:sum():item() - 3) < 1e-5)
  end
end)

t.test("pictures of bytes and files are read as they should be", function()
  local judge = vt.judge(write("small", 1))
  t.equal(judge:ranks((plain{ { 1, 0, 0 } } * 255):cast("u8"), { "red square" }), { 0 })
  local x = judge:read(vt.png.encode(2, 1, 3, "\255\0\0\255\0\0")) -- twice as wide as high: white above and below
  t.equal(x.shape, { 1, 3, 4, 4 })
  t.equal(x[{ 1, 2 }]:totable(), { { 1, 1, 1, 1 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 1, 1, 1, 1 } })
end)

t.test("what is no judge, or no picture, is refused by name", function()
  local judge = vt.judge(write("small", 1))
  t.raises("pictures are [n, 3, 4, 4], got [1, 3, 5, 4]", judge.look, judge, vt.zeros(1, 3, 5, 4))
  t.raises("pictures are [n, 3, 4, 4]", judge.look, judge, "a picture")
  t.raises("it knows no 'green square'", judge.ranks, judge, vt.zeros(1, 3, 4, 4), { "green square" })
  t.raises("2 names for 1 pictures", judge.ranks, judge, vt.zeros(1, 3, 4, 4), { "red square", "red square" })
  t.raises("'names' must be a positive integer", judge.tell, judge, vt.zeros(1, 3, 4, 4), { names = 0 })
  t.raises("does not end in .graph", vt.judge, "small")
  t.raises("No such file", vt.judge, folder .. "/none.graph")
  for what, facts in pairs{ ["is not of a judge"] = { kind = "cat" }, ["has version 2"] = { version = 2 }, ["no extents"] = { input = { 1, 3, 0, 4 } },
    ["without three colours"] = { input = { 1, 4, 4, 4 } }, ["has no words"] = { words = {} }, ["name without text"] = { names = { 7 } },
    ["word that is no text"] = { words = { 7 } } } do
    t.raises(what, vt.judge, write("wrong", 1, facts))
  end
  local other = vt.judge(write("other", 1, { words = { "one" } }))
  t.raises("not 2 names, 1 words", other.look, other, vt.zeros(1, 3, 4, 4))
end)

-- ---- the one that is shipped ----

local shipped = t.golden .. "/../../models/emoji-judge.graph"

local function circle(x, y) return x * x + y * y < 216 end
local function square(x, y) return math.abs(x) < 13 and math.abs(y) < 13 end
local function heart(x, y)
  x, y = x * 0.072, 0.1 - y * 0.069
  return (x * x + y * y - 0.55) ^ 3 - x * x * y ^ 3 < 0.02
end

-- A shape of one colour on white, u8 [1, 3, 32, 32].
local function draw(inside, colour)
  local planes = {}
  for c = 1, 3 do
    for i = 0, 32 * 32 - 1 do planes[#planes + 1] = string.char(inside(i % 32 - 15.5, i // 32 - 15.5) and colour[c] or 255) end
  end
  return vt.from_string(table.concat(planes), "u8", { 1, 3, 32, 32 })
end

t.test("plain shapes are among the first two names of the shipped judge, mostly the first, those held out too", function()
  local judge = vt.judge(shipped)
  t.equal({ #judge.names, #judge.words, judge.facts.input }, { 493, 508, { 1, 3, 32, 32 } })
  local colours = { red = { 226, 50, 40 }, yellow = { 250, 210, 60 }, blue = { 30, 110, 220 }, purple = { 150, 70, 190 }, orange = { 245, 125, 10 },
    green = { 90, 160, 60 } }
  local shapes, pictures, names = { circle = circle, square = square, heart = heart }, {}, {}
  for colour, rgb in pairs(colours) do
    for shape, inside in pairs(shapes) do
      pictures[#pictures + 1], names[#names + 1] = draw(inside, rgb), colour .. " " .. shape
    end
  end
  pictures[#pictures + 1], names[#names + 1] = draw(heart, { 50, 50, 50 }), "black heart"
  local firsts = 0
  for i, rank in ipairs(judge:ranks(vt.op.cat(pictures, { dim = 1 }), names)) do
    assert(rank <= 1, ("%s: %d names are likelier"):format(names[i], rank))
    if rank == 0 then firsts = firsts + 1 end
  end
  assert(firsts >= 13, firsts)
end)

t.test("its numbers are those of the run that made it", function()
  local seen = vt.judge(shipped):look(draw(circle, { 226, 50, 40 }))
  local want = { n_words = 508, features = { -0.11007, 5.05869, -0.14311, -0.26301, 2.63326, 1.69655 }, words = { 0.29400, 0.21338, 0.19534, 0.17850 } }
  t.equal({ seen.names.shape, seen.words.shape, seen.features.shape }, { { 1, 493 }, { 1, want.n_words }, { 1, 192 } })
  local function close(what, have)
    for i, v in ipairs(want[what]) do assert(math.abs(have[i] - v) < 2e-3, ("%s %d: %.5f, want %.5f"):format(what, i, have[i], v)) end
  end
  close("features", seen.features:totable()[1])
  close("words", seen.words:topk{ k = 4, dim = 2 }:totable()[1])
end)

-- All of the focus set, from the pictures that `venturi data fetch emoji` brings.
local function focus_is_known()
  local judge, set = vt.judge(shipped), vt.data.load("emoji", { source = "noto", focus = true })
  local names, first, five = {}, 0, 0
  for i, it in ipairs(set.items) do
    t.equal({ judge.names[i].code, judge.names[i].name, judge.names[i].held_out or false }, { it.code, it.name, it.held_out })
    names[i] = it.code
  end
  for _, rank in ipairs(judge:ranks(set.fields.x, names)) do
    if rank == 0 then first = first + 1 end
    if rank < 5 then five = five + 1 end
  end
  assert(first >= 0.95 * set.count and five >= 0.99 * set.count, ("%d and %d of %d"):format(first, five, set.count))
end

if vt.data.fetch.is_here("emoji") and not os.getenv("VT_GC_STRESS") then
  t.test("the shipped judge names at least 95 of 100 clean pictures of the focus set", focus_is_known)
else
  t.skip("the shipped judge names at least 95 of 100 clean pictures of the focus set", "the emoji are not in the cache")
end

t.done()
