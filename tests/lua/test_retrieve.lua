-- Indexes: sources and passages, searches, files.
local t = require "support"
local vt = require "venturi"

local function filled(path, options)
  local index = vt.index(path, options)
  index:put_source("a.txt", 11)
  index:add("a.txt", { title = "Cats", text = "A cat sleeps all day." })
  index:add("a.txt", { title = "Dogs", text = "A dog barks at the cat.", index_title = true })
  index:put_source("b.txt", 22)
  index:add("b.txt", { title = "Fish", text = "Fish swim." })
  index:commit()
  return index
end

t.test("hits come best first with everything that is known of them", function()
  local index <close> = filled()
  t.equal(index:count(), 3)
  local hits = index:search("dogs", 5)
  t.equal(#hits, 1)
  t.equal({ hits[1].source, hits[1].title, hits[1].text, hits[1].id, hits[1].coverage }, { "a.txt", "Dogs", "A dog barks at the cat.", 1, 1.0 })
  hits = index:search("cat day")
  assert(#hits == 2 and hits[1].title == "Cats" and hits[1].score > hits[2].score)
  t.equal(#index:search("cat day", 1), 1)
  t.equal(#index:search("cat day", 5, { min_coverage = 0.9 }), 1)
  t.equal(index:search("unicorn"), {})
  t.raises("k must be >= 1", index.search, index, "cat", 0)
  t.raises("unknown option 'coverage'", index.search, index, "cat", 1, { coverage = 1 })
end)

t.test("sources have fingerprints; what is removed is gone after the commit", function()
  local index <close> = filled()
  t.equal(index:sources(), { ["a.txt"] = 11, ["b.txt"] = 22 })
  index:remove_source("a.txt")
  t.equal(#index:search("cat"), 2)
  index:commit()
  t.equal(#index:search("cat"), 0)
  t.equal(t.raises("", index.fingerprint, index, "a.txt").name, "VT_ERR_NOT_FOUND")
  t.equal(index:fingerprint("b.txt"), 22)
  t.equal(t.raises("", index.add, index, "a.txt", { text = "x" }).name, "VT_ERR_NOT_FOUND")
  t.raises("unknown option 'body'", index.add, index, "b.txt", { body = "x" })
end)

t.test("an index file is found again, and a foreign one refused", function()
  local path = t.folder() .. "/x.vtindex"
  t.equal(t.raises("", vt.index, path).name, "VT_ERR_NOT_FOUND")
  filled(path, { create = true }):close()
  local index <close> = vt.index(path, { read_only = true })
  t.equal(#index:search("cat"), 2)
  t.equal(t.raises("", index.put_source, index, "c", 1).name, "VT_ERR_STATE")
  local bytes = t.read(path)
  t.write(path, bytes:sub(1, #bytes // 2))
  t.equal(t.raises("", vt.index, path).name, "VT_ERR_FORMAT")
  t.write(path, "something else")
  t.equal(t.raises("", vt.index, path).name, "VT_ERR_FORMAT")
end)

t.test("given weights are used as they are", function()
  local index <close> = vt.index(nil, { weighting = "given" })
  index:put_source("s", 0)
  index:add("s", { title = "one", terms = { { "x", 2 }, { "y", 1 } } })
  index:add("s", { title = "two", terms = { { "x", 1 } } })
  index:commit()
  local hits = index:search_terms({ { "x", 3 } }, 5)
  t.equal({ hits[1].title, hits[1].score, hits[2].score }, { "one", 6.0, 3.0 })
  t.equal(t.raises("", index.search, index, "x").name, "VT_ERR_STATE")
  t.raises("terms[1] must be { string, number }", index.search_terms, index, { { 1, 2 } })
  t.raises("terms[2] must be", index.search_terms, index, { { "x", 2 }, "y" })
end)

t.test("no code of a table runs between a handle and its use", function()
  local index = filled()
  local closer = setmetatable({}, { __index = function() index:close() end })
  t.equal(#index:search("cat", 3, closer), 2)
  t.equal(index:count(), 3)
  local fresh = setmetatable({}, { __index = function(_, key)
    collectgarbage()
    return key == "terms" and {} or key == "index_title" or ("fresh "):rep(100)
  end })
  index:add("a.txt", fresh) -- absent fields: an empty passage, or one that the index refuses
  index:commit()
  t.equal(index:search("fresh"), {})
  index:close()
end)

t.test("terms in weak tables live as long as they are used", function()
  local index <close> = vt.index(nil, { weighting = "given" })
  local function weak(n)
    local list = setmetatable({}, { __mode = "v" })
    for i = 1, n do list[i] = { ("term %d "):format(i):rep(10), i } end
    return list
  end
  index:put_source("s", 0)
  for n = 1, 200, 20 do
    pcall(index.add, index, "s", { title = "x", terms = weak(n) }) -- what is collected before it is read is refused
    pcall(index.search_terms, index, weak(n), 3)
  end
  index:commit()
end)

t.done()
