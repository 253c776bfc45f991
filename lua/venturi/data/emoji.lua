--- Emoji and stamps as pictures of 32x32 and 64x64 with their words: Noto's bitmaps, OpenMoji's drawings, Tux Paint's stamps; names and keywords of
-- Unicode CLDR. What is made depends on the files alone. Not here: getting them (venturi.data.fetch).
--
-- Every picture is laid on white in a square of 128 pixels and becomes the mean of exact blocks of 4x4 (or 2x2). Pictures that are equal at 32x32 to an
-- earlier one are dropped, whatever they are called.
local vt = require "venturi"
local annotations = require "venturi.data.annotations"
local words = require "venturi.data.words"

local M = {}

local SQUARE, LONGEST = 128, 120
local VISIBLE = 8 -- alpha above it belongs to a stamp

-- ---- pictures: tables { width, height, data = RGBA } as vt.image gives them ----

local resize = vt.image(vt.png.encode(1, 1, 3, "\0\0\0")).resize

local function crop(image, x, y, width, height)
  local rows = {}
  for i = 0, height - 1 do
    local from = ((y + i) * image.width + x) * 4
    rows[i + 1] = image.data:sub(from + 1, from + width * 4)
  end
  return { width = width, height = height, data = table.concat(rows) }
end

-- The middle square of a picture that is at least as large.
local function middle(image)
  if image.width < SQUARE or image.height < SQUARE then
    vt.fail("VT_ERR_SHAPE", ("emoji: a picture of %d x %d, need %d x %d or more"):format(image.width, image.height, SQUARE, SQUARE))
  end
  return crop(image, (image.width - SQUARE) // 2, (image.height - SQUARE) // 2, SQUARE, SQUARE)
end

-- First and last place (from 0) where a vector of booleans holds; nil where it never does.
local function extent(holds)
  local list = holds:cast("i64"):totable()
  local first, last
  for i, v in ipairs(list) do
    if v ~= 0 then first, last = first or i - 1, i - 1 end
  end
  return first, last
end

-- What can be seen of a picture, its longest side LONGEST pixels long, in the middle of a white square.
local function centred(image)
  local visible = vt.from_string(image.data, "u8", { image.height, image.width, 4 })[{ {}, {}, 4 }]:gt(VISIBLE)
  local left, right = extent(visible:any(1))
  local top, bottom = extent(visible:any(2))
  if not left then return nil end
  local part = crop(image, left, top, right - left + 1, bottom - top + 1)
  local scale = LONGEST / math.max(part.width, part.height)
  local width, height = math.max(1, part.width * scale + 0.5) // 1 | 0, math.max(1, part.height * scale + 0.5) // 1 | 0
  local pixels = resize(part, { width = width, height = height, dtype = "u8" })
  local before, white = (SQUARE - width) // 2, "\255\255\255\255"
  local rows, above = {}, (SQUARE - height) // 2
  for y = 0, SQUARE - 1 do
    if y < above or y >= above + height then
      rows[y + 1] = white:rep(SQUARE)
    else
      local row = pixels:sub((y - above) * width * 3 + 1, (y - above + 1) * width * 3):gsub("...", "%0\255")
      rows[y + 1] = white:rep(before) .. row .. white:rep(SQUARE - before - width)
    end
  end
  return { width = SQUARE, height = SQUARE, data = table.concat(rows) }
end

-- ---- what a picture shows ----

local function has_tone(codepoints)
  for i, c in ipairs(codepoints) do
    if #codepoints > 1 and c >= 0x1f3fb and c <= 0x1f3ff then return i end
  end
end

-- plain, flag, or tone: a person or hand in one of five colours.
local function kind_of(codepoints, name)
  if name:find("^flag: ") then return "flag" end
  return has_tone(codepoints) and "tone" or "plain"
end

local function hex(codepoints)
  local list = {}
  for i, c in ipairs(codepoints) do list[i] = ("%04X"):format(c) end
  return table.concat(list, "-")
end

local function item(source, codepoints, entry)
  return { source = source, kind = kind_of(codepoints, entry.name), name = entry.name, keywords = entry.keywords or {}, code = hex(codepoints) }
end

--- Items of Noto's font that have a name: { source, kind, name, keywords, code, image = function }.
-- @tparam string bytes the font file
-- @tparam table known names by sequence, of venturi.data.annotations
function M.noto(bytes, known)
  local list = {}
  for _, glyph in ipairs(vt.font.sequences(bytes)) do
    local entry = known[annotations.key(glyph.codepoints)]
    if entry and entry.name then
      local it = item("noto", glyph.codepoints, entry)
      it.image = function() return middle(vt.image(glyph.png)) end
      list[#list + 1] = it
    end
  end
  return list
end

--- Items of OpenMoji: `names` are its files' names without ending ("1F44B-1F3FB"), read(name) gives the file's PNG at 144x144.
function M.openmoji(names, read, known)
  local list = {}
  for _, name in ipairs(names) do
    local codepoints = {}
    for digits in name:gmatch("%x+") do
      local c = tonumber(digits, 16)
      if c ~= 0xfe0f then codepoints[#codepoints + 1] = c end
    end
    local entry = known[annotations.key(codepoints)]
    if entry and entry.name then
      local it = item("openmoji", codepoints, entry)
      it.file = name
      it.image = function() return middle(vt.image(read(name))) end
      list[#list + 1] = it
    end
  end
  return list
end

-- The caption of a stamp is the first line of its text file; others are translations. Its keywords are the folders that it lies in.
local function stamp_item(stamp)
  local keywords = { "tuxpaint", "stamps" }
  for folder in stamp.name:gmatch("([^/]+)/") do keywords[#keywords + 1] = folder end
  return { source = "tux", kind = "plain", name = stamp.caption:match("^%s*([^\r\n]-)%s*%f[\r\n\0]"), keywords = keywords, code = stamp.name }
end

--- Items of Tux Paint's stamps: list of { name = place, caption = text of its file }; read(place) gives a PNG.
function M.stamps(list, read)
  local items = {}
  for i, stamp in ipairs(list) do
    items[i] = stamp_item(stamp)
    items[i].image = function() return centred(vt.image(read(stamp.name))) end
  end
  return items
end

-- ---- tensors ----

local function channels_first(list, size)
  return vt.from_string(table.concat(list), "u8", { #list, size, size, 3 }):permute({ 1, 4, 2, 3 }):copy()
end

--- Pictures of items, in their order, each once.
-- @tparam table items of the functions above
-- @tparam table opt { sizes = { 32, 64 }, progress = function(done, all) or false }
-- @treturn table { items = list of { source, kind, name, keywords, code, held_out }, [32] = u8 [n, 3, 32, 32], ..., dropped = source -> number }
function M.build(items, opt)
  opt = vt.options("emoji.build", { sizes = { 32, 64 }, progress = false }, opt)
  local kept, seen, dropped, pixels = {}, {}, {}, {}
  for _, size in ipairs(opt.sizes) do pixels[size] = {} end
  for i, it in ipairs(items) do
    local image = it.image()
    local key = image and resize(image, { width = 32, height = 32, dtype = "u8" })
    if not key or seen[key] then
      dropped[it.source] = (dropped[it.source] or 0) + 1
    else
      seen[key] = true
      kept[#kept + 1] = { source = it.source, kind = it.kind, name = it.name, keywords = it.keywords, code = it.code,
        held_out = words.is_held_out(it.name) }
      for size, list in pairs(pixels) do
        list[#kept] = size == 32 and key or resize(image, { width = size, height = size, dtype = "u8" })
      end
    end
    if opt.progress then opt.progress(i, #items) end
  end
  local out = { items = kept, dropped = dropped }
  for size, list in pairs(pixels) do out[size] = channels_first(list, size) end
  return out
end

-- First code points of things that a person names at once when they are 32 pixels wide. Many lists of ranges have the counts of the study that this set goes
-- back to (493 pictures of each of Noto and OpenMoji, 464 of them to train with); this is one that ends where groups of Unicode end, and holds what is
-- known of that one (a face that exhales, a baby angel, bubbles and an empty nest are in it, a garlic, a tornado, sparkles and hands are not).
local focus = {
  -- faces of people, cats and ghosts
  { 0x1f600, 0x1f644 }, { 0x1f910, 0x1f917 }, { 0x1f920, 0x1f925 }, { 0x1f927, 0x1f92f }, { 0x1f970, 0x1f97a }, { 0x1f9d0, 0x1f9d0 }, { 0x1fae0, 0x1fae7 },
  { 0x1f47b, 0x1f480 },
  { 0x1f400, 0x1f43f }, { 0x1f980, 0x1f9ae }, { 0x1fab0, 0x1faba }, -- animals, some plants
  { 0x1f32d, 0x1f37f }, { 0x1f950, 0x1f96f }, { 0x1fad0, 0x1fad9 }, -- plants, food, drinks
  { 0x1f493, 0x1f49f }, { 0x2763, 0x2764 }, { 0x1f5a4, 0x1f5a4 }, { 0x1f90d, 0x1f90e }, { 0x1f9e1, 0x1f9e1 }, -- hearts
  { 0x26aa, 0x26ab }, { 0x2b1b, 0x2b1c }, { 0x1f534, 0x1f535 }, { 0x1f7e0, 0x1f7eb }, -- coloured circles and squares
  { 0x2600, 0x2604 }, { 0x2b50, 0x2b50 }, { 0x1f308, 0x1f308 }, { 0x1f311, 0x1f320 }, -- the sky
  { 0x1f680, 0x1f6a2 }, { 0x1f3e0, 0x1f3e6 }, { 0x1f451, 0x1f462 }, -- vehicles, buildings, clothes
}

--- Whether an item is of the focus set: plain, and its first code point is in the ranges above.
-- @tparam table it { source, kind, code } of M.build
function M.is_focus(it)
  local first = it.source ~= "tux" and it.kind == "plain" and tonumber(it.code:match("^%x+"), 16)
  for _, range in ipairs(focus) do
    if first and first >= range[1] and first <= range[2] then return true end
  end
  return false
end

--- How many pictures there are: source -> kind -> { train, held out }.
function M.counts(items)
  local counts = {}
  for _, it in ipairs(items) do
    local of = counts[it.source] or {}
    counts[it.source] = of
    of[it.kind] = of[it.kind] or { 0, 0 }
    local n = of[it.kind]
    n[it.held_out and 2 or 1] = n[it.held_out and 2 or 1] + 1
  end
  return counts
end

return M
