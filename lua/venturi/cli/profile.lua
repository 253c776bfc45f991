--- --profile and --profile-trace: where the time of a run goes, as a table on stderr and as a file for chrome://tracing or ui.perfetto.dev.
local json = require "venturi.cli.json"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"
local vt = require "venturi"

local M = {}

local MOST_SPANS = 1 << 18 -- of a trace: 8 MiB

--- To be put among a verb's options.
M.options = {
  { "profile", kind = "flag", group = "Profile", help = "print where the time went: load, tokenize, prefill, decode, sample" },
  { "profile-trace", arg = "FILE", kind = "string", group = "Profile", env = false, help = "write each step as a Chrome trace; an existing file is overwritten" },
}

--- A verb's options with these behind them.
function M.join(list)
  return table.move(M.options, 1, #M.options, #list + 1, list)
end

local began

--- Starts the clocks if the options ask for them.
function M.start(opt)
  began = nil
  if not (opt.profile or opt.profile_trace) then return end
  vt.profile.start{ spans = opt.profile_trace and MOST_SPANS or 0 }
  began = program.clock()
end

local function row(name, count, tokens, seconds, whole)
  local speed = tokens > 0 and seconds > 0 and ("%.1f"):format(tokens / seconds) or ""
  return ("%-10s %8s %8s %12.1f %10s %7.1f %%"):format(name, count, tokens > 0 and tokens or "", seconds * 1000, speed, 100 * seconds / whole)
end

--- The table: one line a stage that was entered, and one for what was none of them.
function M.table(stages, whole)
  local lines, sum = { ("%-10s %8s %8s %12s %10s %9s"):format("stage", "count", "tokens", "ms", "tokens/s", "share") }, 0
  for _, s in ipairs(stages) do
    if s.count > 0 then
      lines[#lines + 1] = row(s.name, s.count, s.tokens, s.seconds, whole)
      sum = sum + s.seconds
    end
  end
  lines[#lines + 1] = row("other", "", 0, math.max(0, whole - sum), whole)
  lines[#lines + 1] = row("total", "", 0, whole, whole)
  return table.concat(lines, "\n")
end

local function write_trace(path)
  local spans, lost = vt.profile.spans()
  local events = {}
  for i, s in ipairs(spans) do
    events[i] = ('{"name": %s, "ph": "X", "pid": 1, "tid": 1, "ts": %.3f, "dur": %.3f, "args": {"tokens": %d}}'):format(json.encode(s.name), s.begin * 1e6,
      s.seconds * 1e6, s.tokens)
  end
  local file, message = io.open(path, "wb")
  local ok = file and file:write('{"displayTimeUnit": "ms", "traceEvents": [\n', table.concat(events, ",\n"), "\n]}\n")
  if file then
    local closed, why = file:close()
    ok, message = ok and closed, why
  end
  if not ok then talk.fail(1, path .. ": " .. (message or "cannot be written")) end
  if lost > 0 then talk.say("%s: the last %d steps had no room", path, lost) end
end

--- Stops the clocks, prints and writes what was asked for. Result: the stages, or nil where there was no profile.
function M.finish(opt)
  if not began then return nil end
  local whole = program.clock() - began
  began = nil
  vt.profile.stop()
  local stages = vt.profile.stages()
  if opt.profile then io.stderr:write(M.table(stages, whole), "\n") end
  if opt.profile_trace then write_trace(opt.profile_trace) end
  return stages
end

return M
