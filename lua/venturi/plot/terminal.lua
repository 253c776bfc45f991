--- Lines for a terminal: a character is 2 x 4 dots of Braille.
local axis = require "venturi.plot.axis"

local M = {}

local dots = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } }

--- text{ series = as lines{} has them, columns = 64, rows = 14, x, y }: all series in one ink.
function M.text(spec)
  local columns, rows = spec.columns or 64, spec.rows or 14
  local xs, ys, cells = {}, {}, {}
  for _, s in ipairs(spec.series) do
    for _, p in ipairs(s.points) do xs[#xs + 1], ys[#ys + 1] = p[1], p[2] end
  end
  local x, y = axis.new("x", xs, spec.x or {}), axis.new("y", ys, spec.y or {})
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
      if p[2] == p[2] and math.abs(p[2]) < math.huge then
        u, v = place(p)
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
