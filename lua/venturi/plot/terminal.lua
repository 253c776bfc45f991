--- Lines for a terminal: a character is 2 x 4 dots of Braille.
local axis = require "venturi.plot.axis"
local vt = require "venturi"

local M = {}

local dots = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } }

local function is_drawn(p) return axis.is_shown(p[1]) and axis.is_shown(p[2]) end

local function check(name, value)
  if math.type(value) ~= "integer" or value < 2 or value > 1000 then error(("plot.text: %s must be an integer from 2 to 1000"):format(name), 3) end
end

--- text{ series = as lines{} has them, columns = 64, rows = 14, title, x, y }: all series in one ink; x and y: { log, low, high }.
function M.text(spec)
  spec = vt.options("plot.text", { series = false, columns = 64, rows = 14, title = false, x = {}, y = {} }, spec)
  local columns, rows = spec.columns, spec.rows
  check("columns", columns)
  check("rows", rows)
  if type(spec.series) ~= "table" then error("plot.text: series is missing", 2) end
  local xs, ys, cells = {}, {}, {}
  for _, s in ipairs(spec.series) do
    for _, p in ipairs(s.points) do
      if is_drawn(p) then xs[#xs + 1], ys[#ys + 1] = p[1], p[2] end
    end
  end
  local x, y = axis.new("x", xs, spec.x), axis.new("y", ys, spec.y)
  local function dot(u, v)
    if u < 0 or u >= 2 * columns or v < 0 or v >= 4 * rows then return end
    local at = v // 4 * columns + u // 2
    cells[at] = (cells[at] or 0) | dots[v % 4 + 1][u % 2 + 1]
  end
  local function place(p)
    return x.place(p[1]) * (2 * columns - 1), (1 - y.place(p[2])) * (4 * rows - 1)
  end
  for _, s in ipairs(spec.series) do
    local u0, v0
    for _, p in ipairs(s.points) do
      local u, v
      if is_drawn(p) then
        u, v = place(p)
        u, v = math.max(-9999, math.min(9999, u)), math.max(-9999, math.min(9999, v)) -- far outside of low and high
        local n = u0 and math.max(math.abs(u - u0), math.abs(v - v0)) // 1 + 1 or 1
        for i = 1, n do
          local f = i / n
          dot(((u0 or u) + (u - (u0 or u)) * f + 0.5) // 1 | 0, ((v0 or v) + (v - (v0 or v)) * f + 0.5) // 1 | 0)
        end
      end
      u0, v0 = u, v
    end
  end
  local lines = {}
  if spec.title then lines[1] = spec.title end
  for r = 0, rows - 1 do
    local row = {}
    for c = 0, columns - 1 do row[c + 1] = utf8.char(0x2800 + (cells[r * columns + c] or 0)) end
    local label = r == 0 and axis.number(y.high) or r == rows - 1 and axis.number(y.low) or ""
    lines[#lines + 1] = ("%9s |%s"):format(label, table.concat(row))
  end
  local left, right = axis.number(x.low), axis.number(x.high)
  lines[#lines + 1] = (" "):rep(11) .. left .. (" "):rep(math.max(1, columns - #left - #right)) .. right
  return table.concat(lines, "\n") .. "\n"
end

return M
