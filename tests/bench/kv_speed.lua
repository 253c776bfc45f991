-- One measurement of ./dev bench kv, in a process of one thread:   kv_speed.lua CACHE_DIR PROFILE CODER encode|decode
-- Prints megabytes of halves a second, the median of runs over a context of 1,024 tokens, into blocks that the pool had before.
local cache, path, coder, way = table.unpack(arg, 1, 4)
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path
local vt = require "venturi"
local program = require "venturi.program"
local runs = require "runs"
local texts = require "kv_texts"

local TOKENS, REPS = 1024, coder == "arith" and 5 or 25

local model, tok = texts.open(cache)
local file = assert(io.open(path, "rb"))
local profile = vt.kv.load(file:read "a")
file:close()
local source = texts.fed(model, texts.ids(cache, tok, "pkg-basics"), 1, TOKENS)
local pool = model:kv{ tokens = TOKENS, dtype = "f16" }
local bytes, stats = vt.kv.encode(source, { profile = profile, coder = coder })
local times = {}
for i = 1, REPS do
  local session <close> = model:session{ ctx = TOKENS, kv = pool }
  local start = program.clock()
  if way == "encode" then bytes = vt.kv.encode(source, { profile = profile, coder = coder })
  else vt.kv.decode(session, bytes, { profile = profile })
  end
  times[i] = program.clock() - start
end
print(stats.values * 2 / runs.median(times) / 1e6)
