-- Data sets: words of captions, emoji and their sequences, tensors and folders; the real sets where they are in the cache.
local t = require "support"
local tiny_font = require "tiny_font"
local vt = require "venturi"
local data = vt.data

-- ---- words ----

t.test("captions become words, and the held-out rule is blind to skin tones", function()
  t.equal(data.words.tokens("Woman\u{2019}s hat: 24/7, rock'n'roll"), { "woman", "hat", "2", "4", "7", "rock", "n", "roll" })
  t.equal(data.words.concept("waving hand: medium-light skin tone"), "waving hand")
  t.equal(data.words.concept("kiss: man, man, light skin tone, dark skin tone"), "kiss man man")
  t.equal(data.words.fnv1a(""), 0xcbf29ce484222325)
  t.equal(data.words.fnv1a("a"), 0xaf63dc4c8601ec8c)
  for _, name in ipairs{ "green heart", "black heart", "green circle", "yellow square", "tiger", "cow", "hamburger" } do
    t.equal(data.words.is_held_out(name), data.words.is_held_out(name .. ": dark skin tone"), name)
  end
  assert(data.words.is_held_out("green heart") and data.words.is_held_out("black heart") and not data.words.is_held_out("red heart"))
end)

t.test("vocabularies count pictures, and ids have one length", function()
  local v = data.words.vocabulary({ { "red cat", "cat" }, { "a red dog" }, { "cat" } }, { special = { "<null>", "<noto>" } })
  t.equal(v.words, { "<null>", "<noto>", "cat", "red" })
  t.equal(v.counts, { red = 2, cat = 2, a = 1, dog = 1 })
  t.equal(data.words.ids(v, "Red, red cat", { length = 5, before = { "<noto>" } }), { 1, 3, 3, 2, 0 })
  t.equal(data.words.ids(v, "red cat red cat", { length = 2 }), { 3, 2 })
  t.raises("no '<pad>'", data.words.ids, v, "red", { pad = "<pad>" })
end)

t.test("CLDR's annotations give names and keywords", function()
  local xml = '<ldml><annotations>\n<annotation cp="&lt;\u{FE0F}">less | less than</annotation>\n<annotation cp="&lt;" type="tts">less &amp; than</annotation>\n'
    .. '<annotation cp="\u{FE0F}" type="tts">nothing</annotation></annotations></ldml>'
  t.equal(data.annotations.read(xml), { ["<"] = { name = "less & than", keywords = { "less", "less than" } } })
  t.equal(data.annotations.key{ 0x2764, 0xfe0f }, "\u{2764}")
  t.equal(t.raises("not a file of CLDR's", data.annotations.read, "<xml>").name, "VT_ERR_FORMAT")
end)

-- ---- fonts with sequences ----

