-- Tensors side by side with PyTorch, OpenBLAS and FFTW:   tensor.lua SPEED NATIVE TORCH OUT_DIR [CASE...]
-- SPEED is tests/bench/tensor_speed, NATIVE tests/bench/tensor_native, TORCH the command that runs tensor_peer.py, empty where it is not installed.
-- Runs alternate, bound to the same cores; medians of REPS runs, each the median of its calls. A run is a process, but for PyTorch, whose process stays: loading it
-- takes seconds. A peer that is not there leaves its column out.
-- CASE is a part of a row's name: only such rows are measured. OUT_DIR gets tensor.json.
local speed, native, torch, out_dir = table.unpack(arg, 1, 4)
assert(out_dir, "usage: tensor.lua SPEED NATIVE TORCH OUT_DIR [CASE...]")
local wanted = table.move(arg, 5, #arg, 1, {})
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local vt = require "venturi"
local runs = require "runs"

local REPS, THREADS = 5, { 1, 2 }
local OUT_OF_CACHE, ROW_BYTES, MB = 16384, 4096 * 4, 1 << 20 -- rows of a stream: 256 MiB a tensor
local SHARE, CAUSAL, DOUBLING = 0.8, 0.6, 2.2
-- Results of two programs differ by roundings: relative to the largest number looked at.
local TOLERANCE, TOLERANCE_BF16 = 1e-3, 2e-2

-- ---- the cases: peers in the order of columns; need: the fastest of these peers' time over ours ----

local cases = {}
local function add(name, kind, variant, size, peers, more)
  for _, threads in ipairs(more and more.threads or THREADS) do
    local case = { name = ("%s t%d"):format(name, threads), kind = kind, variant = variant, size = size, threads = threads, peers = peers }
    for k, v in pairs(more or {}) do
      if k ~= "threads" then case[k] = v end
    end
    cases[#cases + 1] = case
  end
end

for _, n in ipairs { 512, 1024, 2048 } do
  add("gemm f32 " .. n, "gemm", "f32", n, { "torch", "openblas" }, { need = 0.92, work = 2 * n ^ 3, unit = "GFLOP/s" })
end
for _, n in ipairs { 1024, 2048 } do add("gemm bf16 " .. n, "gemm", "bf16", n, { "torch" }, { need = 0.85, work = 2 * n ^ 3, unit = "GFLOP/s" }) end
add("gemm f64 1024", "gemm", "f64", 1024, { "torch", "openblas" }, { work = 2 * 1024 ^ 3, unit = "GFLOP/s" })

for _, n in ipairs { 1024, 4096 } do
  add("attention fwd " .. n, "attention", "fwd", n, { "torch" }, { need = 1.0, work = 4 * 8 * 64 * n ^ 2, unit = "GFLOP/s" })
end
add("attention causal 4096", "attention", "causal", 4096, { "torch" }, { full = "fwd" })
for _, n in ipairs { 1024, 4096 } do add("attention fwdbwd " .. n, "attention", "fwdbwd", n, { "torch" }, { need = 0.9 }) end

local conv_work = 2 * 9 * 64 * 64 * 56 * 56 * 8
add("conv 3x3 64->64 56x56 batch 8", "conv", "fwd", 64, { "torch" }, { need = 0.85, work = conv_work, unit = "GFLOP/s" })
add("conv 3x3 64->64 56x56 batch 8 fwdbwd", "conv", "bwd", 64, { "torch" }, { work = 3 * conv_work, unit = "GFLOP/s" })
add("conv depthwise 3x3 64 56x56 batch 8", "conv", "depthwise", 64, { "torch" })

local function fft_work(n) return 5 * (1 << 20) * math.log(n, 2) end
for _, n in ipairs { 256, 512, 1024, 2048, 4096 } do
  add(("fft %d vs fftw"):format(n), "fft", "1d", n, { "fftw", "torch" }, { need = 1.2, against = "fftw", work = fft_work(n), unit = "GFLOP/s" })
end
add("fft 2d 256x256", "fft", "2d", 256, { "fftw", "torch" }, { work = fft_work(256 * 256), unit = "GFLOP/s" })

-- Tensors that a call reads or writes.
for _, row in ipairs { { "elementwise chain", "chain", 8 }, { "softmax", "softmax", 2 }, { "layer_norm", "layer_norm", 2 } } do
  add(row[1] .. " 16384x4096", "stream", row[2], OUT_OF_CACHE, { "copy", "torch" }, { share = SHARE, work = row[3] * OUT_OF_CACHE * ROW_BYTES, unit = "GB/s" })
end

local function is_wanted(name) return runs.is_wanted(wanted, name) end

-- ---- programs ----

local versions, left_out = {}, {}

-- PyTorch's process, when it is asked for the first time: requests go through a pipe with a name.
local server
local function ask_torch(case, variant)
  if not server then
    local path = os.tmpname()
    assert(os.remove(path))
    runs.capture("mkfifo " .. runs.quote(path))
    server = { answers = assert(io.popen(("%s %s serve < %s 2>/dev/null"):format(runs.priority == "real-time" and "chrt -f 10" or "", torch, runs.quote(path)))) }
    server.requests = assert(io.open(path, "w"))
    assert(os.remove(path))
  end
  server.requests:write(("%s %s %d %d %s\n"):format(case.kind, variant or case.variant, case.size, case.threads, runs.cores(case.threads)))
  server.requests:flush()
  local result = vt.json.decode(assert(server.answers:read "l", "PyTorch's process ended"))
  assert(not result.error, ("torch, %s: %s"):format(case.name, result.error))
  return result
end

-- nil where a peer is not there; why is told once.
local function run_one(who, case, variant)
  if left_out[who] or who == "torch" and torch == "" then return nil end
  if who == "torch" then return ask_torch(case, variant) end
  if who == "copy" then variant = "copy" end
  local program = who == "ours" and runs.quote(speed) or ("%s %s"):format(runs.quote(native), who)
  local pipe = assert(io.popen(("%s%s %s %s %d %d 2>&1"):format(runs.bound(case.threads), program, case.kind, variant or case.variant, case.size, case.threads)))
  local text = pipe:read "a"
  local done, _, status = pipe:close()
  if not done and status == 3 then
    left_out[who] = true
    print(("%s is left out: %s"):format(who, (text:gsub("%s+$", ""))))
    return nil
  end
  local line = text:match "{.*}"
  assert(done and line, ("%s, %s: %s"):format(who, case.name, text))
  local result = vt.json.decode(line)
  versions[who] = result.version or versions[who]
  return result
end

-- How far two results are apart, over the largest number of them.
local function difference(a, b)
  local most, largest = 0.0, 1e-30
  for i = 1, math.min(#a, #b) do
    most, largest = math.max(most, math.abs(a[i] - b[i])), math.max(largest, math.abs(b[i]))
  end
  return most / largest
end

local function check(case, who, ours, theirs)
  local apart = difference(ours.probes, theirs.probes)
  local allowed = case.variant == "bf16" and TOLERANCE_BF16 or TOLERANCE
  assert(apart <= allowed, ("%s: ours and %s differ by %.1e of the result"):format(case.name, who, apart))
end

-- ---- rows ----

local rows = {}

local function verdict(reached, need, is_most)
  if not need then return "" end
  local met = is_most and reached <= need or not is_most and reached >= need
  return ("  (need %s%.2f: %s)"):format(is_most and "<= " or "", need, met and "met" or "MISSED")
end

local function rate(case, ms) return case.work and (" %6.1f"):format(case.work / ms * 1e-6) or "" end

local function median_ms(list) return #list > 0 and runs.median(list) or nil end

-- All programs in turn, REPS times: who -> list of ms.
local function alternate(case)
  local times, programs = {}, { { "ours", "ours" } }
  for _, peer in ipairs(case.peers) do programs[#programs + 1] = { peer, peer } end
  if case.full then programs[#programs + 1] = { "full", "ours", case.full } end
  for rep = 1, REPS do
    local ours
    for _, p in ipairs(programs) do
      local key, who, variant = table.unpack(p, 1, 3)
      local r = run_one(who, case, variant)
      times[key] = times[key] or {}
      if r then table.insert(times[key], r.ms) end
      if key == "ours" then ours = r
      elseif rep == 1 and r and who ~= "ours" and who ~= "copy" then check(case, who, ours, r) end
    end
  end
  return times
end

local function measure(case)
  local times = alternate(case)
  local ours = runs.median(times.ours)
  local row = { name = case.name, ours_ms = ours, all_ms = times }
  local text, best = { ("%-42s ours %9.3f ms%s"):format(case.name, ours, rate(case, ours)) }, nil
  for _, peer in ipairs(case.peers) do
    local ms = peer ~= "copy" and median_ms(times[peer])
    if ms then
      text[#text + 1] = ("%s %9.3f ms%s (x %.2f)"):format(peer, ms, rate(case, ms), ms / ours)
      if (not case.against or case.against == peer) and (not best or ms < best) then best = ms end
    end
  end
  if case.unit then text[1] = text[1] .. " " .. case.unit end
  row.ratio = best and best / ours
  if best and case.need then text[#text] = text[#text] .. verdict(best / ours, case.need) end
  if case.full then
    row.share_of_full = ours / runs.median(times.full)
    text[#text + 1] = ("of our full time %.2f%s"):format(row.share_of_full, verdict(row.share_of_full, CAUSAL, true))
  end
  if case.share then
    local copied = 2 * case.size * ROW_BYTES / runs.median(times.copy)
    row.share_of_copy = case.work / ours / copied
    text[#text + 1] = ("copy %.1f GB/s, share %.2f%s"):format(copied * 1e-6, row.share_of_copy, verdict(row.share_of_copy, case.share))
  end
  print(table.concat(text, "  "))
  io.stdout:flush()
  rows[#rows + 1] = row
end

local function measure_memory(name, variant)
  local text, before, most = {}, nil, 0
  local row = { name = name, bytes = {} }
  for _, n in ipairs { 2048, 4096, 8192 } do
    local bytes = run_one("ours", { name = name, kind = "attention", variant = variant, size = n, threads = 2 }).bytes
    text[#text + 1] = ("%d: %.1f MiB"):format(n, bytes / MB)
    row.bytes[#row.bytes + 1] = bytes
    if before then most = math.max(most, bytes / before) end
    before = bytes
  end
  print(("%-42s ours, beyond inputs, %s; twice the length %.2f times%s"):format(name, table.concat(text, ", "), most, verdict(most, DOUBLING, true)))
  rows[#rows + 1] = row
end

-- ---- the run ----

local torch_version = torch ~= "" and runs.capture(torch .. " versions"):gsub("%s+$", "") or "PyTorch left out"
local load = assert(io.open "/proc/loadavg"):read "a":match "^%S+"
print(("%s; %s kernels; %s priority; load %s before; medians of %d runs; a peer's time over ours in brackets"):format(torch_version, vt.isa(), runs.priority,
  load, REPS))
for _, case in ipairs(cases) do
  if is_wanted(case.name) then
    if runs.cores(case.threads) then measure(case) else print(case.name .. "  left out: too few cores") end
  end
end
for _, row in ipairs { { "attention memory t2", "memory" }, { "attention memory fwdbwd t2", "memorybwd" } } do
  if is_wanted(row[1]) and runs.cores(2) then measure_memory(row[1], row[2]) end
end
for who, version in pairs(versions) do print(("%s: %s"):format(who, version)) end

local file = assert(io.open(out_dir .. "/tensor.json", "w"))
file:write(vt.json.encode { torch = torch_version, versions = versions, isa = vt.isa(), priority = runs.priority, load = load, reps = REPS, rows = rows }, "\n")
file:close()
