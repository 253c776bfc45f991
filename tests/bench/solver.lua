-- Times a solver's step without its model beside a scheduler's of diffusers, and beside copying the tensors that it must touch.
-- usage: solver.lua SOLVER_SPEED PEER_COMMAND [CASE...]        (PEER_COMMAND empty: no peer)
package.path = arg[0]:match "^(.*)/" .. "/?.lua;" .. package.path
local runs = require "runs"
local vt = require "venturi"

local ours, peer = arg[1], arg[2]
local wanted = table.move(arg, 3, #arg, 1, {})

local function measure(command, name, threads)
  return vt.json.decode(runs.capture(("%s%s %s %d"):format(runs.bound(threads), command, runs.quote(name), threads)))
end

local function difference(a, b)
  local worst = 0
  for i, v in ipairs(a) do worst = math.max(worst, math.abs(v - b[i]) / math.max(1, math.abs(v))) end
  return worst
end

print(("a step at 8 x 4 x 64 x 64 float32 without the model, medians, %s priority"):format(runs.priority))
print(("%-34s %10s %10s %8s %10s %8s %10s"):format("case", "ours us", "peer us", "ratio", "copy us", "of copy", "differ"))
for _, name in ipairs{ "dpm++2m", "ddim", "euler" } do
  local row = ("step %s vs diffusers t1"):format(name)
  if runs.is_wanted(wanted, row) then
    local a = measure(runs.quote(ours), name, 1)
    local b = peer ~= "" and measure(peer, name, 1)
    -- diffusers' DDIM has other levels, and its Euler another scale of the state: their results are not the same numbers.
    local same = b and name == "dpm++2m" and ("%.1e"):format(difference(a.probes, b.probes)) or "-"
    print(("%-34s %10.1f %10s %8s %10.1f %8.2f %10s"):format(row, a.us, b and ("%.1f"):format(b.us) or "-", b and ("%.2f"):format(a.us / b.us) or "-", a.copy_us,
      a.us / a.copy_us, same))
  end
end
