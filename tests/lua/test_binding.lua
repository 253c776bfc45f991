-- The frame of the binding: versions, errors as objects, option tables, closed handles, the collector, random numbers, folders.
local t = require "support"
local vt = require "venturi"

local small = { top_k = 3, temperature = 0.7, seed = 1 }

t.test("versions and kernels have names", function()
  assert(vt.version():find("^%d+%.%d+%.%d+$"))
  assert(math.type(vt.abi_version()) == "integer")
  assert(#vt.isa() > 0 and vt.threads() >= 1)
  t.equal(vt.status_name(-7), "VT_ERR_NOT_FOUND")
end)

t.test("Fourier transforms may be another library's where it is there", function()
  local x = vt.randn(3, 24, { seed = 1, dtype = "f64" })
  local function spectrum() return vt.op.rfft(x):abs() end
  local own = spectrum()
  local _, err = vt.try(vt.fft_select, "fftw")
  if err then t.equal(err.name, "VT_ERR_UNSUPPORTED") end
  assert((spectrum() - own):abs():max():item() < 1e-12)
  vt.fft_select "own"
  t.equal(spectrum():totable(), own:totable())
  t.raises("invalid option 'mkl'", vt.fft_select, "mkl")
end)

t.test("a failed status is an error object with code, name, message and the caller's place", function()
  local function caller() return vt.folder("/no/such/folder") and nil end
  local err = t.raises("/no/such/folder", caller)
  t.equal(err.name, "VT_ERR_NOT_FOUND")
  t.equal(err.code, -7)
  assert(err.message:find("/no/such/folder", 1, true) and not err.message:find("test_binding", 1, true))
  local text = tostring(select(2, pcall(function() local x = vt.sampler{ top_p = 7 } return x end)))
  assert(text:find("test_binding.lua:%d+: "), text)
end)

t.test("try turns a status into nil and the error, and nothing else", function()
  local folder, err = vt.try(vt.folder, "/no/such/folder")
  assert(folder == nil and err.name == "VT_ERR_NOT_FOUND")
  t.equal({ vt.try(function() return 1, 2 end) }, { 1, 2 })
  t.raises("a bug", vt.try, error, "a bug")
  t.raises("bad argument", vt.try, vt.folder, {})
end)

t.test("unknown options are refused by name", function()
  local err = t.raises("unknown option 'temprature'", vt.sampler, { temprature = 1 })
  assert(err.name == "VT_ERR_INVALID" and err.message:find("temperature", 1, true), "the known ones are listed")
  t.raises("unknown option '1'", vt.sampler, { 0.5 })
  t.raises("unknown option 'crate'", vt.index, nil, { crate = true })
  t.raises("unknown option 'strem'", vt.random.words, 1, 1, { strem = 1 })
  t.raises("unknown option 'max'", function() vt.folder("."):read("x", { max = 1 }) end)
end)

t.test("options of the wrong type or out of range are refused with the value", function()
  t.raises("option 'top_k' must be an integer, got 2.5", vt.sampler, { top_k = 2.5 })
  t.raises("option 'top_k' must be an integer, got string", vt.sampler, { top_k = "3" })
  t.raises("option 'top_k' is -1", vt.sampler, { top_k = -1 })
  t.raises("option 'create' must be true or false, got 1", vt.index, nil, { create = 1 })
  t.raises("option 'weighting' is 'tfidf', must be one of bm25, given", vt.index, nil, { weighting = "tfidf" })
  t.raises("options must be a table, got string", vt.index, nil, "create")
  t.raises("top-p 2", vt.sampler, { top_p = 2 })
end)

t.test("close is idempotent, use after close says so", function()
  local s = vt.sampler(small)
  s:close()
  s:close()
  local err = t.raises("sampler is closed", s.sample, s, { 1, 2 })
  t.equal(err.name, "VT_ERR_STATE")
  assert(tostring(s):find("closed"))
  local index = vt.index()
  index:close()
  t.raises("index is closed", index.count, index)
  t.raises("index is closed", function() index:search("x") end)
  local folder = vt.folder(".")
  folder:close()
  t.raises("folder is closed", folder.files, folder)
end)

t.test("to-be-closed variables release at the end of their block", function()
  local kept
  do
    local s <close> = vt.sampler(small)
    kept = s
  end
  t.raises("sampler is closed", kept.reset, kept)
end)

t.test("a method of one type refuses an object of another", function()
  local s, index = vt.sampler(small), vt.index()
  t.raises("vt.index expected, got vt.sampler", index.count, s)
  t.raises("vt.sampler expected, got table", s.reset, {})
  t.raises("vt.sampler expected", s.reset)
end)

t.test("the metatable is out of reach", function()
  local s = vt.sampler(small)
  t.equal(getmetatable(s), "locked")
  assert(not pcall(setmetatable, s, {}))
end)

t.test("native memory is given back by the collector", function()
  collectgarbage()
  local before = vt.memory()
  for _ = 1, 2000 do
    local index = vt.index()
    index:put_source("a", 1)
    index:add("a", { title = "t", text = ("word "):rep(500) })
  end
  local _, peak = vt.memory()
  assert(peak < before + (160 << 20), ("peak %d"):format(peak))
  collectgarbage()
  local alive = vt.memory()
  assert(alive < before + (1 << 20), ("%d before, %d after"):format(before, alive))
end)

t.test("random numbers are a function of seed, stream and position", function()
  t.equal(vt.random.words(7, 2), { 4099963437, 3221879260 })
  t.equal(vt.random.words(7, 1, { stream = 3 }), { 2545112793 })
  t.equal(vt.random.words(7, 1, { first = 1 }), { 3221879260 })
  t.equal(vt.random.uniform(1, 0), {})
  for _, x in ipairs(vt.random.uniform(5, 100)) do assert(x >= 0 and x < 1) end
  t.raises("count", vt.random.normal, 1, -2)
end)

t.test("hashes are 64-bit integers of the bytes", function()
  t.equal(vt.hash("abc"), vt.hash("abc"))
  assert(vt.hash("abc") ~= vt.hash("abd") and math.type(vt.hash("")) == "integer")
end)

t.test("a folder lists and reads what is below it and nothing else", function()
  local root = t.folder()
  assert(os.execute(("mkdir '%s/sub'"):format(root)))
  t.write(root .. "/b.txt", "bee")
  t.write(root .. "/sub/a.txt", "")
  t.write(root .. "/.hidden", "no")
  local folder <close> = vt.folder(root)
  t.equal(folder:files(), { { name = "b.txt", size = 3 }, { name = "sub/a.txt", size = 0 } })
  t.equal(folder:read("b.txt"), "bee")
  t.equal(folder:read("sub/a.txt"), "")
  t.equal(t.raises("", folder.read, folder, "../etc/passwd").name, "VT_ERR_NOT_FOUND")
  t.equal(t.raises("", folder.read, folder, "b.txt", { max_size = 2 }).name, "VT_ERR_LIMIT")
  t.write(root .. "/c.txt", "new")
  t.equal(#folder:refresh():files(), 3)
  t.raises("no folder was lent", vt.folder)
end)

t.test("poll passes while nobody cancels", function() vt.poll() end)

t.done()
