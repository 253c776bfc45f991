--- A line on stderr: step, loss, steps a second, time to go.
local Progress = {}
Progress.__index = Progress

local function clock(seconds)
  seconds = math.floor(seconds + 0.5)
  if seconds >= 3600 then return ("%d:%02d:%02d"):format(seconds // 3600, seconds // 60 % 60, seconds % 60) end
  return ("%d:%02d"):format(seconds // 60, seconds % 60)
end

function Progress:show(step, loss)
  if not self.on then return end
  local now = os.time()
  if now == self.last and step < self.steps then return end
  self.last = now
  local done, spent = step - self.first, math.max(now - self.began, 1)
  io.stderr:write(("\r%d/%d  loss %.4g  %.1f steps/s  %s to go%s   "):format(step, self.steps, loss, done / spent, clock((self.steps - step) * spent / math.max(done, 1)),
    self.notes))
  io.stderr:flush()
  self.shown = true
end

--- Measures stand behind the line until the next ones.
function Progress:note(measures)
  local parts = {}
  for name, value in pairs(measures) do parts[#parts + 1] = ("  %s %.4g"):format(name, value) end
  table.sort(parts)
  self.notes = table.concat(parts)
end

function Progress:done()
  if self.shown then io.stderr:write "\n" end
end

return {
  new = function(on, first, steps) return setmetatable({ on = on, first = first, steps = steps, began = os.time(), notes = "" }, Progress) end,
}
