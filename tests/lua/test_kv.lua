-- Coded caches from Lua: profiles, encoding, decoding, what is refused; the rules of the controller.
local t = require "support"
local vt = require "venturi"
local rules = require "venturi.kv.rules"

local model = vt.model(t.golden .. "/tiny_llama.gguf")

local function session(n, seed, dtype)
  local s = model:session{ kv = model:kv{ tokens = 64, dtype = dtype or "f16" } }
  local ids = {}
  for i = 1, n do ids[i] = (i * 37 + 11 * seed) % 64 end
  if n > 0 then s:feed(ids) end
  return s
end

local texts = { session(50, 2), session(50, 3), session(50, 5) }
local profile = vt.kv.profile{ sessions = texts }

t.test("a profile tells what it is, and comes back from bytes", function()
  local info = profile:info()
  t.equal({ info.layers, info.default, #info.levels, info.kept, info.group }, { 2, 4, 6, 1, 10 })
  for i = 2, #info.levels do assert(info.levels[i].bits < info.levels[i - 1].bits and info.levels[i].fineness < info.levels[i - 1].fineness) end
  local bytes = profile:save()
  t.equal(vt.kv.load(bytes):info(), info)
  t.equal(t.raises("damaged", vt.kv.load, bytes:sub(1, -2) .. "x").name, "VT_ERR_FORMAT")
  t.raises("none", vt.kv.load, "VTKP")
end)

t.test("modes and levels are the caller's", function()
  local paper = vt.kv.profile{ sessions = texts, mode = "delta", levels = { 30, 15 }, default = 2, group = 8, depth = { 0.5, 1, 1.5 } }:info()
  t.equal({ paper.group, paper.kept, paper.default, paper.levels[1].delta, paper.levels[1].token }, { 8, 0, 2, 4, 0 })
  local direct = vt.kv.profile{ sessions = texts, mode = "direct", levels = { 15 }, kept = 0, keys = 2, values = 0.5 }:info()
  t.equal({ direct.kept, direct.levels[1].direct > 0, direct.levels[1].token }, { 0, true, 0 })
  t.raises("'levels'", vt.kv.profile, { sessions = texts, levels = 15 })
  t.raises("no number", vt.kv.profile, { sessions = texts, levels = { "x" } })
  t.raises("makes no sense", vt.kv.profile, { sessions = texts, levels = { 0.5 } })
  t.raises("makes no sense", vt.kv.profile, { sessions = texts, levels = { 15 }, default = 2 })
  t.raises("'sessions'", vt.kv.profile, {})
  t.raises("no session", vt.kv.profile, { sessions = { 1 } })
  t.raises("has no tokens", vt.kv.profile, { sessions = { session(0, 1) } })
  t.raises("unknown", vt.kv.profile, { sessions = texts, level = 1 })
end)

t.test("what is coded decodes into an empty session", function()
  local source = session(45, 9)
  for _, how in ipairs{ { coder = "raw" }, { coder = "int8" }, { coder = "int4" }, { profile = profile }, { profile = profile, level = 1, coder = "arith", chunk = 16 } } do
    local bytes, stats = vt.kv.encode(source, how)
    t.equal({ stats.tokens, stats.size }, { 45, #bytes })
    local info = vt.kv.info(bytes)
    t.equal({ info.tokens, info.coder, info.level, info.dtype }, { 45, how.coder or "rans", stats.level, "f16" })
    local s = session(0, 0)
    t.equal(vt.kv.decode(s, bytes, { profile = how.profile }):tokens(), source:tokens())
    local whole = session(45, 9)
    whole:feed{ 5 }
    s:feed{ 5 }
    local want, got = whole:logits(), s:logits()
    for i = 1, #want do assert(math.abs(want[i] - got[i]) < (how.coder == "raw" and 1e-12 or 0.5)) end
    t.equal(t.raises("an empty one", vt.kv.decode, s, bytes, { profile = how.profile }).name, "VT_ERR_STATE")
    s:trim(0)
    t.equal(t.raises("damaged", vt.kv.decode, s, bytes:sub(1, -2) .. string.char(bytes:byte(-1) ~ 1), { profile = how.profile }).name, "VT_ERR_FORMAT")
  end
end)

t.test("what does not fit is refused", function()
  local source = session(20, 1)
  local bytes = vt.kv.encode(source, { profile = profile })
  local f32 = session(0, 0, "f32")
  t.equal(t.raises("conversion", vt.kv.decode, f32, bytes, { profile = profile }).name, "VT_ERR_CONFLICT")
  t.equal(vt.kv.decode(f32, bytes, { profile = profile, convert = true }):count(), 20)
  local other = vt.kv.profile{ sessions = texts, mode = "token" }
  t.equal(t.raises("coded with profile", vt.kv.decode, session(0, 0), bytes, { profile = other }).name, "VT_ERR_CONFLICT")
  t.raises("needs a profile", vt.kv.decode, session(0, 0), bytes)
  t.raises("needs a profile", vt.kv.encode, source)
  t.raises("no profile", vt.kv.encode, source, { profile = 1 })
  t.raises("level 7", vt.kv.encode, source, { profile = profile, level = 7 })
  t.raises("multiple of 16", vt.kv.encode, source, { coder = "int8", chunk = 17 })
  t.raises("no tokens", vt.kv.encode, session(0, 0), { coder = "int8" })
  t.raises("no coded cache", vt.kv.info, "x")
end)

t.test("the rule prefers text that is in time, and what comes first where nothing is", function()
  local link = { sizes = { { 100, 100 }, { 50, 50 } }, recompute = { 3, 3 }, rates = { 10, 10 } }
  t.equal(rules.adaptive(link, 1, 6, 10), rules.TEXT)
  t.equal(rules.adaptive(link, 1, 5, 40), 0)
  t.equal(rules.adaptive(link, 1, 5, 20), 1)
  t.equal(rules.adaptive(link, 1, 5, 10), rules.TEXT) -- 10 s against 6 s
  t.equal(rules.adaptive(link, 1, 4, 18), 1)          -- 5.6 s against 6 s
  t.equal(rules.adaptive(link, 1, 5), 1)              -- no rate yet
  local levels, seconds = rules.run(link, 4, "adaptive", 20)
  t.equal({ levels, seconds }, { { 1, rules.TEXT }, 8.0 })
end)

t.done()
