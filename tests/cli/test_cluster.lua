-- venturi cluster: every kind of input, small and made here; what it prints, its JSON and its page; what it refuses.
local shell = require "shell"
local t = require "support"
local tiny_font = require "tiny_font"
local vt = require "venturi"
local expect, run = shell.expect, shell.run

local function at(name) return shell.home .. "/" .. name end

local function json(...)
  local object = vt.json.decode(expect(run("cluster", "--json", ...), 0).out)
  t.equal(object.schema, 1)
  return object
end

local function write_npy(name, descr, shape, data)
  local head = ("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n"):format(descr, shape)
  t.write(at(name), "\x93NUMPY\1\0" .. ("<s2"):pack(head) .. data)
  return at(name)
end

-- Three heaps of bytes in the plane, four each: around (10, 10), (200, 10) and (10, 200).
local heaps = {}
for _, middle in ipairs{ { 10, 10 }, { 200, 10 }, { 10, 200 } } do
  for _, off in ipairs{ { 0, 0 }, { 1, 0 }, { 0, 1 }, { 5, 5 } } do heaps[#heaps + 1] = { middle[1] + off[1], middle[2] + off[2] } end
end
local bytes = ""
for _, p in ipairs(heaps) do bytes = bytes .. string.char(p[1], p[2]) end
local rows = write_npy("rows.npy", "|u1", "12, 2", bytes)
local labels = { 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2 }

-- Labels of JSON, renumbered in the order in which they appear.
local function in_order(list)
  local number, next_number, out = {}, 0, {}
  for i, label in ipairs(list) do
    if not number[label] then number[label], next_number = next_number, next_number + 1 end
    out[i] = number[label]
  end
  return out
end

t.test("rows of an .npy file: text has a block a cluster and the totals", function()
  local out = expect(run("cluster", "-k", "3", rows), 0).out
  for c = 0, 2 do assert(out:find(("\n[%d] row "):format(c), 1, true) or out:find(("^%%[%d%%] row "):format(c)), out) end
  assert(out:find("(4 objects, silhouette 0.9", 1, true), out)
  assert(out:find("\n12 objects, 3 clusters; loss ", 1, true) and out:find(" silhouette 0.9", 1, true) and out:find("; %d+%.%d%d s\n$"), out)
  local none = expect(run("cluster", "-k", "3", "--members", "0", rows), 0).out
  assert(none:find("and 3 more", 1, true))
  t.equal(run("cluster", "-k", "3", rows).err, "")
end)

t.test("JSON has medoids, labels, clusters, figures and the options, all counted from 0", function()
  local o = json("-k", "3", "--seed", "5", rows)
  t.equal({ o.k, o.n, in_order(o.labels), #o.medoids, #o.clusters, o.kind, o.dtype }, { 3, 12, labels, 3, 3, "rows", "f32" })
  t.equal({ o.options.k, o.options.seed, o.options.method, o.options.metric, o.input }, { 3, 5, "fasterpam", "l2", rows })
  local sum = 0
  for c, cluster in ipairs(o.clusters) do
    t.equal({ cluster.medoid, cluster.size, o.labels[cluster.medoid + 1] }, { o.medoids[c], 4, c - 1 })
    t.equal(cluster.title, "row " .. cluster.medoid)
    sum = sum + cluster.loss
  end
  assert(math.abs(sum - o.loss) < 1e-9 and o.silhouette > 0.9 and o.medoid_silhouette > 0.9 and o.seconds >= 0 and o.n_iter >= 1 and o.n_swap >= 0)
  t.equal(o.curve, nil)
end)

t.test("without -k the number of clusters is chosen, and the curve is there", function()
  local o = json(rows)
  t.equal({ o.k, o.options.method, #o.curve, o.curve[1].k, o.curve[#o.curve].k }, { 3, "dynmsc", 2, 2, 3 })
  local narrow = json("--auto", "2:4", rows)
  t.equal({ narrow.k, #narrow.curve }, { 3, 3 })
  for i = 1, 3 do assert(narrow.curve[i].silhouette <= narrow.curve[2].silhouette) end
end)

t.test("the same seed gives the same clusters on any number of threads, with each method", function()
  for _, method in ipairs{ "fasterpam", "fastpam1", "pam", "alternating", "fasterclara", "fastclarans", "fastermsc", "fastmsc", "pammedsil", "pamsil" } do
    local one = json("-k", "3", "--method", method, "-t", "1", "--seed", "9", rows)
    local two = json("-k", "3", "--method", method, "-t", "2", "--seed", "9", rows)
    one.seconds, two.seconds = nil, nil
    t.equal(one, two, method)
    t.equal(one.options.method, method)
  end
  t.equal(in_order(json("-k", "3", "--init", "build", rows).labels), labels)
end)

t.test("a matrix of distances is clustered as it is, integers exactly", function()
  local data = ""
  for i, a in ipairs(heaps) do
    for j, b in ipairs(heaps) do data = data .. ("<i4"):pack(math.abs(a[1] - b[1]) + math.abs(a[2] - b[2]) + (i == j and 0 or 0)) end
  end
  local o = json("-k", "3", "--matrix", write_npy("matrix.npy", "<i4", "12, 12", data))
  t.equal({ in_order(o.labels), o.dtype, math.type(o.loss), math.type(o.clusters[1].loss), o.options.metric }, { labels, "i32", "integer", "integer", nil })
  expect(run("cluster", "-k", "3", "--matrix", rows), 1, nil, "venturi: cluster: ")
end)

t.test("CSV and TSV: labels, headers, and errors with their place", function()
  local csv = { "name,x,y" }
  for i, p in ipairs(heaps) do csv[#csv + 1] = ("item %d,%d,%d"):format(i, p[1], p[2]) end
  t.write(at("heaps.csv"), table.concat(csv, "\n"))
  t.write(at("heaps.tsv"), (table.concat(csv, "\n", 2):gsub(",", "\t")))
  local o = json("-k", "3", at("heaps.csv"))
  t.equal(in_order(o.labels), labels)
  assert(o.clusters[1].title:find("^item %d+ %(row %d+%)$"), o.clusters[1].title)
  t.equal(json("-k", "3", at("heaps.tsv")).labels, o.labels)
  t.equal(json("-k", "3", "--label-column", "name", at("heaps.csv")).labels, o.labels)
  t.equal(json("-k", "3", "--label-column", "1", "--header", "yes", at("heaps.csv")).labels, o.labels)
  expect(run("cluster", "-k", "3", "--label-column", "no", at("heaps.csv")), 3, nil, "no column is called 'no'")
  t.write(at("bad.csv"), "x,y\n1,2\n3,oops\n")
  expect(run("cluster", "-k", "2", at("bad.csv")), 4, nil, "csv: line 3, column 2: 'oops' is not a finite number")
end)

-- ---- documents ----

local docs = t.folder()
t.write(docs .. "/pets.md", "# Cats\n\nA cat sleeps and purrs; the cat eats fish.\n\n# Kittens\n\nA kitten is a small cat that purrs and eats fish.\n")
t.write(docs .. "/ships.html", "<h1>Ships</h1><p>A ship sails the sea with an anchor.</p><h1>Harbours</h1><p>In the harbour a ship drops its anchor into the sea.</p>")
t.write(docs .. "/hostile.md", "# <script>alert('x')</script>\27[31m\n\nA ship sails <b>the</b> sea; its anchor is \"heavy\" & old.\n")
t.write(docs .. "/copy.md", t.read(docs .. "/pets.md"))

t.test("documents: passages are grouped by their words, copies count once", function()
  local o = json("-k", "2", docs)
  t.equal({ o.kind, o.n, o.options.metric }, { "texts", 5, "cosine" })
  local by_title = {}
  local text = expect(run("cluster", "-k", "2", docs), 0).out
  for c, cluster in ipairs(o.clusters) do by_title[c] = cluster.size end
  table.sort(by_title)
  t.equal(by_title, { 2, 3 })
  assert(text:find("Kittens", 1, true) and text:find("Harbours", 1, true) and not text:find("\27", 1, true), text)
end)

t.test("the page escapes what the documents say, and needs nothing from outside", function()
  local page = at("page.html")
  expect(run("cluster", "-k", "2", "--html", page, docs), 0)
  local html = t.read(page)
  assert(html:find("&lt;script&gt;alert(&#39;x&#39;)", 1, true) and not html:find("<script", 1, true))
  assert(not html:find("\27") and not html:find("http", 1, true) and html:find("prefers-color-scheme: dark", 1, true))
  for _, part in ipairs{ "<h2>Medoids", "<h2>Map", "<h2>Silhouettes", "<h2>Clusters", "Harbours", "</html>" } do assert(html:find(part, 1, true), part) end
  expect(run("cluster", "-k", "2", "--html", page, docs), 1, nil, page .. ": exists already\nAdd --force")
  expect(run("cluster", "-k", "2", "--html", page, "--force", docs), 0)
end)

-- ---- pictures ----

local function tiny_picture(r, g, b) return vt.png.encode(2, 2, 3, string.char(r, g, b):rep(4)) end

t.test("a folder of PNG pictures is grouped by colour; one that is no picture is passed over", function()
  local album, page = t.folder(), at("album.html")
  for i = 0, 3 do
    t.write(("%s/red%d.png"):format(album, i), tiny_picture(250 - i, i, 0))
    t.write(("%s/sea%d.png"):format(album, i), tiny_picture(0, 100 + i, 250 - i))
  end
  t.write(album .. "/zzz.png", "no picture")
  t.write(album .. "/about.txt", "my pictures")
  local o = json("-k", "2", "--size", "2", album)
  t.equal({ o.kind, o.n, o.passed_over, in_order(o.labels) }, { "pictures", 8, 1, { 0, 0, 0, 0, 1, 1, 1, 1 } })
  expect(run("cluster", "-k", "2", "--html", page, album), 0, "red", "zzz.png: passed over: image: neither a PNG nor a JPEG file")
  local html = t.read(page)
  assert(html:find('src="' .. vt.page.png(t.read(album .. "/red0.png")), 1, true), "the picture itself is in the page")
end)

t.test("names that are not UTF-8 become readable, one cluster has no silhouette, and a full disk is a failure", function()
  local album, page = t.folder(), at("one.html")
  for i = 0, 2 do t.write(("%s/\xff%d.png"):format(album, i), tiny_picture(0, i, 0)) end
  local o = json("-k", "1", "--html", page, album)
  t.equal({ o.clusters[1].title, o.silhouette, o.medoid_silhouette, o.clusters[1].silhouette }, { "\u{FFFD}1.png", nil, nil, nil })
  assert(utf8.len(t.read(page)) and not t.read(page):find("<h2>Silhouettes", 1, true))
  if not io.open("/dev/full") then return end
  expect(run("cluster", "-k", "2", "--html", "/dev/full", "--force", album), 1, nil, "/dev/full: ")
  expect(run("cluster", "-k", "2", "--json", "--output", "/dev/full", "--force", t.golden .. "/digits1797.npy"), 1, nil, "/dev/full: ")
end)

t.test("passages without a word are objects like others", function()
  local folder = t.folder()
  t.write(folder .. "/a.txt", "...")
  t.write(folder .. "/b.txt", "!!! ???")
  t.equal(json("-k", "1", "--html", at("wordless.html"), folder).n, 2)
end)

t.test("the emoji of a font are grouped by colour", function()
  local glyphs = {}
  for i = 0, 5 do glyphs[i + 1] = { codepoint = 0x1f600 + i, png = i % 2 == 0 and tiny_picture(255, i, 0) or tiny_picture(0, i, 255) } end
  t.write(at("tiny.ttf"), tiny_font.make(glyphs))
  local o = json("-k", "2", at("tiny.ttf"))
  t.equal({ o.n, in_order(o.labels) }, { 6, { 0, 1, 0, 1, 0, 1 } })
  assert(o.clusters[1].title:find("^U%+1F60%d "))
end)

t.test("rows that are pictures are shown as such", function()
  local page = at("digits.html")
  expect(run("cluster", "-k", "10", "--picture", "8x8", "--html", page, t.golden .. "/digits1797.npy"), 0, "1797 objects, 10 clusters; loss 51")
  assert(t.read(page):find('class="pixels" src="data:image/png;base64,', 1, true))
  expect(run("cluster", "-k", "3", "--picture", "8", rows), 2, nil, "option '--picture' must be WxH")
end)

-- ---- refusals ----

t.test("options that do not fit are usage errors", function()
  local function refused(message, ...) expect(run("cluster", ...), 2, nil, message) end
  refused("--auto and -k exclude each other", "-k", "2", "--auto", "2:3", rows)
  refused("option '--auto' must be MIN:MAX", "--auto", "5", rows)
  refused("option '--auto' must be MIN:MAX, 2 or more, got '1:3'", "--auto", "1:3", rows)
  refused("option '--auto' must be MIN:MAX", "--auto", "2:99999999999999999999", rows)
  refused("option '--picture' needs --html", "-k", "2", "--picture", "2x1", rows)
  refused("--members and --json exclude each other", "-k", "2", "--members", "2", "--json", rows)
  refused("option '--html' must be a file", "-k", "2", "--html", "-", rows)
  refused("--html and --output name the same file", "-k", "2", "--html", at("same"), "--output", at("same"), rows)
  refused("option '--auto': 5 is more than 3", "--auto", "5:3", rows)
  refused("option '--method' needs -k", "--method", "pam", rows)
  refused("option '--sample-size' is not for method fasterpam", "-k", "2", "--sample-size", "5", rows)
  refused("option '--restarts' is not for method dynmsc", "--restarts", "5", rows)
  refused("option '--max-iter' is not for method fastclarans", "-k", "2", "--method", "fastclarans", "--max-iter", "3", rows)
  refused("option '--init' is not for method fasterclarans", "-k", "2", "--method", "fasterclarans", "--init", "lab", rows)
  refused("option '--shuffle' is not for method pam", "-k", "2", "--method", "pam", "--shuffle", rows)
  refused("option '--size' is for pictures, and " .. rows .. " is something else", "-k", "2", "--size", "8", rows)
  refused("option '--label-column' is for CSV", "-k", "2", "--label-column", "x", rows)
  refused("option '--picture' is for rows", "-k", "2", "--html", at("none.html"), "--picture", "2x2", docs)
  refused("option '--picture': 2 x 2 are not the 2 numbers of a row", "-k", "2", "--html", at("none.html"), "--picture", "2x2", rows)
  refused("--matrix and --metric exclude each other", "-k", "2", "--matrix", "--metric", "l1", rows)
  refused("option '--clusters' must be at least 1", "-k", "0", rows)
  refused("missing argument 'input'", "-k", "2")
end)

t.test("a run that fails leaves no file in the way of the next one", function()
  t.write(at("nan.csv"), "x\n1\nnan\n")
  expect(run("cluster", "-k", "1", "--output", at("late.txt"), "--html", at("late.html"), at("nan.csv")), 4)
  assert(not io.open(at("late.txt")) and not io.open(at("late.html")))
  t.write(at("early.html"), "kept")
  local r = expect(run("cluster", "-k", "1", "--html", at("early.html"), at("nan.csv")), 1, nil, "exists already") -- before anything is read
  t.equal({ r.out, t.read(at("early.html")) }, { "", "kept" })
end)

t.test("what files say cannot command the terminal", function()
  local album = t.folder()
  t.write(album .. "/ok.png", tiny_picture(1, 2, 3))
  t.write(album .. "/\27[31mred.png", "x")
  local r = expect(run("cluster", "-k", "1", album), 0, nil, "?[31mred.png: passed over")
  assert(not r.err:find("\27"))
  t.write(at("escape.csv"), "x\n1\n\27]0;title\7" .. ("z"):rep(5000) .. "\n")
  r = expect(run("cluster", "-k", "1", at("escape.csv")), 4, nil, "line 3, column 1: '?]0;title?zzz")
  assert(not r.err:find("[\7\27]") and #r.err < 200)
end)

t.test("a matrix in which some cannot be reached has a loss of null", function()
  local far = write_npy("far.npy", "<f4", "3, 3", ("<fffffffff"):pack(0, 1, math.huge, 1, 0, math.huge, math.huge, math.huge, 0))
  local o = json("-k", "1", "--matrix", far)
  t.equal({ o.loss, o.clusters[1].loss }, { vt.null, vt.null })
end)

t.test("bytes are shown as pictures under every metric, and bits are wanted where bits are compared", function()
  local page = at("bits.html")
  expect(run("cluster", "-k", "2", "--metric", "hamming", "--html", page, "--picture", "2x1", rows), 0)
  assert(t.read(page):find('class="pixels" src="data:image/png;base64,', 1, true))
  t.write(at("floats.csv"), "1\n2\n")
  expect(run("cluster", "-k", "2", "--metric", "jaccard", at("floats.csv")), 4, nil, "metric jaccard: rows must be packed bits")
end)

t.test("large pictures are small in the page", function()
  local album, page = t.folder(), at("large.html")
  for i = 0, 2 do t.write(("%s/%d.png"):format(album, i), vt.png.encode(400, 100, 3, string.char(i, 2 * i, 3):rep(40000))) end
  expect(run("cluster", "-k", "1", "--html", page, album), 0)
  local html = t.read(page)
  assert(#html < 200000, #html)
  assert(html:find(vt.page.base64(vt.png.encode(144, 36, 3, string.char(1, 2, 3):rep(144 * 36))):sub(1, 1000), 1, true))
end)

t.test("inputs that do not fit are named, with the exit code of their kind", function()
  local function refused(code, message, ...) expect(run("cluster", ...), code, nil, message) end
  refused(3, "no such file or folder", "-k", "2", at("none.npy"))
  refused(1, "-k 13: there are only 12 objects", "-k", "13", rows)
  refused(1, "--auto 2:13: there are only 12 objects", "--auto", "2:13", rows)
  local one = write_npy("one.npy", "<f4", "1, 2", ("<ff"):pack(1, 2))
  refused(1, "cannot be chosen among 1 objects\nSay how many with -k N.", one)
  expect(run("cluster", "-k", "1", one), 0, "1 objects, 1 clusters; loss 0")
  t.write(at("cut.npy"), t.read(rows):sub(1, -5))
  refused(4, "npy: 24 elements need 24 bytes, 20 are there", "-k", "2", at("cut.npy"))
  refused(1, "1", "-k", "2", write_npy("nan.npy", "<f4", "3, 1", ("<fff"):pack(0, 0 / 0, 1)))
  refused(3, "nothing to cluster", "-k", "2", write_npy("empty.npy", "<f4", "0, 2", ""))
  local empty = t.folder()
  refused(3, empty .. ": nothing to cluster\nA folder may hold", "-k", "2", empty)
  t.write(at("text.ttf"), "no font")
  refused(4, "not an OpenType font", "-k", "2", at("text.ttf"))
end)

t.done()
