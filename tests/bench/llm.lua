-- Side by side with llama.cpp on the same file:   llm.lua SPEED PEER PEER_VERSION PEER_ISA MODEL OUT.json
-- SPEED is tests/bench/llm_speed, PEER is llama-bench. Runs alternate, each bound to the same cores by taskset; medians of REPS runs.
local speed, peer, peer_version, peer_isa, model, out = table.unpack(arg, 1, 6)
assert(out, "usage: llm.lua SPEED PEER PEER_VERSION PEER_ISA MODEL OUT.json")
package.path = (arg[0]:match "^(.*)/" or ".") .. "/?.lua;" .. package.path
local vt = require "venturi"
local runs = require "runs"

local REPS = 5
-- The peer's medians that the project measured on a quiet machine. A peer far below them was disturbed: the row is measured again.
local CASES = {
  { kind = "pp", n = 128, threads = 1, known = 169 }, { kind = "pp", n = 128, threads = 2, known = 287 },
  { kind = "pp", n = 512, threads = 1, known = 154 }, { kind = "pp", n = 512, threads = 2, known = 274 },
  { kind = "tg", n = 64, threads = 1, known = 85 }, { kind = "tg", n = 64, threads = 2, known = 123 },
}
local DISTURBED, ATTEMPTS = 0.6, 3

local function measure(case, bound)
  local ours_cmd = ("%s %s %s %d %d"):format(bound, runs.quote(speed), runs.quote(model) .. " " .. case.kind, case.n, case.threads)
  local peer_cmd = ("%s %s -m %s -t %d -p %d -n %d -r 1 -o json 2>/dev/null"):format(bound, runs.quote(peer), runs.quote(model), case.threads,
    case.kind == "pp" and case.n or 0, case.kind == "tg" and case.n or 0)
  local ours, theirs, isa = {}, {}, nil
  for rep = 1, REPS do
    local rate, name = runs.capture(ours_cmd):match "^(%S+) (%S+)"
    ours[rep], isa = tonumber(rate), name
    theirs[rep] = vt.json.decode(runs.capture(peer_cmd))[1].avg_ts
  end
  return ours, theirs, isa, ours_cmd .. " | " .. peer_cmd
end

local function basename(path) return path:match "[^/]*$" end

local rows = {}
for _, case in ipairs(CASES) do
  local set = runs.cores(case.threads)
  local name = ("smollm2 q4_1 %s%d t%d"):format(case.kind, case.n, case.threads)
  if not set then
    io.stderr:write(name, ": skipped, fewer cores than threads\n")
  else
    local ours, theirs, isa, command
    for attempt = 1, ATTEMPTS do
      ours, theirs, isa, command = measure(case, "taskset -c " .. set)
      if runs.median(theirs) >= DISTURBED * case.known or attempt == ATTEMPTS then break end
      io.stderr:write(name, ": the peer was disturbed, measuring again\n")
    end
    local a, b = runs.median(ours), runs.median(theirs)
    rows[#rows + 1] = {
      case = name, threads = case.threads, ours = a, peer = b, ratio = a / b, unit = "tokens/s", peer_name = "llama.cpp",
      peer_version = peer_version, peer_isa = peer_isa, ours_isa = isa, ours_raw = ours, peer_raw = theirs,
      command = command:gsub("'[^']*/([^'/]*)'", "%1"),
    }
    print(("%-24s ours %8.1f  llama.cpp %8.1f tokens/s  ratio %.2f"):format(name, a, b, a / b))
  end
end

local file = assert(io.open(out, "w"))
file:write(vt.json.encode(rows, { indent = true }), "\n")
file:close()
io.stderr:write("written: ", basename(out), "\n")
