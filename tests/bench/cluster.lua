-- Clustering side by side with the kmedoids package and scikit-learn:   cluster.lua SPEED PEER DATA_DIR OUT_DIR [CASE...]
-- SPEED is tests/bench/cluster_speed, PEER the command that runs cluster_peer.py. Runs alternate, each a process bound to the same cores by taskset;
-- medians of REPS processes, fewer where one takes long. CASE is a part of a row's name: only such rows are measured.
local speed, peer, data_dir, out_dir = table.unpack(arg, 1, 4)
assert(out_dir, "usage: cluster.lua SPEED PEER DATA_DIR OUT_DIR [CASE...]")
local wanted = table.move(arg, 5, #arg, 1, {})
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local vt = require "venturi"
local runs = require "runs"

local REPS, SLOW_MS, VERY_SLOW_MS, BUSY = 5, 2000, 10000, 1.1

-- Ratios: what a row must reach, and what it is meant to reach. Our one thread against the peer's; our two threads against our one.
local function target(k, dtype)
  local half = dtype == "f64" and 2 or 1
  return k >= 100 and { need = 4 / half, goal = 8 / half } or { need = 2.5 / half, goal = 4 / half }
end
local TWO_THREADS, KMEANS, SILHOUETTE = { need = 1.6 }, { need = 1 / 1.2 }, { need = 1 }

-- ---- the cases: a data set, and what runs on it ----

local function matrix(make, n, dim, dtype, ks) return { make = make, n = n, dim = dim, dtype = dtype, ks = ks, kind = "matrix" } end
local function blobs(n, dim, dtype, ks) return { make = "blobs", n = n, dim = dim, dtype = dtype, ks = ks, kind = "rows" } end

local CASES = {}
local function add(data, case)
  case.data = data
  CASES[#CASES + 1] = case
end

local function add_fasterpam(data, with_two)
  if with_two and data.n >= 5000 then
    add(data, { name = ("read n%d %s t2"):format(data.n, data.dtype), method = "read", k = data.ks[1], threads = 2, init = "none", reading = true })
  end
  local tag = data.make == "uniform" and "" or data.make .. " "
  for _, k in ipairs(data.ks) do
    local name = ("fasterpam %sn%d k%d %s"):format(tag, data.n, k, data.dtype)
    add(data, { name = name .. " t1", method = "fasterpam", k = k, target = target(k, data.dtype) })
    if with_two then add(data, { name = name .. " t2", method = "fasterpam", k = k, threads = 2, own = true, target = data.n >= 5000 and TWO_THREADS or nil }) end
  end
end

for _, n in ipairs { 2000, 5000, 10000 } do
  for _, dtype in ipairs { "f32", "f64" } do add_fasterpam(matrix("uniform", n, 10, dtype, { 10, 100, 200 }), true) end
end
add_fasterpam(matrix("gauss", 5000, 8, "f32", { 10, 100, 200 }), false)

local msc = matrix("gauss", 2000, 8, "f32", { 10, 20, 50 })
for _, k in ipairs { 10, 50 } do add(msc, { name = ("fastermsc n2000 k%d f32 t1"):format(k), method = "fastermsc", k = k }) end
add(msc, { name = "fastmsc n2000 k10 f32 t1", method = "fastmsc", k = 10 })
add(msc, { name = "dynmsc n2000 k20 f32 t1", method = "dynmsc", k = 20 })
for _, dtype in ipairs { "f32", "f64" } do
  add(matrix("gauss", 5000, 8, dtype, { 10 }), { name = ("silhouette n5000 k10 %s t1"):format(dtype), method = "silhouette", k = 10, init = "labels", target = SILHOUETTE })
end

for _, size in ipairs { { 20000, 16, 10 }, { 100000, 64, 100 } } do
  local n, dim, k = table.unpack(size)
  local data = blobs(n, dim, "f32", { k })
  for threads = 1, 2 do
    add(data, { name = ("kmeans n%d d%d k%d f32 t%d"):format(n, dim, k, threads), method = "kmeans", k = k, threads = threads, init = "centroids", target = KMEANS,
      peer_name = "scikit-learn" })
  end
  add(data, { name = ("minibatch n%d d%d k%d f32 t1"):format(n, dim, k), method = "minibatch", k = k, init = "centroids", max_iter = 10,
    peer_name = "scikit-learn" })
end

local digits = matrix("digits", 1797, 64, "f64", { 10, 100, 200 })
for _, k in ipairs(digits.ks) do
  for _, method in ipairs { "fasterpam", "fastpam1", "alternating", "fasterclara", "fastclarans" } do
    local sampled = method == "fasterclara" or method == "fastclarans"
    add(digits, { name = ("digits k%d %s"):format(k, method), method = method, k = k, init = sampled and "none" or nil, alone = sampled })
  end
end

local PAM_KS = { 2, 5, 10, 20, 50, 100, 200 }
local pam = matrix("uniform", 600, 10, "f32", PAM_KS)
for _, k in ipairs(PAM_KS) do
  for _, method in ipairs { "pam", "fastpam1", "fasterpam" } do
    add(pam, { name = ("pam-vs-fasterpam n600 k%d f32 %s"):format(k, method), method = method, k = k, alone = true, plot = true })
  end
end

local large = blobs(100000, 64, "f32", { 100 })
for _, method in ipairs { "fasterpam", "fasterclara", "fastclarans" } do
  add(large, { name = method .. " rows n100000 d64 k100 f32 t2", method = method, k = 100, threads = 2, init = method ~= "fasterpam" and "none" or nil, alone = true, once = true })
end

-- ---- running ----

local function is_wanted(name) return runs.is_wanted(wanted, name) end

local made -- the data set whose files are there
local function make(data)
  local key = ("%s-%d-%d-%s"):format(data.make, data.n, data.dim, data.dtype)
  local prefix = data_dir .. "/" .. key
  if made ~= prefix .. table.concat(data.ks, ",") then
    runs.capture("rm -f " .. runs.quote(data_dir) .. "/*")
    runs.capture(("%s make=%s out=%s n=%d dim=%d dtype=%s ks=%s"):format(peer, data.make, runs.quote(prefix), data.n, data.dim, data.dtype, table.concat(data.ks, ",")))
    made = prefix .. table.concat(data.ks, ",")
  end
  return prefix
end

local function arguments(case, prefix, threads)
  local d = case.data
  local list = { "method=" .. case.method, "kind=" .. d.kind, "dtype=" .. d.dtype, "data=" .. runs.quote(prefix .. ".data"), "n=" .. d.n, "k=" .. case.k,
    "threads=" .. threads, "dim=" .. d.dim }
  if case.init ~= "none" then list[#list + 1] = "init=" .. runs.quote(("%s.%d.%s"):format(prefix, case.k, case.init or "medoids")) end
  if case.max_iter then list[#list + 1] = "max_iter=" .. case.max_iter end
  return table.concat(list, " ")
end

local function run(program, case, prefix, threads)
  local bound = ("OMP_NUM_THREADS=%d %s%s %s"):format(threads, runs.bound(threads), program, arguments(case, prefix, threads))
  local answer = vt.json.decode(runs.capture(bound))
  answer.time, answer.cpu_time = runs.median(answer.ms), runs.median(answer.cpu)
  return answer
end

-- Alternates the sides; each is a function that runs it once. Answers for each its last outcome with the median time and all times.
local function alternate(sides, once)
  local times, cpu, last, reps = {}, {}, {}, once and 1 or REPS
  local rep = 0
  while rep < reps do
    rep = rep + 1
    for i, side in ipairs(sides) do
      last[i] = side()
      times[i], cpu[i] = times[i] or {}, cpu[i] or {}
      times[i][rep], cpu[i][rep] = last[i].time, last[i].cpu_time
      if last[i].time > SLOW_MS then reps = math.min(reps, 3) end
      if last[i].time > VERY_SLOW_MS then reps = math.min(reps, 2) end
    end
  end
  for i, answer in ipairs(last) do
    answer.time, answer.raw, answer.cpu_time, answer.cpu_raw = runs.median(times[i]), times[i], runs.median(cpu[i]), cpu[i]
  end
  return table.unpack(last)
end

-- "equal" when the same medoids came out, or the losses compared: theirs is rounded where the peer adds in the distances' type.
local function compare(ours, theirs)
  if ours.medoids and theirs.medoids then
    if ours.medoids == theirs.medoids and ours.n_iter == theirs.n_iter and ours.n_swap == theirs.n_swap then return "equal" end
    return ("%+.4f%% (in float64; passes %d/%d, swaps %d/%d)"):format(100 * (ours.loss64 / theirs.loss64 - 1), ours.n_iter or 0, theirs.n_iter or 0,
      ours.n_swap or 0, theirs.n_swap or 0)
  end
  local key = theirs.loss and "loss" or "silhouette"
  local difference = ours[key] / theirs[key] - 1
  return math.abs(difference) < 1e-6 and "equal" or ("%+.4f%%"):format(100 * difference)
end

local function judge(ratio, reach)
  if not reach then return "" end
  return (" (need %.2f: %s%s)"):format(reach.need, ratio >= reach.need and "met" or "MISSED", reach.goal and ("; goal %.0f"):format(reach.goal) or "")
end

-- Of one thread the wall's time is the processor's, unless others wanted the core: then the ratio of the latter says more.
local function busy(ours, theirs)
  if ours.time < BUSY * ours.cpu_time and theirs.time < BUSY * theirs.cpu_time then return "" end
  return ("  (busy machine: %.2f by processor time)"):format(theirs.cpu_time / ours.cpu_time)
end

local function against_peer(case, prefix)
  local threads = case.threads or 1
  local ours, theirs = alternate({ function() return run(speed, case, prefix, threads) end, function() return run(peer, case, prefix, threads) end })
  local ratio, name = theirs.time / ours.time, case.peer_name or "kmedoids"
  local what = case.method:find "msc" and "silhouette" or case.method == "silhouette" and "mean" or "loss"
  return { ours = ours, peer = theirs, peer_name = name, ratio = ratio, target = case.target, result = compare(ours, theirs) },
    ("ours %10.1f ms  %s %10.1f ms  ratio %5.2f%s  %s %s"):format(ours.time, name, theirs.time, ratio, judge(ratio, case.target), what, compare(ours, theirs)) ..
    (threads == 1 and busy(ours, theirs) or "")
end

-- Two threads of ours against one; the peer's two threads take another, random, road and are there for information.
local function against_own(case, prefix)
  local one, two, theirs = alternate({ function() return run(speed, case, prefix, 1) end, function() return run(speed, case, prefix, 2) end,
    function() return run(peer, case, prefix, 2) end })
  local ratio = one.time / two.time
  return { ours = two, ours_one = one, peer = theirs, peer_name = "kmedoids", ratio = ratio, target = case.target, result = compare(two, one) },
    ("ours %10.1f ms  our t1   %10.1f ms  ratio %5.2f%s  loss %s  (kmedoids n_cpu=2 %.1f ms)"):format(two.time, one.time, ratio, judge(ratio, case.target),
      compare(two, one), theirs.time)
end

local function alone(case, prefix)
  local ours = alternate({ function() return run(speed, case, prefix, case.threads or 1) end }, case.once)
  return { ours = ours }, ("ours %10.1f ms  %3d passes or draws, %4d swaps  loss %.3f  memory %.1f MiB"):format(ours.time, ours.n_iter, ours.n_swap, ours.loss64,
    ours.memory / 2 ^ 20)
end

-- What two threads have over one where memory decides: the matrix read from end to end, nothing else.
local function reading(case, prefix)
  local one, two = alternate { function() return run(speed, case, prefix, 1) end, function() return run(speed, case, prefix, 2) end }
  local bytes, ratio = case.data.n ^ 2 * (case.data.dtype == "f64" and 8 or 4), one.time / two.time
  return { ours = two, ours_one = one, ratio = ratio },
    ("ours %10.1f ms  our t1   %10.1f ms  ratio %5.2f  (%.1f and %.1f GB/s: the bound where memory decides)"):format(two.time, one.time, ratio, bytes / two.time / 1e6,
      bytes / one.time / 1e6)
end

local function first_line(command)
  return (runs.capture(command):match "^[^\n]*")
end

local rows, points = {}, { pam = {}, fastpam1 = {}, fasterpam = {} }
for _, case in ipairs(CASES) do
  if is_wanted(case.name) then
    if not runs.cores(case.threads or 1) then
      io.stderr:write(case.name, ": skipped, fewer cores than threads\n")
    else
      local row, text = (case.reading and reading or case.alone and alone or case.own and against_own or against_peer)(case, make(case.data))
      row.case, row.threads, row.n, row.k, row.dim, row.dtype = case.name, case.threads or 1, case.data.n, case.k, case.data.dim, case.data.dtype
      rows[#rows + 1] = row
      if case.plot then
        table.insert(points[case.method], { case.k, row.ours.time / row.ours.n_iter })
      end
      print(("%-40s %s"):format(case.name, text))
      io.stdout:flush()
    end
  end
end

local function write(name, text)
  local file = assert(io.open(out_dir .. "/" .. name, "w"))
  file:write(text)
  file:close()
  io.stderr:write("written: ", name, "\n")
end

if #points.pam > 1 then
  write("pam-vs-fasterpam.svg", vt.plot.lines { title = "One pass over 600 objects, float32, one thread", x = { label = "k", log = true, ticks = PAM_KS },
    y = { label = "ms a pass", log = true }, series = {
      { name = "PAM", points = points.pam }, { name = "FastPAM1", points = points.fastpam1 }, { name = "FasterPAM", points = points.fasterpam } } })
end
write("cluster.json", vt.json.encode({
  versions = vt.json.decode(runs.capture(peer .. " versions")), venturi = vt.version(), isa = rows[1] and rows[1].ours.isa,
  cpu = first_line "sed -n 's/^model name[^:]*: //p' /proc/cpuinfo", cores = tonumber(first_line "nproc"), priority = runs.priority,
  load = first_line "cat /proc/loadavg", rows = rows,
}, { indent = true }) .. "\n")
