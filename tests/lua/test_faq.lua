-- Retrieval on real documents: the Debian FAQ (package debian-faq 11.1, pages *.en.html; `./dev demo` puts them into the cache).
-- Questions are the titles of its sections, and lists of our own in tests/support/questions. The threshold was chosen on offtopic, neartopic
-- and ontopic; the *_held_out lists were written after that and have had no say in it.
local t = require "support"
local vt = require "venturi"
local kmedoids = require "pipelines.kmedoids"
local rag = require "pipelines.rag"

local function faq_folder()
  local path = os.getenv("VT_FAQ")
  path = path or (os.getenv("XDG_CACHE_HOME") or (os.getenv("HOME") or "") .. "/.cache") .. "/venturi/debian-faq-11.1"
  local file = io.open(path .. "/choosing.en.html", "rb")
  if file then file:close() end
  return file and path or nil
end

local function questions(name)
  local list = {}
  for line in (t.read(t.golden .. "/../support/questions/" .. name .. ".txt")):gmatch("[^\n]+") do list[#list + 1] = line end
  return list
end

local function word_count(text)
  return #vt.words(text)
end

--- Sections below the chapters with 20 words or more: { title = without its number, text }.
local function headed_sections(folder)
  local list = {}
  for _, file in ipairs(folder:files()) do
    for _, section in ipairs(vt.sections(folder:read(file.name), "html")) do
      if section.level >= 2 and word_count(section.text) >= 20 then
        list[#list + 1] = { title = section.title:gsub("^[%d.]+%s+", ""), text = section.text }
      end
    end
  end
  return list
end

-- Wilson's interval for hits of n at 95 %.
local function share(hits, n)
  local z, p = 1.96, hits / n
  local middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
  local low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
  return ("%.1f %% (%d of %d; %.1f to %.1f)"):format(100 * p, hits, n, 100 * math.max(low, 0), 100 * high)
end

local path = faq_folder()
if not path then
  t.skip("retrieval on the Debian FAQ", "debian-faq is not in the cache")
  t.done()
end
local folder = vt.folder(path)
local sections = headed_sections(folder)

t.test("a section is among the first five for its own title, the title not being indexed, at 60 % or more", function()
  local index <close> = vt.index()
  index:put_source("faq", 0)
  for _, s in ipairs(sections) do index:add("faq", { text = s.text }) end
  index:commit()
  local depths, found, reciprocal = { 1, 3, 5, 10 }, { 0, 0, 0, 0 }, 0
  for i, s in ipairs(sections) do
    for rank, hit in ipairs(index:search(s.title, #sections)) do
      if hit.id == i - 1 then
        reciprocal = reciprocal + 1 / rank
        for d, depth in ipairs(depths) do found[d] = found[d] + (rank <= depth and 1 or 0) end
      end
    end
  end
  local n = #sections
  print(("# %d sections: recall@1 %.3f, @3 %.3f, @5 %.3f, @10 %.3f, MRR %.3f"):format(n, found[1] / n, found[2] / n, found[3] / n, found[4] / n, reciprocal / n))
  assert(n >= 135 and n <= 155, "sections: " .. n)
  assert(found[3] / n >= 0.60, "recall@5 is " .. found[3] / n)
end)

-- Share of passages that are in the file from which most of their cluster comes.
local function purity(items, labels, n)
  local hits, counts = 0, {}
  for c = 1, n do counts[c] = {} end
  for i, label in ipairs(labels) do
    local of = counts[label + 1]
    of[items[i].source] = (of[items[i].source] or 0) + 1
  end
  for _, of in ipairs(counts) do
    local most = 0
    for _, count in pairs(of) do most = math.max(most, count) end
    hits = hits + most
  end
  return hits / #labels
end

-- The headings above a passage count among its words, the file it comes from does not.
t.test("clusters of the passages follow the chapters", function()
  local opt = kmedoids.options{ k = 16 }
  local data = kmedoids.load(folder, opt)
  local distance <close> = kmedoids.distance(data, opt)
  local clustering <close> = kmedoids.cluster(distance, opt)
  local labels, order, shuffled = clustering:labels(), {}, {}
  local draws = vt.random.uniform(1, #labels)
  for i = 1, #labels do order[i] = i end
  table.sort(order, function(a, b) return draws[a] < draws[b] end)
  for i, j in ipairs(order) do shuffled[i] = labels[j] end
  local real, chance = purity(data.items, labels, 16), purity(data.items, shuffled, 16)
  print(("# %d passages in 16 clusters: purity by chapter %.3f, shuffled %.3f"):format(#labels, real, chance))
  assert(real >= 0.5 and chance < 0.35, ("purity %.3f, by chance %.3f"):format(real, chance))
end)

t.test("what the documents do not say is told apart from what they do", function()
  local opt = rag.options()
  local index <close> = vt.index()
  local passages = rag.update(index, folder, opt).passages
  local function answered(list)
    local hits = 0
    for _, question in ipairs(list) do
      if #rag.retrieve(index, question, opt) > 0 then hits = hits + 1 end
    end
    return hits, #list
  end
  local titles = {}
  for i, s in ipairs(sections) do titles[i] = s.title end
  local refused, n_titles = answered(titles)
  refused = n_titles - refused
  print(("# %d passages, threshold %.2f"):format(passages, opt.min_coverage))
  print("# titles refused: " .. share(refused, n_titles))
  assert(refused / n_titles <= 0.10, "titles refused: " .. refused)
  for half, lists in pairs{ chosen = { "offtopic", "ontopic" }, held_out = { "offtopic_held_out", "ontopic_held_out" } } do
    local off, n_off = answered(questions(lists[1]))
    local on, n_on = answered(questions(lists[2]))
    print(("# %s: off topic answered %s, on topic refused %s"):format(half, share(off, n_off), share(n_on - on, n_on)))
    assert(off / n_off <= 0.10, half .. ": off topic answered: " .. off)
  end
  print("# other software answered " .. share(answered(questions("neartopic"))))
end)

t.done()
