-- Text encoders side by side with ONNX Runtime:   encode.lua SPEED PEER MODEL DATA_DIR ROOT [CASE...]
-- SPEED is tests/bench/encode_speed, PEER the command that runs encode_peer.py, MODEL a folder with all-MiniLM-L6-v2, ROOT a source tree for its prose.
-- Texts of 128 tokens. Runs alternate, each a process bound to the same cores; medians of REPS processes. CASE is a part of a row's name.
local speed, peer, model, data_dir, root = table.unpack(arg, 1, 5)
assert(root, "usage: encode.lua SPEED PEER MODEL DATA_DIR ROOT [CASE...]")
local wanted = table.move(arg, 6, #arg, 1, {})
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local vt = require "venturi"
local runs = require "runs"

local REPS, TOKENS, MOST_TEXTS = 5, 128, 32
local NEED = { f32 = 1.0, int8 = 1.1 } -- the peer's time over ours

local CASES = {}
for _, n in ipairs { 1, MOST_TEXTS } do
  for _, numerics in ipairs { "f32", "int8" } do
    for threads = 1, 2 do CASES[#CASES + 1] = { name = ("minilm b%d %s t%d"):format(n, numerics, threads), n = n, numerics = numerics, threads = threads } end
  end
end

local function is_wanted(name) return runs.is_wanted(wanted, name) end

-- Prose of the tree's own documents as MOST_TEXTS texts of TOKENS tokens, [CLS] and [SEP] around.
local function write_ids(path)
  local tok <close> = vt.encoder(model):tokenizer()
  local prose = {}
  for _, name in ipairs { "docs/MAP.md", "README.md", "CHANGELOG.md" } do
    local file = assert(io.open(root .. "/" .. name, "rb"))
    prose[#prose + 1] = file:read "a"
    file:close()
  end
  local ids, out = tok:encode(table.concat(prose, "\n")), {}
  local cls, sep = table.unpack(tok:encode("", { bos = true, eos = true }))
  for text = 1, MOST_TEXTS do
    out[#out + 1] = ("<i4"):pack(cls)
    for i = 1, TOKENS - 2 do out[#out + 1] = ("<i4"):pack(ids[((text - 1) * (TOKENS - 2) + i - 1) % #ids + 1]) end
    out[#out + 1] = ("<i4"):pack(sep)
  end
  local file = assert(io.open(path, "wb"))
  file:write(table.concat(out))
  file:close()
end

local ids = data_dir .. "/ids"
write_ids(ids)
runs.capture(("%s make %s %s 2>&1"):format(peer, runs.quote(model), runs.quote(data_dir)))

local function run_one(command, case, out)
  local line = runs.capture(("%s%s %s %s %d %d %d %s 2>/dev/null"):format(runs.bound(case.threads), command, runs.quote(ids), runs.quote(out), case.n, TOKENS,
    case.threads, case.numerics))
  return vt.json.decode(line:match "{.*}")
end

local function floats_of(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return { ("<" .. ("f"):rep(#bytes // 4)):unpack(bytes) }
end

-- The smallest cosine between vectors of two files.
local function least_cosine(a, b, n)
  local x, y, least = floats_of(a), floats_of(b), math.huge
  local dim = (#x - 1) // n -- unpack also gives where it stopped
  for text = 0, n - 1 do
    local dot, xx, yy = 0.0, 0.0, 0.0
    for i = text * dim + 1, (text + 1) * dim do dot, xx, yy = dot + x[i] * y[i], xx + x[i] * x[i], yy + y[i] * y[i] end
    least = math.min(least, dot / math.sqrt(xx * yy))
  end
  return least
end

local ours_command = ("%s %s"):format(runs.quote(speed), runs.quote(model))
local peer_command = ("%s run %s"):format(peer, runs.quote(data_dir))

local function measure(case)
  local ours, theirs, form = {}, {}, nil
  for rep = 1, REPS do
    ours[rep] = run_one(ours_command, case, data_dir .. "/ours." .. case.numerics).ms
    local r = run_one(peer_command, case, data_dir .. "/peer." .. case.numerics)
    theirs[rep], form = r.ms, r.form
  end
  local a, b = runs.median(ours), runs.median(theirs)
  local need, cosine = NEED[case.numerics], ""
  if case.numerics == "int8" then
    local exact = { n = case.n, threads = case.threads, numerics = "f32" }
    run_one(ours_command, exact, data_dir .. "/exact")
    cosine = ("  cosine to f32: ours %.4f, onnxruntime %.4f"):format(least_cosine(data_dir .. "/ours.int8", data_dir .. "/exact", case.n),
      least_cosine(data_dir .. "/peer.int8", data_dir .. "/exact", case.n))
  end
  print(("%-20s ours %9.2f ms  onnxruntime (%s) %9.2f ms  ratio %.2f  (need %.1f: %s)%s"):format(case.name, a, form, b, b / a, need,
    b / a >= need and "met" or "MISSED", cosine))
end

print(("%s; %s kernels; %s priority; medians of %d processes, %d tokens a text"):format(runs.capture(peer .. " versions"):gsub("%s+$", ""), vt.isa(),
  runs.priority, REPS, TOKENS))
for _, case in ipairs(CASES) do
  if is_wanted(case.name) then
    if runs.cores(case.threads) then measure(case) else print(case.name .. "  left out: too few cores") end
  end
end
