-- What is read from files into numbers and pictures: .npy, CSV, PNG, colour fonts; and what is written into pages.
local t = require "support"
local tiny_font = require "tiny_font"
local vt = require "venturi"

local function npy(descr, shape, data, fortran)
  local head = ("{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }\n"):format(descr, fortran and "True" or "False", shape)
  return "\x93NUMPY\1\0" .. ("<s2"):pack(head) .. data
end

-- ---- npy ----

t.test("vt.npy gives type, shape and elements in C order", function()
  local a = vt.npy(npy("<f4", "2, 3", ("<ffffff"):pack(1, 2, 3, 4, 5, 6)))
  t.equal({ a.dtype, a.shape, #a.data }, { "f32", { 2, 3 }, 24 })
  local f = vt.npy(npy("<i2", "2, 3", ("<i2i2i2i2i2i2"):pack(1, 2, 3, 4, 5, 6), true))
  t.equal({ f.dtype, { ("<i2i2i2i2i2i2"):unpack(f.data) } }, { "i16", { 1, 3, 5, 2, 4, 6, 13 } })
  local as_float = vt.npy(npy("|u1", "3,", "\1\2\255"), { dtype = "f64" })
  t.equal({ as_float.dtype, { ("<ddd"):unpack(as_float.data) } }, { "f64", { 1.0, 2.0, 255.0, 25 } })
  t.equal(vt.npy(npy("|b1", "", "\1")).shape, {})
end)

t.test("vt.npy refuses what is cut, foreign or of another type, by name", function()
  t.equal(t.raises("need 12 bytes, 11 are there", vt.npy, npy("<f4", "3,", ("x"):rep(11))).name, "VT_ERR_FORMAT")
  t.equal(t.raises("not an .npy file", vt.npy, "").name, "VT_ERR_FORMAT")
  t.equal(t.raises("'|O'", vt.npy, npy("|O", "1,", "x")).name, "VT_ERR_UNSUPPORTED")
  t.raises("unknown option 'type'", vt.npy, npy("|u1", "1,", "x"), { type = "f32" })
end)

t.test("what vt.npy gives is data for vt.distance", function()
  local a = vt.npy(npy("<f8", "3, 2", ("<dddddd"):pack(0, 0, 3, 4, 6, 8)))
  t.equal(vt.distance{ rows = a }:compute({ 0 }, { 0, 1, 2 }), { { 0.0, 5.0, 10.0 } })
end)

-- ---- CSV ----

local function rows(table_of)
  local format, list = ("<" .. ("d"):rep(table_of.dim)), {}
  for i = 1, table_of.n do
    local row = { format:unpack(table_of.data, (i - 1) * table_of.dim * 8 + 1) }
    row[#row] = nil
    list[i] = row
  end
  return list
end

t.test("CSV: quotes, line ends, separators, header and labels are understood", function()
  local cases = {
    { "1,2\n3,4\n", { { 1.0, 2.0 }, { 3.0, 4.0 } } },
    { "1;2\r\n3;4", { { 1.0, 2.0 }, { 3.0, 4.0 } } },
    { "\xef\xbb\xbf1\t-2e3\r3\t.5\r", { { 1.0, -2000.0 }, { 3.0, 0.5 } } },
    { "x,y\n1,2\n\n3,4\n\n", { { 1.0, 2.0 }, { 3.0, 4.0 } }, { "x", "y" } },
    { 'name,"x ""1"""\n"a,\nb",1\nc,2\n', { { 1.0 }, { 2.0 } }, { 'x "1"' }, { "a,\nb", "c" } },
    { 'a,"1"\n"",2\n', { { 1.0 }, { 2.0 } }, nil, { "a", "" } },
    { "7", { { 7.0 } } },
  }
  for i, case in ipairs(cases) do
    local got = vt.csv.numbers(case[1])
    t.equal({ rows(got), got.names, got.labels }, { case[2], case[3], case[4] }, "case " .. i)
  end
  t.equal(vt.csv.numbers("year,count\n1,2\n", { label = "year" }).labels, { "1" })
  t.equal(vt.csv.numbers("1,2\n", { label = 2 }).labels, { "2" })
  t.equal(rows(vt.csv.numbers("1,2\n3,4\n", { header = true })), { { 3.0, 4.0 } })
  t.raises("line 1, column 2: 'b' is not a finite number", vt.csv.numbers, "a,b\n1,2\n", { header = false })
  t.equal(rows(vt.csv.numbers("1|2\n", { separator = "|" })), { { 1.0, 2.0 } })
  -- As pandas and R write their frames: the index is no number to compare.
  local frame = vt.csv.numbers(",x,y\n0,1,2\n1,3,4\n")
  t.equal({ rows(frame), frame.names, frame.labels }, { { { 1.0, 2.0 }, { 3.0, 4.0 } }, { "x", "y" }, { "0", "1" } })
  local r = vt.csv.numbers('"","x","kind"\n"1",5,"u"\n"2",6,"v"\n')
  t.equal({ rows(r), r.names, r.labels }, { { { 5.0 }, { 6.0 } }, { "x" }, { "u", "v" } })
  t.raises("line 2, column 1: '' is not a finite number", vt.csv.numbers, "1,2\n,3\n")
end)

t.test("CSV: an error has its line and column", function()
  local cases = {
    { "", "no records" }, { "a,b\n", "line 1, column 2" }, { "x,y\n", "'y' is not a finite number" },
    { "1,2\n3\n", "line 2: 1 fields, need 2" }, { "1,2\n\n\n3,4,5\n", "line 4: 3 fields, need 2" },
    { "1,2\n3,\n", "line 2, column 2: '' is not a finite number" }, { "1,nan\n", "line 1, column 2: 'nan'" },
    { "1,2\n3,1e999\n", "line 2, column 2: '1e999'" }, { "1,2\n0x10,1\n", "line 2, column 1: '0x10'" },
    { '1,"2\n3,4\n', "line 1, column 2: a quote is never closed" }, { '1,2"3"\n', "line 1, column 2: '\"' where the field should end" },
    { '"1" 2,3\n', "line 1, column 1: ' ' where the field should end" }, { '"a\nb",1\nc,d\n', "line 3, column 2: 'd'" },
    { "a\nb\n", "no column of numbers" },
  }
  for _, case in ipairs(cases) do t.equal(t.raises(case[2], vt.csv.numbers, case[1]).name, "VT_ERR_FORMAT") end
  t.equal(t.raises("no column is called 'z'", vt.csv.numbers, "x,y\n1,2\n", { label = "z" }).name, "VT_ERR_NOT_FOUND")
  t.raises("no column 3, there are 2", vt.csv.numbers, "1,2\n", { label = 3 })
end)

-- ---- pictures ----

t.test("a picture is written, read back, and made small", function()
  local pixels = "\0\0\0\255\255\255" .. "\255\0\0\0\255\0" -- black white, red green
  local image = vt.image(vt.png.encode(2, 2, 3, pixels))
  t.equal({ image.width, image.height, image.data:byte(1, 8) }, { 2, 2, 0, 0, 0, 255, 255, 255, 255, 255 })
  t.equal(image:resize{ width = 2, height = 2, dtype = "u8" }, pixels)
  t.equal({ ("<fff"):unpack(image:resize{ width = 1, height = 1 }) }, { 0.5, 0.5, 0.25, 13 })
  local clear = vt.image(vt.png.encode(1, 1, 4, "\9\9\9\0"))
  t.equal(clear:resize{ width = 1, height = 1, dtype = "u8" }, "\255\255\255")
  t.equal(clear:resize{ width = 1, height = 1, dtype = "u8", background = 0xff010203 }, "\1\2\3")
  t.equal(#vt.image(vt.png.encode(300, 300, 1, ("x"):rep(90000))).data, 360000) -- more than one stored block
end)

t.test("bad pictures and bad wishes are refused", function()
  local png = vt.png.encode(2, 2, 1, "abcd")
  t.equal(t.raises("neither a PNG nor a JPEG", vt.image, "GIF89a").name, "VT_ERR_FORMAT")
  t.equal(t.raises("ends early", vt.image, png:sub(1, -20)).name, "VT_ERR_FORMAT")
  t.equal(t.raises("at most", vt.image, png, { max_pixels = 3 }).name, "VT_ERR_LIMIT")
  local image = vt.image(png)
  t.raises("width", image.resize, image, { height = 2 })
  t.raises("'data' is missing", image.resize, { width = 2, height = 2 }, { width = 1, height = 1 })
  t.raises("16 bytes are not a picture", image.resize, { width = 3, height = 2, data = image.data }, { width = 1, height = 1 })
  t.raises("unknown option 'colour'", image.resize, image, { width = 1, height = 1, colour = 1 })
  t.raises("are not a picture", vt.png.encode, 2, 2, 1, "abc")
end)

-- ---- fonts ----

local glyphs = { { codepoint = 0x41, png = "first" }, { codepoint = 0x1f600, png = "second picture" }, { codepoint = 0x1f601, png = "third" } }

t.test("a colour font gives its pictures by code point", function()
  t.equal(vt.font.pictures(tiny_font.make(glyphs)), glyphs)
  t.equal(vt.font.pictures(tiny_font.make(glyphs, { groups = { { 0x20, 0x20, 9 }, { 0x1f600, 0x1f602, 2 } } })), { glyphs[2], glyphs[3] })
end)

t.test("every shorter font and every flipped byte is an error of format, or a font", function()
  local whole = tiny_font.make(glyphs)
  for n = 0, #whole - 1 do
    local got, err = vt.try(vt.font.pictures, whole:sub(1, n))
    assert(not got and (err.name == "VT_ERR_FORMAT" or err.name == "VT_ERR_UNSUPPORTED"), n)
  end
  for at = 1, #whole, os.getenv("VT_GC_STRESS") and 7 or 1 do
    for bit = 0, 7 do
      local byte = string.char(whole:byte(at) ~ 1 << bit)
      local got, err = vt.try(vt.font.pictures, whole:sub(1, at - 1) .. byte .. whole:sub(at + 1))
      assert(got or err.name == "VT_ERR_FORMAT" or err.name == "VT_ERR_UNSUPPORTED", at)
    end
  end
end)

t.test("fonts of another kind, and hostile ones, are refused by name", function()
  local function refused(part, change) return t.raises(part, vt.font.pictures, tiny_font.make(glyphs, change)).name end
  local function without(tag)
    return { tables = function(list)
      for i = #list, 1, -1 do
        if list[i][1] == tag then table.remove(list, i) end
      end
    end }
  end
  for _, tag in ipairs{ "cmap", "CBLC", "CBDT" } do t.equal(refused("no table " .. tag, without(tag)), "VT_ERR_UNSUPPORTED") end
  t.equal(refused("image format 5", { image_format = 5 }), "VT_ERR_UNSUPPORTED")
  t.equal(refused("index format 4", { index_format = 4 }), "VT_ERR_UNSUPPORTED")
  t.equal(refused("CBLC ends early", { last_glyph = 65535 }), "VT_ERR_FORMAT")
  t.equal(refused("bytes of picture", { end_offset = 0x7fffffff }), "VT_ERR_FORMAT")
  t.equal(refused("after", { groups = { { 5, 9, 1 }, { 7, 8, 2 } } }), "VT_ERR_FORMAT")
  t.equal(refused("code points", { groups = { { 0, 0xffffffff, 1 } } }), "VT_ERR_FORMAT")
  t.equal(t.raises("not an OpenType font", vt.font.pictures, ("x"):rep(100)).name, "VT_ERR_FORMAT")
  t.equal(t.raises("collection", vt.font.pictures, "ttcf" .. ("\0"):rep(20)).name, "VT_ERR_UNSUPPORTED")
end)

local function read_emoji()
  local list = vt.font.pictures(t.read(t.emoji_font()))
  assert(#list > 1000, "single code points: " .. #list)
  local by_code = {}
  for _, glyph in ipairs(list) do by_code[glyph.codepoint] = glyph.png end
  local grin = vt.image(by_code[0x1f600])
  t.equal({ grin.width, grin.height }, { 136, 128 })
  local r, g, b = ("<fff"):unpack(grin:resize{ width = 1, height = 1 })
  assert(r > g and g > b and b < 0.6, "a grinning face is yellow")
end

if t.emoji_font() then
  t.test("the emoji of Noto's font are read", read_emoji)
else
  t.skip("the emoji of Noto's font are read", "the font is neither installed nor in the cache")
end

-- ---- pages ----

t.test("text in a page is text, whatever it says", function()
  t.equal(vt.page.text([[<script>alert("1 & 2")</script>'x']]), "&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;&#39;x&#39;")
  t.equal(vt.page.text("a\0b\27[31mc\tx\nhé"), "ab[31mc\tx\nhé")
  t.equal(vt.page.text("\xff\xfe<"), "??&lt;")
  t.equal(vt.page.opening("one two  three\nfour", 9), "one two\u{2026}")
  t.equal(vt.page.opening("éééé", 4), "éééé")
  t.equal(vt.page.opening("ééééé", 4), "éééé\u{2026}")
end)

t.test("base 64 is that of the standard", function()
  for _, pair in ipairs{ { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "\255\0\254", "/wD+" } } do
    t.equal(vt.page.base64(pair[1]), pair[2])
  end
end)

t.test("charts hold up without points, without extent, and with one group", function()
  local axes = { x = "x", y = "y" }
  for _, chart in ipairs{
    vt.plot.scatter({}, {}, axes), vt.plot.scatter({ { 1, 1, group = 0 }, { 1, 1, group = 1 } }, { { 1, 1, group = 0, label = "0" } }, axes),
    vt.plot.silhouettes({}), vt.plot.silhouettes({ { values = { 0, 0 }, group = 0, label = "0" }, { values = {}, group = 1, label = "1" } }),
    vt.plot.line({ { 2, 0.5 } }, 1, axes), vt.plot.line({ { 2, 0.5 }, { 3, 0.5 } }, 2, axes),
  } do
    assert(chart:find("^<svg") and chart:find("</svg>$"))
    assert(not chart:find("nan") and not chart:find("inf"), chart)
  end
end)

t.test("figures: what is there is drawn, what is no number is left out", function()
  local nan = 0 / 0
  local lines = vt.plot.lines{ title = "a < b", x = { label = "steps", log = true }, y = { label = "loss" }, series = {
    { name = "one", points = { { 1, 2, 0.1 }, { 10, nan }, { 100, 1 }, { 1000, 0.5 } } }, { name = "two & three", points = { { 1, 1 } }, dashed = true } } }
  assert(lines:find('^<svg xmlns') and lines:find("</svg>\n$"))
  assert(lines:find("a &lt; b", 1, true) and lines:find("two &amp; three", 1, true))
  t.equal(select(2, lines:gsub("<circle", "")), 4)
  local bars = vt.plot.bars{ groups = { "a", "b" }, series = { { name = "x", values = { 1, -2 }, errors = { 0.5, 0.1 } }, { name = "y", values = { 3, nan } } }, y = {} }
  t.equal(select(2, bars:gsub("<title>", "")), 3)
  local heat = vt.plot.heatmap{ rows = { { 1, 2, nan }, { 3, 4, 5 } }, values = true, x_names = { "p", "q", "r" }, y_names = { "u", "v" } }
  t.equal(select(2, heat:gsub("<title>", "")), 6)
  local points = vt.plot.points{ series = { { points = { { 1, 1 }, { 2, 4 } } } } }
  t.equal(select(2, points:gsub("<circle", "")), 2)
  for _, text in ipairs{ lines, bars, heat, points, vt.plot.lines{ series = {} }, vt.plot.lines{ series = { { points = {} } } },
    vt.plot.heatmap{ rows = {} } } do
    assert(not text:gsub(">%-?nan<", ""):find "[ \"]%-?nan" and not text:find '"inf', text)
  end
  t.raises("a logarithmic axis", vt.plot.lines, { x = { log = true }, series = { { points = { { 0, 1 } } } } })
  local text = vt.plot.text{ title = "t", series = { { points = { { 0, 0 }, { 1, 1 } } } }, columns = 10, rows = 3 }
  local count = select(2, text:gsub("\n", ""))
  t.equal(count, 5)
end)

-- Everything in it that is a number is one, and every tag is closed.
local function check_svg(text, what)
  local open = {}
  for slash, tag, rest in text:gmatch "<(/?)(%a+)([^>]*)>" do
    if slash == "/" then
      t.equal(table.remove(open), tag, what)
    else
      assert(not rest:find "nan" and not rest:find "inf" and not rest:find "%d%d%d%d%d%d%d%.", what .. ": " .. rest)
      if not rest:find "/$" then open[#open + 1] = tag end
    end
  end
  t.equal(#open, 0, what)
  assert(utf8.len(text), what)
end

t.test("figures of whatever numbers are pictures", function()
  local nan, inf = 0 / 0, 1 / 0
  local sets = { {}, { { 1, 1 } }, { { nan, 1 }, { 1, nan } }, { { inf, 1 }, { 1, -inf }, { 2, 2 } }, { { 1, 1, 2 }, { 10, 5, nan }, { 100, 0.1, inf } },
    { { 1, 1e16 }, { 2, 1e16 + 2 } }, { { 1, 1e308 }, { 2, -1e308 }, { 3, 1 } }, { { 1, 1e-320 }, { 2, 1e-310 } }, { { 5, 7 }, { 5, 7 }, { 5, 7 } },
    { { 1e-300, 1e-300 }, { 1e300, 1e299 } }, { { 1, 123456.001 }, { 2, 123456.002 } } }
  for i, points in ipairs(sets) do
    for _, log in ipairs{ false, true } do
      for _, with in ipairs{ {}, { low = 0.5 }, { high = 2 }, { low = 1, high = 1 }, { low = 1e-9, high = 1e9 } } do
        local is_positive = not log
        if log then
          is_positive = true
          for _, p in ipairs(points) do is_positive = is_positive and not (p[1] == p[1] and p[2] == p[2] and math.abs(p[1] + p[2]) < 1e300 and (p[1] <= 0 or p[2] <= 0)) end
        end
        if is_positive then
          local spec = { series = { { points = points }, { name = "b", points = points } }, x = { log = log, label = "x" }, y = { log = log, low = with.low, high = with.high } }
          check_svg(vt.plot.lines(spec), ("lines %d"):format(i))
          check_svg(vt.plot.points(spec), ("points %d"):format(i))
          assert(utf8.len(vt.plot.text(spec)))
        end
      end
    end
    local values, errors = {}, {}
    for k, p in ipairs(points) do values[k], errors[k] = p[2], p[3] end
    local groups = { "a", "b", "c" }
    for _, y in ipairs{ {}, { low = 90 }, { high = -1 }, { low = -1, high = 1 } } do
      check_svg(vt.plot.bars{ groups = groups, series = { { values = values, errors = errors } }, y = y }, ("bars %d"):format(i))
    end
    check_svg(vt.plot.heatmap{ rows = { values, values }, values = true }, ("heat map %d"):format(i))
  end
  check_svg(vt.plot.heatmap{ rows = { {}, {} }, x_names = { "a", "b" } }, "no columns")
  check_svg(vt.plot.bars{ groups = {}, series = {} }, "no bars")
end)

t.test("figures hold any text, and names of any length", function()
  local text = "<b>&\"'\0\1\255\xC3(" .. ("é"):rep(300) .. "]]>"
  local many, names, values = {}, {}, {}
  for i = 1, 60 do many[i], names[i], values[i] = { name = text .. i, points = { { i, i } } }, text, i end
  local charts = { vt.plot.lines{ title = text, x = { label = text }, y = { label = text }, series = many }, vt.plot.points{ title = text, series = many },
    vt.plot.bars{ title = text, groups = names, series = { { name = text, values = values }, { values = values } } },
    vt.plot.heatmap{ title = text, rows = { values, values }, x_names = names, y_names = { text, text } } }
  for i, chart in ipairs(charts) do
    check_svg(chart, "chart " .. i)
    assert(not chart:find("[%z\1]") and not chart:find("<b>", 1, true))
  end
end)

t.test("long lines are thinned without losing their ends and peaks", function()
  local points = {}
  for i = 1, 50000 do points[i] = { i, math.sin(i) } end
  points[25000] = { 25000, 40 }
  points[30000] = { 30000, 0 / 0 }
  local chart = vt.plot.lines{ series = { { points = points } } }
  check_svg(chart, "long")
  assert(#chart < 80000, #chart)
  t.equal(select(2, chart:match('<path d="(M[^"]*)" fill="none"'):gsub("M", "")), 2)
  assert(chart:match('<path d="(M[^"]*)" fill="none"'):find " 34%.0")
end)

t.test("figures refuse what they do not know", function()
  local line = { { points = { { 1, 1 } } } }
  t.raises("unknown option 'serie'", vt.plot.lines, { serie = line })
  t.raises("series is missing", vt.plot.lines, {})
  t.raises("unknown option 'colour'", vt.plot.lines, { series = { { points = {}, colour = "red" } } })
  t.raises("unknown option 'logarithmic'", vt.plot.points, { series = line, x = { logarithmic = true } })
  t.raises("point 2 of series 1 is not", vt.plot.lines, { series = { { points = { { 1, 1 }, { 1 } } } } })
  t.raises("series 1 has no values", vt.plot.bars, { groups = { "a" }, series = line and { {} } })
  t.raises("logarithmic axis", vt.plot.lines, { series = line, y = { log = true, low = 0 } })
  t.raises("y.low is above", vt.plot.lines, { series = line, y = { low = 2, high = 1 } })
  t.raises("width is 5", vt.plot.lines, { series = line, width = 5 })
  t.raises("row 1, column 2 is no number", vt.plot.heatmap, { rows = { { 1, "2" } } })
  t.raises("low is nan", vt.plot.heatmap, { rows = { { 1 } }, low = math.abs(0 / 0) })
  t.raises("columns must be", vt.plot.text, { series = line, columns = 0 })
  t.raises("scale must be", vt.plot.images, vt.zeros(1, 1, 2, 2), { scale = 0 })
  t.raises("high must be above", vt.plot.images, vt.zeros(1, 1, 2, 2), { low = 1 })
  t.raises("a tensor is needed", vt.plot.images, {})
end)

t.test("pictures side by side are one PNG", function()
  local x = vt.tensor{ { { { 0, 255 }, { 255, 0 } } }, { { { 255, 255 }, { 0, 0 } } }, { { { 9, 9 }, { 9, 9 } } } }:cast "u8"
  local bytes = vt.plot.images(x, { columns = 2, scale = 3, gap = 1 })
  local image = vt.image(bytes)
  t.equal({ image.width, image.height }, { 2 * 6 + 1, 2 * 6 + 1 })
  vt.image(vt.plot.images(vt.rand(5, 3, 4, 4, { seed = 1 })))
  t.raises("pictures are", vt.plot.images, vt.zeros(2, 2, 3, 3))
end)

-- ---- documents as rows ----

t.test("index:weights are sparse rows for vt.distance", function()
  local index = vt.index()
  index:put_source("a", 1)
  for _, text in ipairs{ "the cat sleeps", "a cat sleeps and sleeps", "dogs bark loudly", "" } do index:add("a", { text = text }) end
  index:commit()
  local w = index:weights()
  t.equal({ w.n, w.dim, #w.offsets, #w.columns, #w.values }, { 4, 8, 40, 40, 40 })
  local d = vt.distance{ csr = { offsets = w.offsets, columns = w.columns, values = w.values }, n = w.n, dim = w.dim, metric = "cosine" }
  local got = d:compute({ 0 }, { 0, 1, 2, 3 })[1]
  assert(got[1] < 1e-6 and got[2] > 0.1 and got[2] < 0.9 and got[3] == 1 and got[4] == 1)
end)

t.test("vt.fail raises what a failed call raises", function()
  local none, err = vt.try(vt.fail, "VT_ERR_FORMAT", "so it is")
  t.equal({ none, err.name, err.message, err.code }, { nil, "VT_ERR_FORMAT", "so it is", -6 })
  t.raises("not the name of a status", vt.fail, "VT_OK", "x")
end)

t.done()
