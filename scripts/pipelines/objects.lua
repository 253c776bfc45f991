--- Things that can be compared, out of files: rows of numbers (.npy, .csv, .tsv), the emoji of a font, a folder of PNG pictures or of documents.
-- What comes out: { kind = "rows" | "pictures" | "texts", items = list of { title, text or png }, passed_over = number of files that could not be
-- read, and numbers = { dtype, shape = { n, dim }, data = packed } or weights = sparse rows of the index; is_table: of CSV, picture: { width, height } of rows }.
local vt = require "venturi"
local rag = require "pipelines.rag"

local objects = {}

--- A name as text: what is not UTF-8 has no place in JSON or on a page.
function objects.readable(name)
  return utf8.len(name) and name or (name:gsub("[\x80-\xff]", "\u{FFFD}"))
end

-- ---- numbers ----

local function numbered(n, labels)
  local items = {}
  for i = 1, n do items[i] = { title = labels and labels[i] ~= "" and ("%s (row %d)"):format(objects.readable(labels[i]), i - 1) or ("row %d"):format(i - 1) } end
  return items
end

-- Types that are taken as they are; of the others, those that float32 holds exactly, and float64 for the rest.
local floats = { f32 = true, f64 = true }
local narrow = { f16 = true, i8 = true, i16 = true, u8 = true, u16 = true, bool = true }

local function read_npy(bytes, opt)
  local array = vt.npy(bytes)
  local integers = opt.matrix and (array.dtype == "i32" or array.dtype == "i64")
  local bits = array.dtype == "u8" and (opt.metric == "hamming" or opt.metric == "jaccard")
  if not (floats[array.dtype] or integers or bits) then array = vt.npy(bytes, { dtype = narrow[array.dtype] and "f32" or "f64" }) end
  local shape, dim = array.shape, 1
  if #shape == 0 then vt.fail("VT_ERR_SHAPE", "npy: a single number, need rows") end
  for i = 2, #shape do dim = dim * shape[i] end
  return { kind = "rows", items = numbered(shape[1]), picture = #shape == 3 and { shape[3], shape[2] } or nil, passed_over = 0,
    numbers = { dtype = array.dtype, shape = { shape[1], dim }, data = array.data } }
end

local function read_csv(text, opt, name)
  local header = opt.header
  if header == "auto" then header = nil end
  local t = vt.csv.numbers(text, { header = header, label = opt.label_column or nil, separator = name:lower():find("%.tsv$") and "\t" or nil })
  return { kind = "rows", is_table = true, items = numbered(t.n, t.labels), passed_over = 0, numbers = { dtype = "f64", shape = { t.n, t.dim }, data = t.data } }
end

-- ---- many files, some of which may be of no use ----

local fatal = { VT_ERR_CANCELLED = true, VT_ERR_NOMEM = true, VT_ERR_STATE = true }

-- Calls take(thing) for each, and goes on when one cannot be read. Result: how many could not.
local function each(things, take, progress)
  local passed_over = 0
  for i, thing in ipairs(things) do
    vt.poll()
    local _, problem = vt.try(take, thing)
    if problem and fatal[problem.name] then error(problem, 0) end
    if problem then passed_over = passed_over + 1 end
    progress(i / #things, thing.name, problem)
  end
  return passed_over
end

local SMALL = 144 -- pixels a side that a page has a use for

-- The picture itself where it is small, else a small one: a page holds its pictures several times, and photographs would make it hundreds of megabytes.
local function shown(png, image)
  if math.max(image.width, image.height) <= SMALL then return png end
  local scale = SMALL / math.max(image.width, image.height)
  local width, height = math.max(1, math.floor(image.width * scale + 0.5)), math.max(1, math.floor(image.height * scale + 0.5))
  return vt.png.encode(width, height, 3, image:resize{ width = width, height = height, dtype = "u8" })
end

-- Pictures of any size as rows of size x size colours, transparent places white. bytes_of(thing) is a PNG file.
local function read_pictures(things, bytes_of, opt, progress)
  local items, rows = {}, {}
  local function take(thing)
    local png = bytes_of(thing)
    local image = vt.image(png)
    local row, small = image:resize{ width = opt.size, height = opt.size }, shown(png, image)
    rows[#rows + 1] = row
    items[#rows] = { title = objects.readable(thing.name), png = small }
  end
  local passed_over = each(things, take, progress)
  return { kind = "pictures", items = items, passed_over = passed_over,
    numbers = { dtype = "f32", shape = { #items, opt.size * opt.size * 3 }, data = table.concat(rows) } }
end

local function read_font(bytes, opt, _, progress)
  local glyphs = vt.font.pictures(bytes)
  for _, glyph in ipairs(glyphs) do glyph.name = ("U+%04X %s"):format(glyph.codepoint, utf8.char(glyph.codepoint)) end
  return read_pictures(glyphs, function(glyph) return glyph.png end, opt, progress)
end

-- Passages of the documents, and from an index in memory the weights of their words. A copy of another file is taken once.
local function read_documents(folder, files, opt, progress)
  local index, items, seen = vt.index(), {}, {}
  local function take(file)
    local content = folder:read(file.name)
    local print = vt.hash(content)
    if seen[print] then return end
    seen[print] = true
    index:put_source(file.name, print)
    for _, passage in ipairs(rag.chunk(file.name, content, opt)) do
      index:add(file.name, { title = passage.title, text = passage.text, index_title = true })
      -- The last heading of the path says enough beside its neighbours.
      items[#items + 1] = { title = objects.readable(passage.title:match("^.* > (.+)$") or passage.title), text = passage.text, source = file.name }
    end
  end
  local passed_over = each(files, take, progress)
  index:commit()
  return { kind = "texts", items = items, passed_over = passed_over, weights = index:weights() }
end

-- ---- which reader ----

local readers = { npy = read_npy, csv = read_csv, tsv = read_csv, ttf = read_font, otf = read_font }
local LARGEST = 1 << 31 -- bytes of one file of numbers

local function ending(name) return (name:match("%.([^./]+)$") or ""):lower() end

--- Reads what a folder (vt.folder, also of one file) holds: one file of numbers or one font; else PNG pictures or documents, whichever are more.
-- @tparam userdata folder
-- @tparam table opt { matrix, metric, header, label_column, size, max_words } of pipelines.kmedoids
-- @tparam[opt] function progress (fraction, name, problem or nil: what was wrong with a file that is passed over)
function objects.load(folder, opt, progress)
  progress = progress or function() end
  local files, pictures, documents = folder:files(), {}, {}
  local reader = #files == 1 and readers[ending(files[1].name)]
  if reader then return reader(folder:read(files[1].name, { max_size = LARGEST }), opt, files[1].name, progress) end
  for _, file in ipairs(files) do
    if ending(file.name) == "png" then
      pictures[#pictures + 1] = file
    elseif rag.format(file.name) then
      documents[#documents + 1] = file
    end
  end
  if #pictures <= #documents then return read_documents(folder, documents, opt, progress) end
  return read_pictures(pictures, function(file) return folder:read(file.name) end, opt, progress)
end

return objects
