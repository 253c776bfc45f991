-- Sandboxes made from Lua: what they may, what they may not, what stops them.
local t = require "support"
local vt = require "venturi"

local function run(text, options)
  local script <close> = vt.script(options)
  script:load("test", text)
  return script
end

t.test("values go in and out", function()
  local script <close> = vt.script()
  script:load("f", "function f(a, b) return a + 1, { b, x = vt == nil } end")
  t.equal({ script:call("f", 41, "s") }, { 42, { "s", x = true } })
  assert(script:memory() > 1000)
  t.equal(t.raises("nosuch", script.call, script, "nosuch").name, "VT_ERR_NOT_FOUND")
end)

t.test("print arrives line by line, and an error in it comes through", function()
  local lines = {}
  run("print('a', 1) print('b')", { print = function(line) lines[#lines + 1] = line end })
  t.equal(lines, { "a\t1", "b" })
  t.raises("stop it", run, "print 'x'", { print = function() error("stop it") end })
end)

t.test("limits hold", function()
  t.equal(t.raises("instruction limit", run, "while true do end", { instructions = 10000 }).name, "VT_ERR_LIMIT")
  t.equal(t.raises("time limit", run, "while true do end", { time_ms = 50 }).name, "VT_ERR_LIMIT")
  t.equal(t.raises("", run, "local t = {} for i = 1, 1e7 do t[i] = {} end", { memory = 4 << 20 }).name, "VT_ERR_NOMEM")
  t.equal(t.raises("test:1:", run, "x = = 1").name, "VT_ERR_FORMAT")
end)

t.test("nothing reaches outside but what was lent", function()
  local root = t.folder()
  t.write(root .. "/doc.txt", "lent")
  run([[
    local vt = require "venturi"
    assert(io == nil and os.execute == nil and debug == nil and package.loadlib == nil)
    assert(vt.folder():read("doc.txt") == "lent")
    local function refused(f, ...) local ok, err = pcall(f, ...) return not ok and err.name end
    assert(refused(vt.folder, "/") == "VT_ERR_UNSUPPORTED")
    assert(refused(vt.script, {}) == "VT_ERR_UNSUPPORTED")
    assert(not pcall(vt.model, "x.gguf"), "models were not allowed")
    assert(not pcall(vt.index, "x.vtindex", { create = true }))
    local index = vt.index()
    index:put_source("a", 1)
    index:add("a", { text = "in memory" })
    index:commit()
    assert(#index:search("memory") == 1)
  ]], { folder = vt.folder(root) })
end)

t.test("models are opened where that is allowed", function()
  run(([[
    local vt = require "venturi"
    local session = vt.model(%q):session{ exact = true }
    assert(#session:feed{ 1, 2 }:logits() == 64)
  ]]):format(t.golden .. "/tiny_llama.gguf"), { models = true })
end)

t.test("the standard library works inside", function()
  run([[
    local vt = require "venturi"
    assert(vt.chunk.count("a b") == 2)
    assert(vt.prompt.fill("${x}", { x = 1 }) == "1")
    vt.test.equal(vt.json.decode("[1]"), { 1 })
    assert(require("pipelines.rag").options().k)
  ]])
end)

t.test("a script that runs out of memory anywhere leaves nothing behind and says so", function()
  local text = [[
    local vt = require "venturi"
    local index = vt.index()
    index:put_source("a", 1)
    index:add("a", { title = "t", text = ("some words "):rep(50), index_title = true })
    index:commit()
    local hits = index:search("words", 3)
    local sampler = vt.sampler{ top_k = 3, temperature = 1 }
    sampler:sample{ 1, 2, 3 }
    vt.json.decode(vt.json.encode{ a = { 1, 2, { b = "c" } } })
    vt.sections(("# T\n\ntext\n\n"):rep(20), "markdown")
    vt.words(("Many Words "):rep(50))
    assert(not pcall(vt.sampler, { top_q = 1 }) and hits[1])
  ]]
  t.with_little_memory(text)
end)

t.test("a call within a call of the same script is refused", function()
  local script
  script = vt.script{ print = function() script:call("f") end }
  script:load("f", "function f() end")
  t.equal(t.raises("in progress", script.load, script, "g", "print 'x'").name, "VT_ERR_STATE")
  script:close()
  t.raises("script is closed", script.call, script, "f")
end)

t.test("the options of a script are read without its metamethods", function()
  local called
  local options = setmetatable({ time_ms = 1000 }, { __index = function() called = true end })
  run("x = 1", options)
  t.equal(called, nil)
end)

t.done()
