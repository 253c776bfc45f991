-- Steps of training side by side with PyTorch:   train.lua VENTURI TORCH OUT_DIR [CASE...]
-- A step is forward, backward and AdamW, on the same nets from the same weights (tests/bench/train_nets.lua, train_peer.py). VENTURI is the program, TORCH the
-- command that runs train_peer.py, empty where it is not installed. The programs of a row take turns on the same cores, each for SLICE_S seconds; a time is the
-- median of its turns' medians. Before that each runs steps whose losses must be the same.
-- CASE is a part of a row's name: only such rows are measured. OUT_DIR gets train.json.
local venturi, torch, out_dir = table.unpack(arg, 1, 3)
assert(out_dir, "usage: train.lua VENTURI TORCH OUT_DIR [CASE...]")
local wanted = table.move(arg, 4, #arg, 1, {})
local here = arg[0]:match "^(.*)/" or "."
package.path = here .. "/?.lua;" .. package.path
local vt = require "venturi"
local runs = require "runs"

local TURNS, SLICE_S, FIRST_STEPS, MB = 5, 0.8, 3, 1 << 20
local EAGER, TOLERANCE = 0.8, 1e-4 -- eager needs this part of what captured needs; losses differ by roundings
local nets = { { "gpt-tiny", 1.2 }, { "dit-tiny", 1.2 }, { "mlp", 1.2 }, { "unet", 0.8 } }
local left_out = torch == ""

-- ---- programs that stay: requests go through a pipe with a name ----

local function start(command)
  local path = os.tmpname()
  assert(os.remove(path))
  runs.capture("mkfifo " .. runs.quote(path))
  local program = { command = command, answers = assert(io.popen(command .. " < " .. runs.quote(path))) }
  program.requests = assert(io.open(path, "w"))
  assert(os.remove(path))
  return program
end

local function ask(program, request)
  program.requests:write(request, "\n")
  program.requests:flush()
  return vt.json.decode(assert(program.answers:read "l", "this ended: " .. program.command))
end

local function stop(program)
  program.requests:write "end\n" -- its pipe does not end with ours: programs that were started later have it too
  program.requests:close()
  program.answers:close()
end

local function start_ours(net, mode, threads, file)
  local script = here .. "/train_ours.lua"
  return start(("%s%s run -t %d %s %s %s %s"):format(runs.bound(threads), runs.quote(venturi), threads, runs.quote(script), net, mode, runs.quote(file)))
end

local function start_torch(net, threads, file)
  return start(("%s%s %s %d %s %s"):format(runs.bound(threads), torch, net, threads, runs.cores(threads), runs.quote(file)))
end

-- ---- rows ----

local rows = {}

local function check(name, ours, theirs)
  assert(ours.weights == theirs.weights, ("%s: %d weights, PyTorch has %d"):format(name, ours.weights, theirs.weights))
  for i = 1, FIRST_STEPS do
    local a, b = ours.losses[i], theirs.losses[i]
    assert(math.abs(a - b) <= TOLERANCE * math.max(1, math.abs(b)), ("%s: the loss of step %d is %.7f, PyTorch's %.7f"):format(name, i, a, b))
  end
end

local function verdict(reached, need) return ("(need %.2f: %s)"):format(need, reached >= need and "met" or "MISSED") end

local function report(row, first, last)
  local ours = last.ours
  local text = { ("%-24s ours %8.2f ms"):format(row.name, row.ours_ms) }
  if row.torch_ms then
    text[#text + 1] = ("torch %8.2f ms (x %.2f)  %s"):format(row.torch_ms, row.ratio, verdict(row.ratio, row.need))
  end
  text[#text + 1] = ("memory of steps, MiB: ours %.1f"):format((ours.peak - ours.before) / MB)
  if ours.graph then text[#text] = text[#text] .. (" (graph %.1f)"):format(ours.graph.peak / MB) end
  if last.torch then text[#text + 1] = ("torch %.1f"):format((last.torch.peak - last.torch.before) / MB) end
  text[#text + 1] = ("processes: ours %.0f"):format(ours.peak / MB)
  if last.torch then text[#text + 1] = ("torch %.0f"):format(last.torch.peak / MB) end
  print(table.concat(text, "  "))
  io.stdout:flush()
  row.last, row.losses = last, { ours = first.ours.losses, torch = first.torch and first.torch.losses }
  rows[#rows + 1] = row
end

local function measure(net, need, mode, threads)
  local row = { name = ("%s %s t%d"):format(net, mode, threads), need = need, threads = threads, all_ms = { ours = {}, torch = {} } }
  local file, programs, first, last = os.tmpname(), {}, {}, {}
  programs[1] = { "ours", start_ours(net, mode, threads, file) }
  first.ours = ask(programs[1][2], "steps " .. FIRST_STEPS) -- its file is there now
  if not left_out then
    programs[2] = { "torch", start_torch(net, threads, file) }
    first.torch = ask(programs[2][2], "steps " .. FIRST_STEPS)
    check(row.name, first.ours, first.torch)
  end
  for _ = 1, TURNS do
    for _, p in ipairs(programs) do
      last[p[1]] = ask(p[2], "for " .. SLICE_S)
      table.insert(row.all_ms[p[1]], last[p[1]].ms)
    end
  end
  for _, p in ipairs(programs) do stop(p[2]) end
  assert(os.remove(file))
  row.ours_ms = runs.median(row.all_ms.ours)
  if last.torch then
    row.torch_ms = runs.median(row.all_ms.torch)
    row.ratio = row.torch_ms / row.ours_ms
  end
  report(row, first, last)
end

local function is_wanted(name) return runs.is_wanted(wanted, name) end

-- ---- the run ----

local torch_version = left_out and "PyTorch left out" or runs.capture(torch .. " versions"):gsub("%s+$", "")
local load = assert(io.open "/proc/loadavg"):read "a":match "^%S+"
print(("%s; %s kernels; %s priority; load %s before; a step is forward, backward and AdamW; PyTorch's time over ours in brackets"):format(torch_version,
  vt.isa(), runs.priority, load))
for _, net in ipairs(nets) do
  for _, mode in ipairs { "captured", "eager" } do
    for threads = 1, 2 do
      local name = ("%s %s t%d"):format(net[1], mode, threads)
      if is_wanted(name) then
        local need = mode == "eager" and net[2] * EAGER or net[2]
        if runs.cores(threads) then measure(net[1], need, mode, threads) else print(name .. "  left out: too few cores") end
      end
    end
  end
end

local file = assert(io.open(out_dir .. "/train.json", "w"))
file:write(vt.json.encode { torch = torch_version, isa = vt.isa(), priority = runs.priority, load = load, turns = TURNS, rows = rows }, "\n")
file:close()
