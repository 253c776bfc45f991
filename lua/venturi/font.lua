--- Pictures in a colour font (OpenType with CBLC and CBDT: PNG bitmaps), for single code points and for sequences of them (families, flags).
-- Not here: outlines. Offsets are hostile until they have been checked.
local vt = require "venturi"

local M = {}

local function fail(message, ...)
  vt.fail("VT_ERR_FORMAT", "font: " .. message:format(...))
end

-- A window of the file: [from, from + size), from counting from 0. `what` names it in messages.
local function window(bytes, what, from, size)
  if from < 0 or size < 0 or from + size > #bytes then fail("%s lies outside of the file (%d + %d of %d bytes)", what, from, size, #bytes) end
  return { bytes = bytes, what = what, from = from, size = size }
end

-- string.unpack at an offset of a window.
local function get(w, format, at)
  local size = string.packsize(format)
  if at < 0 or at + size > w.size then fail("%s ends early (%d + %d of %d bytes)", w.what, at, size, w.size) end
  return string.unpack(format, w.bytes, w.from + at + 1)
end

-- The tables of the file by their tags.
local function tables(bytes)
  local file = window(bytes, "the head", 0, #bytes)
  local version, n = get(file, ">I4I2", 0)
  if version == 0x74746366 then vt.fail("VT_ERR_UNSUPPORTED", "font: a collection (.ttc); single fonts can be read") end
  if version ~= 0x00010000 and version ~= 0x4f54544f and version ~= 0x74727565 then fail("not an OpenType font") end
  local found = {}
  for i = 0, n - 1 do
    local tag, _, from, size = get(file, ">c4I4I4I4", 12 + 16 * i)
    found[tag] = window(bytes, tag, from, size)
  end
  return found
end

local MOST_CODE_POINT = 0x10ffff

-- Code points and their glyphs, ascending: list of { first, last, glyph of the first }, from the cmap's format 12.
local function groups_of(cmap)
  local _, n = get(cmap, ">I2I2", 0)
  for i = 0, n - 1 do
    local _, _, at = get(cmap, ">I2I2I4", 4 + 8 * i)
    if get(cmap, ">I2", at) == 12 then
      local groups, after = {}, -1
      local n_groups = get(cmap, ">I4", at + 12)
      for g = 0, n_groups - 1 do
        local first, last, glyph = get(cmap, ">I4I4I4", at + 16 + 12 * g)
        if first <= after or last < first or last > MOST_CODE_POINT then fail("cmap: code points %d to %d after %d", first, last, after) end
        groups[#groups + 1], after = { first, last, glyph }, last
      end
      return groups
    end
  end
  vt.fail("VT_ERR_UNSUPPORTED", "font: no cmap of format 12")
end

-- Offsets of a subtable's pictures relative to its data: format 1 has 4 bytes each, format 3 has 2.
local widths = { [1] = { ">I4", 4 }, [3] = { ">I2", 2 } }

-- Adds glyph -> { offset in CBDT, size, image format } of one index subtable.
local function read_subtable(cblc, at, first, last, places)
  local index_format, image_format, base = get(cblc, ">I2I2I4", at)
  local width = widths[index_format]
  if not width then vt.fail("VT_ERR_UNSUPPORTED", ("font: CBLC: index format %d; 1 and 3 can be read"):format(index_format)) end
  for glyph = first, last do
    local from = get(cblc, width[1], at + 8 + width[2] * (glyph - first))
    local stop = get(cblc, width[1], at + 8 + width[2] * (glyph - first + 1))
    if stop < from then fail("CBLC: glyph %d ends before it begins", glyph) end
    if stop > from then places[glyph] = { base + from, stop - from, image_format } end
  end
end

-- The largest strike's glyphs.
local function places_of(cblc)
  local best, largest
  local n = get(cblc, ">I4", 4)
  for i = 0, n - 1 do
    local size = get(cblc, ">B", 8 + 48 * i + 44)
    if not best or size > largest then best, largest = 8 + 48 * i, size end
  end
  if not best then fail("CBLC: no strike") end
  local places = {}
  local array, _, n_subtables = get(cblc, ">I4I4I4", best)
  local after = -1 -- ascending, or a small file could ask for any amount of work
  for i = 0, n_subtables - 1 do
    local first, last, more = get(cblc, ">I2I2I4", array + 8 * i)
    if first <= after or last < first then fail("CBLC: glyphs %d to %d after %d", first, last, after) end
    read_subtable(cblc, array + more, first, last, places)
    after = last
  end
  return places
end

-- Bytes of glyph metrics before the length of the PNG data, by image format.
local metrics = { [17] = 5, [18] = 8, [19] = 0 }

local function picture(cbdt, place, glyph)
  local at, size, format = place[1], place[2], place[3]
  local skip = metrics[format]
  if not skip then vt.fail("VT_ERR_UNSUPPORTED", ("font: CBDT: image format %d; PNG (17, 18, 19) can be read"):format(format)) end
  local length = get(cbdt, ">I4", at + skip)
  if skip + 4 + length > size or at + size > cbdt.size then fail("CBDT: glyph %d has %d bytes of picture in %d", glyph, length, size) end
  local from = cbdt.from + at + skip + 4
  return cbdt.bytes:sub(from + 1, from + length)
end

-- Glyphs may share a picture, but a file whose pictures together are so many times as large as itself is out to fill the memory.
local SHARED = 4

-- The pictures of a font's glyphs: a function of a glyph that gives its PNG file or nil, always the same string.
local function reader(t, size)
  local places, taken, sum = places_of(t.CBLC), {}, 0
  return function(glyph)
    if places[glyph] and not taken[glyph] then
      taken[glyph] = picture(t.CBDT, places[glyph], glyph)
      sum = sum + #taken[glyph]
      if sum > SHARED * size then fail("the pictures overlap") end
    end
    return taken[glyph]
  end
end

local function colour_tables(bytes)
  local t = tables(bytes)
  for _, tag in ipairs{ "cmap", "CBLC", "CBDT" } do
    if not t[tag] then vt.fail("VT_ERR_UNSUPPORTED", ("font: no table %s: not a font of PNG bitmaps"):format(tag)) end
  end
  return t
end

-- Code point and picture of each that has one, ascending; `seen` is called with every glyph of the cmap.
local function singles(t, picture_of, seen)
  local list = {}
  for _, group in ipairs(groups_of(t.cmap)) do
    for codepoint = group[1], group[2] do
      local glyph = group[3] + codepoint - group[1]
      if seen then seen(glyph, codepoint) end
      local png = picture_of(glyph)
      if png then list[#list + 1] = { codepoint = codepoint, png = png } end
    end
  end
  return list
end

--- Pictures of a font in the order of their code points, those of one code point each.
-- @tparam string bytes the font file
-- @treturn table list of { codepoint, png = bytes of a PNG file }
function M.pictures(bytes)
  local t = colour_tables(bytes)
  return singles(t, reader(t, #bytes))
end

-- ---- sequences: the ligatures of GSUB ----

local LIGATURE, EXTENSION, MOST_GLYPH = 4, 7, 65535
local MOST_LIGATURES = 1 << 16 -- subtables may overlap: a small file could ask for any amount of work

-- Glyphs of a coverage table, in its order.
local function coverage_of(gsub, at)
  local format, n = get(gsub, ">I2I2", at)
  local glyphs = {}
  for i = 0, n - 1 do
    if format == 1 then
      glyphs[i + 1] = get(gsub, ">I2", at + 4 + 2 * i)
    elseif format == 2 then
      local first, last = get(gsub, ">I2I2", at + 4 + 6 * i)
      if last < first or #glyphs > MOST_LIGATURES then fail("GSUB: coverage of glyphs %d to %d", first, last) end
      for glyph = first, last do glyphs[#glyphs + 1] = glyph end
    else
      fail("GSUB: coverage of format %d", format)
    end
  end
  return glyphs
end

-- Calls found(list of glyphs, the glyph they become) for each ligature of a subtable.
local function read_ligatures(gsub, at, count, found)
  local _, coverage, n_sets = get(gsub, ">I2I2I2", at)
  local firsts = coverage_of(gsub, at + coverage)
  for i = 1, n_sets do
    local set = at + get(gsub, ">I2", at + 4 + 2 * i)
    for j = 1, get(gsub, ">I2", set) do
      local ligature = set + get(gsub, ">I2", set + 2 * j)
      local glyph, n = get(gsub, ">I2I2", ligature)
      count = count + n
      if not firsts[i] or n == 0 or count > MOST_LIGATURES then fail("GSUB: ligature %d of set %d has %d components", j, i, n) end
      local parts = { firsts[i] }
      for k = 2, n do parts[k] = get(gsub, ">I2", ligature + 2 * k) end
      found(parts, glyph)
    end
  end
  return count
end

local function each_ligature(gsub, found)
  local lookups, count = get(gsub, ">I2", 8), 0
  for i = 1, get(gsub, ">I2", lookups) do
    local lookup = lookups + get(gsub, ">I2", lookups + 2 * i)
    local kind, _, n = get(gsub, ">I2I2I2", lookup)
    for j = 1, n do
      local at, of = lookup + get(gsub, ">I2", lookup + 4 + 2 * j), kind
      if kind == EXTENSION then
        local _, inner, offset = get(gsub, ">I2I2I4", at)
        at, of = at + offset, inner
      end
      if of == LIGATURE then count = read_ligatures(gsub, at, count, found) end
    end
  end
end

--- Pictures of single code points, ascending, then those of sequences of code points, in the font's order. A glyph that several sequences lead to comes
-- with each. Sequences of glyphs without a code point are left out.
-- @tparam string bytes the font file
-- @treturn table list of { codepoints = list, png = bytes of a PNG file }
function M.sequences(bytes)
  local t = colour_tables(bytes)
  local picture_of, codepoint_of, list = reader(t, #bytes), {}, {}
  local function seen(glyph, codepoint)
    if glyph <= MOST_GLYPH then codepoint_of[glyph] = codepoint_of[glyph] or codepoint end
  end
  for _, single in ipairs(singles(t, picture_of, seen)) do list[#list + 1] = { codepoints = { single.codepoint }, png = single.png } end
  if not t.GSUB then return list end
  each_ligature(t.GSUB, function(parts, glyph)
    local codepoints = {}
    for i, part in ipairs(parts) do
      codepoints[i] = codepoint_of[part]
      if not codepoints[i] then return end
    end
    local png = picture_of(glyph)
    if png then list[#list + 1] = { codepoints = codepoints, png = png } end
  end)
  return list
end

return M