-- A GSUB table of one lookup: sets is a list of { first glyph, list of { glyphs behind it, result } }; extension: through a lookup of type 7.
local function gsub_table(sets, extension)
  local coverage, offsets, body = (">I2I2"):pack(1, #sets), {}, {}
  for _, set in ipairs(sets) do coverage = coverage .. (">I2"):pack(set[1]) end
  local at = 6 + 2 * #sets + #coverage
  for i, set in ipairs(sets) do
    local ligatures, places, inner = {}, {}, 2 + 2 * #set[2]
    for j, ligature in ipairs(set[2]) do
      ligatures[j] = (">I2I2"):pack(ligature[2], #ligature[1] + 1)
      for _, glyph in ipairs(ligature[1]) do ligatures[j] = ligatures[j] .. (">I2"):pack(glyph) end
      places[j], inner = (">I2"):pack(inner), inner + #ligatures[j]
    end
    body[i] = (">I2"):pack(#set[2]) .. table.concat(places) .. table.concat(ligatures)
    offsets[i], at = (">I2"):pack(at), at + #body[i]
  end
  local subtable = (">I2I2I2"):pack(1, 6 + 2 * #sets, #sets) .. table.concat(offsets) .. coverage .. table.concat(body)
  if extension then subtable = (">I2I2I4"):pack(1, 4, 8) .. subtable end
  local lookup = (">I2I2I2I2"):pack(extension and 7 or 4, 0, 1, 8) .. subtable
  return (">I2I2I2I2I2"):pack(1, 0, 0, 0, 10) .. (">I2I2"):pack(1, 4) .. lookup
end

local glyphs = { { codepoint = 0x41, png = "first" }, { codepoint = 0x42, png = "second" }, { codepoint = 0x43, png = "joined" } }

local function font_with(content)
  return tiny_font.make(glyphs, { tables = function(list) list[#list + 1] = { "GSUB", content } end })
end

t.test("sequences of a font are its ligatures, backwards through the cmap", function()
  local singles = { { codepoints = { 0x41 }, png = "first" }, { codepoints = { 0x42 }, png = "second" }, { codepoints = { 0x43 }, png = "joined" } }
  t.equal(vt.font.sequences(tiny_font.make(glyphs)), singles)
  for _, extension in ipairs{ false, true } do
    local got = vt.font.sequences(font_with(gsub_table({ { 1, { { { 2 }, 3 }, { { 2, 9 }, 3 } } }, { 2, { { { 1, 1 }, 3 }, { { 1 }, 77 } } } }, extension)))
    t.equal({ got[4], got[5], got[6] }, { { codepoints = { 0x41, 0x42 }, png = "joined" }, { codepoints = { 0x42, 0x41, 0x41 }, png = "joined" } })
  end
end)

t.test("every shorter font with sequences and every flipped byte is an error of format, or a font", function()
  local whole = font_with(gsub_table{ { 1, { { { 2 }, 3 } } }, { 2, { { { 1, 1 }, 3 } } } })
  for n = 0, #whole - 1 do assert(not vt.try(vt.font.sequences, whole:sub(1, n)), n) end
  for at = 1, #whole, os.getenv("VT_GC_STRESS") and 17 or 1 do
    for bit = 0, 7 do
      local _, err = vt.try(vt.font.sequences, whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 1 << bit) .. whole:sub(at + 1))
      assert(not err or err.name == "VT_ERR_FORMAT" or err.name == "VT_ERR_UNSUPPORTED", at)
    end
  end
end)

-- ---- pictures with words ----

-- A picture of one colour in the middle of a transparent ground.
local function square(width, height, from, to, colour)
  local rows, clear, ink = {}, "\0\0\0\0", colour .. "\255"
  for y = 0, height - 1 do
    local inside = y >= from and y < to
    rows[#rows + 1] = inside and clear:rep(from) .. ink:rep(to - from) .. clear:rep(width - to) or clear:rep(width)
  end
  return vt.png.encode(width, height, 4, table.concat(rows))
end

local known = { A = { name = "a cat", keywords = { "pet" } }, B = { name = "flag: B" }, C = { name = "hand: dark skin tone" },
  ["1\u{1F3FF}"] = { name = "one: dark skin tone" } }

t.test("emoji of a font are cropped, laid on white and made small; equal ones are dropped", function()
  local red, blue = square(136, 128, 32, 96, "\255\0\0"), square(136, 128, 36, 100, "\0\0\255")
  local font = tiny_font.make{ { codepoint = 0x41, png = red }, { codepoint = 0x42, png = blue }, { codepoint = 0x43, png = red } }
  local items = data.emoji.noto(font, known)
  t.equal(#items, 3)
  local built = data.emoji.build(items, { sizes = { 32, 64 } })
  t.equal({ #built.items, built.dropped.noto, built[32].shape, built[64].shape }, { 2, 1, { 2, 3, 32, 32 }, { 2, 3, 64, 64 } })
  t.equal(built.items[1], { source = "noto", kind = "plain", name = "a cat", keywords = { "pet" }, code = "0041",
    held_out = data.words.is_held_out("a cat") })
  t.equal(built.items[2].kind, "flag")
  -- Columns 28 to 92 of the middle square are red: columns 7 to 22 of 32.
  local row = built[32][{ 1, {}, 16 }]:totable()
  for x = 1, 32 do
    local inside = x >= 8 and x <= 23
    t.equal({ row[1][x], row[2][x], row[3][x] }, inside and { 255, 0, 0 } or { 255, 255, 255 }, "column " .. x)
  end
  t.equal(data.emoji.counts(built.items).noto.flag[1] + data.emoji.counts(built.items).noto.flag[2], 1)
end)

t.test("the focus set is plain things by the first code point, of any source but stamps", function()
  local function is(code, kind, source) return data.emoji.is_focus{ code = code, kind = kind or "plain", source = source or "noto" } end
  for _, code in ipairs{ "1F62E-200D-1F4A8", "1F47C", "2764-200D-1F525", "1F42F", "1F49A", "1F7E8", "1F354" } do t.equal(is(code), true, code) end
  for _, code in ipairs{ "1F64B", "1F926", "1F32A", "2728", "1F9C4", "1F3EA", "0023-20E3" } do t.equal(is(code), false, code) end
  t.equal({ is("1F47C-1F3FB", "tone"), is("1F3F4", "flag"), is("1F42F", "plain", "openmoji"), is("animals/fish/a", "plain", "tux") }, { false, false, true, false })
end)

t.test("drawings and stamps find their words; a stamp is centred at 120 pixels", function()
  local drawn = data.emoji.openmoji({ "0031-FE0F-1F3FF", "0041", "E001" }, function() return square(144, 144, 0, 144, "\9\9\9") end, known)
  t.equal({ #drawn, drawn[1].kind, drawn[1].code, drawn[1].file, drawn[2].name }, { 2, "tone", "0031-1F3FF", "0031-FE0F-1F3FF", "a cat" })
  local stamps = data.emoji.stamps({ { name = "animals/fish/a", caption = " A clownfish. \nfr.utf8=Un poisson\n" }, { name = "b", caption = "Nothing." } },
    function(name) return name == "b" and square(9, 9, 0, 0, "\0\0\0") or square(40, 50, 5, 15, "\0\0\0") end)
  t.equal({ stamps[1].name, stamps[1].keywords }, { "A clownfish.", { "tuxpaint", "stamps", "animals", "fish" } })
  local built = data.emoji.build(stamps, { sizes = { 64 } })
  t.equal({ #built.items, built.dropped.tux }, { 1, 1 })
  local row = built[64][{ 1, 1, 32 }]:totable() -- 120 of 128 pixels, 4 left free on each side: 2 of 64
  t.equal({ row[1], row[2], row[3], row[62], row[63], row[64] }, { 255, 255, 0, 0, 255, 255 })
  t.raises("need 128 x 128", data.emoji.build, data.emoji.openmoji({ "0041" }, function() return square(100, 144, 0, 9, "\0\0\0") end, known))
end)

-- ---- sets ----

t.test("a set of tensors is selected from, split and filtered", function()
  local ds = data.tensors({ x = vt.arange(10):reshape(10, 1), y = vt.arange(10) }, { items = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" } })
  local some = ds:select{ 3, 0 }
  t.equal({ some.count, some.fields.x:totable(), some.fields.y:totable(), some.items }, { 2, { { 3 }, { 0 } }, { 3, 0 }, { "d", "a" } })
  local a, b = ds:split(0.75, { seed = 4 })
  t.equal({ a.count, b.count }, { 7, 3 })
  local all = {}
  for _, part in ipairs{ a, b } do
    for _, y in ipairs(part.fields.y:totable()) do all[#all + 1] = y end
  end
  table.sort(all)
  t.equal(all, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 })
  t.equal(ds:where(function(item) return item > "h" end).fields.y:totable(), { 8, 9 })
  t.raises("no example is left", ds.where, ds, function() return false end)
  t.equal(t.raises("'x' has 2 examples, 'y' has 3", data.tensors, { x = vt.zeros(2), y = vt.zeros(3) }).name, "VT_ERR_SHAPE")
  t.raises("must be a tensor", data.tensors, { x = 3 })
  t.raises("share must be between", ds.split, ds, 1)
end)

t.test("CSV and .npy files become sets", function()
  local ds = data.csv("a,b,kind\n1,2,dog\n3,4,cat\n5,6,dog\n")
  t.equal({ ds.classes, ds.columns, ds.fields.x:totable(), ds.fields.y:totable() }, { { "cat", "dog" }, { "a", "b" }, { { 1, 2 }, { 3, 4 }, { 5, 6 } }, { 1, 0, 1 } })
  local folder = t.folder()
  vt.save(folder .. "/x.npy", vt.zeros(4, 2))
  t.equal(data.npy{ x = folder .. "/x.npy" }.count, 4)
end)

t.test("a folder's sub-folders are classes", function()
  local folder = t.folder()
  assert(os.execute(("mkdir '%s/b' '%s/a' '%s/loose'"):format(folder, folder, folder)))
  for _, name in ipairs{ "b/2.png", "a/1.PNG", "b/1.jpg", "b/notes.txt" } do t.write(folder .. "/" .. name, "x") end
  local ds = data.folder(folder)
  t.equal({ ds.count, ds.classes, ds.fields.y:totable() }, { 3, { "a", "b" }, { 0, 1, 1 } })
  t.equal(ds.files, { folder .. "/a/1.PNG", folder .. "/b/1.jpg", folder .. "/b/2.png" })
  t.equal(ds:select{ 2 }.files, { folder .. "/b/2.png" })
  t.write(folder .. "/c.png", "x")
  t.equal(t.raises("'c.png' lies in no sub-folder", data.folder, folder).name, "VT_ERR_FORMAT")
  t.equal(t.raises("no .png", data.folder, folder .. "/loose").name, "VT_ERR_NOT_FOUND")
end)

t.test("a picture becomes a tensor, on its background, in any size", function()
  local png = vt.png.encode(2, 1, 4, "\255\0\0\255" .. "\9\9\9\0")
  t.equal(data.picture(png, { dtype = "u8" }):totable(), { { { 255, 255 } }, { { 0, 255 } }, { { 0, 255 } } })
  t.equal(data.picture(png, { background = 0xff0000ff }):totable(), { { { 1.0, 0.0 } }, { { 0.0, 0.0 } }, { { 0.0, 1.0 } } })
  t.equal(data.picture(png, { width = 1, height = 1 }):totable(), { { { 1.0 } }, { { 0.5 } }, { { 0.5 } } })
  t.equal(data.picture(png, { width = 4, height = 3 }).shape, { 3, 3, 4 })
end)

t.test("sets are known by name", function()
  t.equal(data.fetch.names(), { "digits", "emoji", "faq", "handbook", "mnist-5k" })
  t.equal(t.raises("no set is called 'cifar'; there are: digits, emoji, faq, handbook, mnist-5k", data.load, "cifar").name, "VT_ERR_NOT_FOUND")
  local facts = data.fetch.info("emoji")
  t.equal({ #facts.parts, facts.parts[3].licence }, { 4, "CC-BY-SA-4.0" })
end)

local function digits_are_digits(name, side, n)
  local ds = data.load(name)
  t.equal({ ds.count, ds.fields.x.shape, ds.fields.x:max():item() <= 1, ds.fields.y:max():item() }, { n, { n, 1, side, side }, true, 9 })
end

for _, set in ipairs{ { "digits", 8, 1797 }, { "mnist-5k", 28, 5000 } } do
  local name = ("the %s that were fetched are all there"):format(set[1])
  if data.fetch.is_here(set[1]) then t.test(name, function() digits_are_digits(table.unpack(set)) end) else t.skip(name, "not in the cache") end
end

-- The table of pictures, captions and words that the recipe was published with.
local function emoji_are_counted()
  local ds = data.load("emoji", { size = 64 })
  t.equal({ ds.count, ds.fields.x.shape }, { 8043, { 8043, 3, 64, 64 } })
  t.equal(data.emoji.counts(ds.items), {
    noto = { plain = { 1523, 75 }, flag = { 242, 11 }, tone = { 1680, 90 } },
    openmoji = { plain = { 1509, 75 }, flag = { 243, 11 }, tone = { 1550, 85 } },
    tux = { plain = { 901, 48 } },
  })
  local function captions(source)
    local seen, n = {}, 0
    for _, item in ipairs(ds.items) do
      if (not source or item.source == source) and not seen[item.name] then seen[item.name], n = true, n + 1 end
    end
    return n
  end
  t.equal({ captions("noto"), captions("openmoji"), captions("tux"), captions() }, { 3621, 3473, 804, 4443 })
  local function size(kind, keywords, at_least)
    local texts = {}
    for _, item in ipairs(ds.items) do
      if not kind or item.kind == kind then texts[#texts + 1] = keywords and { item.name, table.unpack(item.keywords) } or { item.name } end
    end
    return #data.words.vocabulary(texts, { at_least = at_least }).words
  end
  t.equal({ size(nil, false, 1), size(nil, false, 2), size(nil, true, 1), size(nil, true, 2), size("plain", true, 1), size("plain", true, 2) },
    { 2355, 1880, 3330, 2905, 3057, 2628 })
  t.equal(data.load("emoji", { source = "noto", kind = "plain", split = "held" }).count, 75)
  for _, source in ipairs{ "noto", "openmoji" } do
    t.equal({ data.load("emoji", { source = source, focus = true }).count, data.load("emoji", { source = source, focus = true, split = "train" }).count },
      { 493, 464 }, source)
  end
end

if data.fetch.is_here("emoji") and not os.getenv("VT_GC_STRESS") then
  t.test("the emoji that were fetched are those of the recipe, to the last word", emoji_are_counted)
else
  t.skip("the emoji that were fetched are those of the recipe, to the last word", "not in the cache")
end

t.done()
