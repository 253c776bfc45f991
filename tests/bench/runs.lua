-- What the benchmark drivers have in common: programs run side by side on the same cores, and medians.
local runs = {}

function runs.capture(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  assert(pipe:close(), "failed: " .. command .. "\n" .. text)
  return text
end

function runs.lines(command)
  local list = {}
  for line in runs.capture(command):gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

-- Is a row asked for? wanted: parts of names, none of them means all.
function runs.is_wanted(wanted, name)
  for _, part in ipairs(wanted) do
    if name:find(part, 1, true) then return true end
  end
  return #wanted == 0
end

function runs.quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- The first n cores that this process may use, as taskset writes them; nil where there are fewer.
function runs.cores(n)
  local list = {}
  for part in runs.capture("taskset -cp $$ | sed 's/.*: //'"):gmatch "[%d%-]+" do
    local a, b = part:match "^(%d+)%-?(%d*)$"
    for i = tonumber(a), tonumber(b ~= "" and b or a) do list[#list + 1] = i end
  end
  return #list >= n and table.concat(list, ",", 1, n) or nil
end

-- What stands before a command to bind it to the first n cores. Where the system lets us, it also comes before all ordinary processes (SCHED_FIFO), so
-- that what else runs on the machine takes little from it; runs.priority says which it was. shared: not so.
runs.priority = os.execute "chrt -f 10 true >/dev/null 2>&1" and "real-time" or "ordinary"
function runs.bound(n, shared)
  return ("taskset -c %s %s"):format(runs.cores(n), runs.priority == "real-time" and not shared and "chrt -f 10 " or "")
end

function runs.median(t)
  local s = table.move(t, 1, #t, 1, {})
  table.sort(s)
  return #s % 2 == 1 and s[#s // 2 + 1] or (s[#s // 2] + s[#s // 2 + 1]) / 2
end

return runs
