-- Language models side by side with llama.cpp on the same file:   llm.lua BUILD_DIR PEER_DIR CACHE_DIR [CASE...]
-- Ours is tests/bench/llm_speed, the peer's are its own programs. Runs alternate, each a process bound to the same cores by taskset; medians of REPS
-- runs. CASE is a part of a row's name: only such rows are measured.
local build, peer, cache = table.unpack(arg, 1, 3)
assert(cache, "usage: llm.lua BUILD_DIR PEER_DIR CACHE_DIR [CASE...]")
local wanted = table.move(arg, 4, #arg, 1, {})
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local vt = require "venturi"
local runs = require "runs"

local REPS, ONCE_REPS = 5, 7
-- A peer this far under what the project measured of it on a quiet machine was disturbed: the row is measured again.
local DISTURBED, ATTEMPTS = 0.6, 3
local PAGES = 60 -- MB that a program may hold beside the file

-- ---- models ----

local MODELS = {
  ["smollm2 q4_1"] = cache .. "/models/SmolLM2-135M-Instruct.Q4_1.gguf",
  ["gemma q4_k_m"] = cache .. "/models/gemma-3-270m-q4_k_m.gguf",
}

-- Made here, by our own tool.
local MADE = { ["smollm2 q8_0"] = "q8_0", ["smollm2 f16"] = "f16", ["smollm2 bf16"] = "bf16" }
for name, kind in pairs(MADE) do MODELS[name] = ("%s/bench/SmolLM2-135M-Instruct.%s.gguf"):format(build, kind:upper()) end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function model_path(name)
  local path = MODELS[name]
  if MADE[name] and not exists(path) then
    runs.capture(("%s quantize %s %s --type %s 2>&1"):format(runs.quote(build .. "/lua/venturi"), runs.quote(MODELS["smollm2 q4_1"]), runs.quote(path), MADE[name]))
  end
  return exists(path) and path or nil
end

local function size_of(path)
  local file = assert(io.open(path, "rb"))
  local size = file:seek "end"
  file:close()
  return size
end

-- ---- the cases: kind, what the ratio must reach and is meant to reach, and the peer's median on a quiet machine ----

local CASES = {}
local function add(model, kind, n, threads, need, goal, known)
  local name = kind == "batch" and ("%s batch%d t%d"):format(model, n, threads) or
    (kind == "pp" or kind == "tg") and ("%s %s%d t%d"):format(model, kind, n, threads) or ("%s %s t%d"):format(model, kind, threads)
  CASES[#CASES + 1] = { name = name, model = model, kind = kind, n = n, threads = threads, need = need, goal = goal, known = known }
end

add("smollm2 q4_1", "pp", 128, 1, nil, nil, 169)
add("smollm2 q4_1", "pp", 128, 2, nil, nil, 287)
add("smollm2 q4_1", "pp", 512, 1, 2.0, 4, 154)
add("smollm2 q4_1", "pp", 512, 2, 2.0, 4, 274)
add("smollm2 q4_1", "tg", 64, 1, 1.3, 1.8, 85)
add("smollm2 q4_1", "tg", 64, 2, 1.3, 1.8, 123)
add("smollm2 q4_1", "batch", 8, 1, 2.0, nil, 117)
add("smollm2 q4_1", "batch", 8, 2, 2.0, nil, 194)
add("smollm2 q8_0", "pp", 512, 1, 1.2, 1.8, 351)
add("smollm2 q8_0", "pp", 512, 2, 1.2, 1.8, 659)
add("smollm2 q8_0", "tg", 64, 1, 1.05, nil, 111)
add("smollm2 q8_0", "tg", 64, 2, 1.05, nil, 139)
for _, row in ipairs { { "smollm2 bf16", 788, 1430, 86, 108, 390 }, { "smollm2 f16", 600, 1140, 96, 116, 300 } } do
  for threads = 1, 2 do
    add(row[1], "pp", 512, threads, 1.0, 1.5, row[1 + threads])
    add(row[1], "tg", 64, threads, 1.0, nil, row[3 + threads])
  end
  add(row[1], "batch", 8, 2, nil, nil, row[6])
end
add("gemma q4_k_m", "pp", 512, 1, 1.1, 1.8, 357)
add("gemma q4_k_m", "pp", 512, 2, 1.1, 1.8, 648)
add("gemma q4_k_m", "tg", 64, 1, 1.2, 1.5, 52)
add("gemma q4_k_m", "tg", 64, 2, 1.2, 1.5, 76)
add("gemma q4_k_m", "batch", 8, 2, nil, nil, 174)
for _, model in ipairs { "smollm2 q4_1", "gemma q4_k_m" } do
  add(model, "load", 1, 2, 1.0)
  add(model, "memory", 512, 2)
end
add("smollm2 q4_1", "contended", 64, 2, 0.5)
for _, model in ipairs { "smollm2 q4_1", "smollm2 q8_0", "smollm2 bf16", "gemma q4_k_m" } do add(model, "perplexity", 30, 2) end
for _, model in ipairs { "smollm2 q4_1", "gemma q4_k_m" } do add(model, "unrounded", 8, 2) end

local function is_wanted(name) return runs.is_wanted(wanted, name) end

-- ---- programs ----

local function our_command(case, kind, n)
  return ("%s %s %s %d %d"):format(runs.quote(build .. "/tests/bench/llm_speed"), runs.quote(model_path(case.model)), kind, n, case.threads)
end
local function bench_command(case, prompt, generated, more)
  return ("%s -m %s -t %d -p %d -n %d -r 1 -o json %s 2>/dev/null"):format(runs.quote(peer .. "/llama-bench"), runs.quote(model_path(case.model)),
    case.threads, prompt, generated, more or "")
end

-- Tokens a second.
local function our_rate(case, kind, shared)
  return tonumber(runs.capture(runs.bound(case.threads, shared) .. our_command(case, kind or case.kind, case.n)):match "^%S+")
end

local function peer_rate(case, kind, shared)
  kind = kind or case.kind
  if kind == "batch" then
    -- A core more than threads: on a core of real-time work the thread that writes the peer's log never gets its turn.
    local text = runs.capture(("%s%s -m %s -t %d -tb %d -c 4096 -npp 128 -ntg 32 -npl %d --output-format jsonl 2>&1"):format(
      runs.bound(runs.cores(case.threads + 1) and case.threads + 1 or case.threads, shared), runs.quote(peer .. "/llama-batched-bench"),
      runs.quote(model_path(case.model)), case.threads, case.threads, case.n))
    return assert(tonumber(text:match '"speed_tg": *([%d.]+)'), "llama-batched-bench said:\n" .. text)
  end
  local prompt = kind == "pp"
  return vt.json.decode(runs.capture(runs.bound(case.threads, shared) .. bench_command(case, prompt and case.n or 0, prompt and 0 or case.n)))[1].avg_ts
end

-- Seconds and MB of a whole process.
local function once(case, command)
  local seconds, mb = runs.capture(("%spython3 %s %s"):format(runs.bound(case.threads), runs.quote(here .. "/once.py"), command)):match "(%S+) (%S+)"
  return tonumber(seconds), tonumber(mb)
end

-- ---- measuring ----

-- Alternates the two sides; medians and all values.
local function alternate(reps, ours, theirs)
  local a, b = {}, {}
  for rep = 1, reps do a[rep], b[rep] = ours(), theirs() end
  return runs.median(a), runs.median(b), a, b
end

local function verdict(value, case)
  if not case.need then return "" end
  return ("  (need %.2f: %s%s)"):format(case.need, value >= case.need and "met" or "MISSED", case.goal and ("; goal %.1f"):format(case.goal) or "")
end

local MEASURES = {}

local function speeds(case)
  local ours, theirs, a, b
  for attempt = 1, ATTEMPTS do
    ours, theirs, a, b = alternate(REPS, function() return our_rate(case) end, function() return peer_rate(case) end)
    if theirs >= DISTURBED * case.known then break end
    if attempt == ATTEMPTS then
      return nil, "not reported: the peer reached only " .. ("%.1f of %.1f tokens/s"):format(theirs, case.known)
    end
    io.stderr:write(case.name, ": the peer was disturbed, measuring again\n")
  end
  return { ours = ours, peer = theirs, ratio = ours / theirs, unit = "tokens/s", ours_raw = a, peer_raw = b },
    ("ours %8.1f  llama.cpp %8.1f tokens/s  ratio %.2f%s"):format(ours, theirs, ours / theirs, verdict(ours / theirs, case))
end
MEASURES.pp, MEASURES.tg, MEASURES.batch = speeds, speeds, speeds

-- A process that opens the model, computes and ends; ours computes one token more.
function MEASURES.load(case)
  local ours, theirs, a, b = alternate(ONCE_REPS, function() return (once(case, our_command(case, "tg", 1))) end,
    function() return (once(case, bench_command(case, 0, 1, "--no-warmup"):gsub(" 2>/dev/null", ""))) end)
  return { ours = ours, peer = theirs, ratio = theirs / ours, unit = "s", ours_raw = a, peer_raw = b },
    ("ours %8.3f  llama.cpp %8.3f s  ratio %.2f%s"):format(ours, theirs, theirs / ours, verdict(theirs / ours, case))
end

-- Most memory resident, of one token and of a prompt.
function MEASURES.memory(case)
  local file = size_of(model_path(case.model)) / 1e6
  local _, one = once(case, our_command(case, "tg", 1))
  local _, prompt = once(case, our_command(case, "pp", case.n))
  local _, theirs = once(case, bench_command(case, case.n, 0, "--no-warmup"):gsub(" 2>/dev/null", ""))
  return { ours = prompt, ours_one = one, peer = theirs, file = file, unit = "MB" },
    ("file %.1f MB; ours %.1f MB for one token, %.1f MB for %d (need %.1f: %s); llama.cpp %.1f MB"):format(file, one, prompt, case.n, file + PAGES,
      math.max(one, prompt) <= file + PAGES and "met" or "MISSED", theirs)
end

-- Generation while another process keeps the second of the cores busy, against the same on idle cores.
function MEASURES.contended(case)
  local second = runs.cores(2):match ",(%d+)"
  local function loaded(rate)
    local pid = runs.capture(("taskset -c %s sh -c 'while :; do :; done' >/dev/null 2>&1 & echo $!"):format(second)):match "%d+"
    local ok, value = pcall(rate)
    runs.capture("kill " .. pid)
    return assert(ok and value, value)
  end
  local function share(rate)
    local idle, busy = {}, {}
    for rep = 1, REPS do idle[rep], busy[rep] = rate(), loaded(rate) end
    return runs.median(busy) / runs.median(idle), runs.median(idle), runs.median(busy)
  end
  local ours, idle, busy = share(function() return our_rate(case, "tg", true) end)
  local theirs = share(function() return peer_rate(case, "tg", true) end)
  return { ours = ours, peer = theirs, idle = idle, busy = busy, unit = "share of the idle speed" },
    ("ours keeps %.2f of its speed (%.1f of %.1f tokens/s), llama.cpp %.2f%s"):format(ours, busy, idle, theirs, verdict(ours, case))
end

-- Of the Debian FAQ, by windows of 512 tokens: fast mode against exact mode, and against the peer.
local TOLERANCE = 0.003
local function faq()
  local path = build .. "/bench/faq.txt"
  if exists(path) then return path end
  local file = assert(io.open(path, "w"))
  for _, name in ipairs(runs.lines("ls " .. runs.quote(cache .. "/debian-faq-11.1"))) do
    local page = assert(io.open(cache .. "/debian-faq-11.1/" .. name, "rb"))
    for _, section in ipairs(vt.sections(page:read "a", "html")) do file:write(section.title, "\n\n", section.text, "\n\n") end
    page:close()
  end
  file:close()
  return path
end

local function our_perplexity(case, more)
  local text = runs.capture(("%s%s bench -m %s --perplexity %s --chunks %d --json %s"):format(runs.bound(case.threads), runs.quote(build .. "/lua/venturi"),
    runs.quote(model_path(case.model)), runs.quote(faq()), case.n, more))
  return vt.json.decode(text).perplexity
end

local function peer_perplexity(case, path, more)
  local said = runs.capture(("%s%s -m %s -f %s -c 512 -t %d --chunks %d %s 2>&1"):format(runs.bound(case.threads), runs.quote(peer .. "/llama-perplexity"),
    runs.quote(path), runs.quote(faq()), case.threads, case.n, more))
  return assert(tonumber(said:match "Final estimate: PPL = ([%d.]+)"), said)
end

function MEASURES.perplexity(case)
  local fast, exact = our_perplexity(case, ""), our_perplexity(case, "--exact")
  local theirs = peer_perplexity(case, model_path(case.model), "")
  local a, b = fast / exact - 1, fast / theirs - 1
  return { ours = fast, exact = exact, peer = theirs, unit = "perplexity" },
    ("ours %.4f  exact %.4f (%+.2f%%: %s)  llama.cpp %.4f (%+.2f%%: %s)"):format(fast, exact, 100 * a, math.abs(a) <= TOLERANCE and "met" or "MISSED", theirs,
      100 * b, math.abs(b) <= TOLERANCE and "met" or "MISSED")
end

-- The same, where the peer rounds nothing on the way: it multiplies activations rounded to 8 bits by these weights, and is 0.3 to 0.5 % off for it. Its weights
-- are ours decoded to float32, its cache is float32.
function MEASURES.unrounded(case)
  local path = build .. "/bench/unrounded.gguf"
  runs.capture(("%s quantize %s %s --type f32 --force 2>&1"):format(runs.quote(build .. "/lua/venturi"), runs.quote(model_path(case.model)), runs.quote(path)))
  local fast, exact = our_perplexity(case, ""), our_perplexity(case, "--exact")
  local theirs = peer_perplexity(case, path, "-ctk f32 -ctv f32 -fa off")
  os.remove(path)
  local a, b = fast / theirs - 1, exact / theirs - 1
  return { ours = fast, exact = exact, peer = theirs, unit = "perplexity" },
    ("ours %.4f (%+.3f%%: %s)  exact %.4f (%+.3f%%)  llama.cpp of float32 %.4f"):format(fast, 100 * a, math.abs(a) <= TOLERANCE and "met" or "MISSED", exact, 100 * b,
      theirs)
end

-- ---- running ----

local function first_line(command) return (runs.capture(command):match "^[^\n]*") end

local rows = {}
for _, case in ipairs(CASES) do
  if is_wanted(case.name) then
    if not runs.cores(case.threads) then
      io.stderr:write(case.name, ": skipped, fewer cores than threads\n")
    elseif not model_path(case.model) then
      io.stderr:write(case.name, ": skipped, the model is not to be had\n")
    else
      local row, text = MEASURES[case.kind](case)
      print(("%-26s %s"):format(case.name, text))
      io.stdout:flush()
      if row then
        row.case, row.threads, row.peer_name = case.name, case.threads, "llama.cpp"
        rows[#rows + 1] = row
      end
    end
  end
end

local file = assert(io.open(build .. "/bench/llm.json", "w"))
file:write(vt.json.encode({ venturi = vt.version(), isa = vt.isa(), peer = os.getenv "PEER_VERSION", peer_isa = os.getenv "PEER_ISA",
  cpu = first_line "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", cores = tonumber(first_line "nproc"), priority = runs.priority,
  load = first_line "cat /proc/loadavg", rows = rows },
  { indent = true }), "\n")
file:close()
io.stderr:write "written: llm.json\n"
