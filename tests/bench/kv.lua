-- Coded caches of SmolLM2 on the Debian FAQ:   kv.lua BUILD_DIR CACHE_DIR [CASE...]
-- Sizes and perplexities: contexts of 512 tokens are coded and decoded, and the next 256 scored; each text's surprise less that of its own f16 cache, mean
-- and 95 % interval over the texts. Sizes are of whole files. Speeds: MB of halves a second on one core. CASE is a part of a row's name.
local build, cache = table.unpack(arg, 1, 2)
assert(cache, "usage: kv.lua BUILD_DIR CACHE_DIR [CASE...]")
local wanted = table.move(arg, 3, #arg, 1, {})
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local vt = require "venturi"
local runs = require "runs"
local texts = require "kv_texts"

local GATE = 0.01 -- of perplexity
local STUDENT = 2.365 -- 97.5 % point, 7 degrees of freedom
local DEFAULT = 4 -- level

local CASES = {}
for _, coder in ipairs { "int8", "int4" } do CASES[#CASES + 1] = { name = "quality smollm2 " .. coder, kind = "quality", how = { coder = coder } } end
for level = 1, 6 do CASES[#CASES + 1] = { name = "quality smollm2 level " .. level, kind = "quality", level = level } end
for _, mode in ipairs { "token", "direct", "delta" } do
  for level = 1, 6 do CASES[#CASES + 1] = { name = ("quality smollm2 %s level %d"):format(mode, level), kind = "quality", mode = mode, level = level } end
end
CASES[#CASES + 1] = { name = "size smollm2 default@+1%ppl vs int8", kind = "size", level = DEFAULT, need = 2.3 }
CASES[#CASES + 1] = { name = "decode rans into pages", kind = "speed", coder = "rans", way = "decode", need = 250, goal = 500 }
CASES[#CASES + 1] = { name = "encode rans", kind = "speed", coder = "rans", way = "encode", need = 125 }
CASES[#CASES + 1] = { name = "decode arith into pages", kind = "speed", coder = "arith", way = "decode", need = 40 }

-- ---- quality ----

local model, tok
local profiles, tests = {}, nil

local function surprise(session, ids)
  local sum = 0.0
  for _, p in ipairs(session:score(ids)) do sum = sum - p end
  return sum / #ids
end

local function after(bytes, text, profile)
  local session <close> = texts.session(model, texts.CONTEXT + texts.NEXT)
  vt.kv.decode(session, bytes, { profile = profile })
  return surprise(session, text.next)
end

local function setup()
  if tests then return end
  model, tok = texts.open(cache)
  tests = {}
  for i, chapter in ipairs(texts.TEST) do
    local ids = texts.ids(cache, tok, chapter)
    local text = { source = texts.fed(model, ids, 1, texts.CONTEXT), next = table.move(ids, texts.CONTEXT + 1, texts.CONTEXT + texts.NEXT, 1, {}) }
    text.base = after(vt.kv.encode(text.source, { coder = "raw" }), text)
    tests[i] = text
  end
end

local function profile_of(mode)
  setup()
  profiles[mode] = profiles[mode] or texts.profile(model, tok, cache, { mode = mode })
  return profiles[mode]
end

-- Bits a value, and the change of perplexity with half its interval.
local function quality(how)
  setup()
  local bits, changes, mean, square = 0.0, {}, 0.0, 0.0
  for i, text in ipairs(tests) do
    local bytes, stats = vt.kv.encode(text.source, how)
    bits, changes[i] = bits + stats.bits / #tests, after(bytes, text, how.profile) - text.base
    mean = mean + changes[i] / #tests
  end
  for _, change in ipairs(changes) do square = square + (change - mean) ^ 2 / (#tests - 1) end
  return { bits = bits, change = math.exp(mean) - 1, half = STUDENT * math.sqrt(square / #tests) }
end

local known = {}
local function measure(case)
  local key = case.how and case.how.coder or (case.mode or "auto") .. case.level
  known[key] = known[key] or quality(case.how or { profile = profile_of(case.mode or "auto"), level = case.level })
  return known[key]
end

local MEASURES = {}

function MEASURES.quality(case)
  local q = measure(case)
  return { bits = q.bits, change = q.change, half = q.half }, ("%.3f bits a value, perplexity %+.2f +- %.2f %%"):format(q.bits, 100 * q.change, 100 * q.half)
end

function MEASURES.size(case)
  local q, int8 = measure(case), measure{ how = { coder = "int8" } }
  local ratio = int8.bits / q.bits
  if q.change > GATE then return nil, ("not reported: perplexity %+.2f %% is outside of the gate"):format(100 * q.change) end
  return { ours = ratio, bits = q.bits, change = q.change, half = q.half },
    ("%.2f (%.3f bits a value, perplexity %+.2f +- %.2f %%)  (need %.2f: %s)"):format(ratio, q.bits, 100 * q.change, 100 * q.half, case.need,
      ratio >= case.need and "met" or "MISSED")
end

-- ---- speed ----

local saved
function MEASURES.speed(case)
  if not saved then
    saved = build .. "/bench/smollm2.vtkp"
    local file = assert(io.open(saved, "wb"))
    file:write(profile_of "auto":save())
    file:close()
  end
  local rate = tonumber(runs.capture(("%s%s run --threads 1 %s %s %s %s %s"):format(runs.bound(1), runs.quote(build .. "/lua/venturi"), runs.quote(here .. "/kv_speed.lua"),
    runs.quote(cache), runs.quote(saved), case.coder, case.way)))
  return { ours = rate, unit = "MB/s of halves" }, ("%.0f MB/s of halves, one core  (need %d: %s%s)"):format(rate, case.need, rate >= case.need and "met" or "MISSED",
    case.goal and "; goal " .. case.goal or "")
end

-- ---- running ----

local rows = {}
for _, case in ipairs(CASES) do
  if runs.is_wanted(wanted, case.name) then
    local row, text = MEASURES[case.kind](case)
    print(("%-38s %s"):format(case.name, text))
    io.stdout:flush()
    if row then
      row.case = case.name
      rows[#rows + 1] = row
    end
  end
end

local file = assert(io.open(build .. "/bench/kv.json", "w"))
file:write(vt.json.encode({ venturi = vt.version(), isa = vt.isa(), priority = runs.priority, load = runs.capture "cat /proc/loadavg":match "^[^\n]*", rows = rows },
  { indent = true }), "\n")
file:close()
io.stderr:write "written: kv.json\n"
