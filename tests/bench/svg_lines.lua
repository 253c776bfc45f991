-- A small plot as SVG: lines over two logarithmic axes, ticks at powers of ten and at the x values given.
local WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 440, 70, 150, 30, 50
local COLOURS = { "#1b6ca8", "#c8553d", "#4b8b3b", "#7d5ba6" }

local function range(lines, axis)
  local low, high = math.huge, -math.huge
  for _, line in ipairs(lines) do
    for _, point in ipairs(line.points) do
      low, high = math.min(low, point[axis]), math.max(high, point[axis])
    end
  end
  return math.log(low, 10), math.log(high, 10)
end

-- plot: title, x_label, y_label, ticks (x values), lines = { { name, points = { {x, y}, ... } }, ... }; answers the text of the file.
return function(plot)
  local x0, x1 = range(plot.lines, 1)
  local y0, y1 = range(plot.lines, 2)
  y0, y1 = math.floor(y0), math.ceil(y1)
  local function x(v) return LEFT + (math.log(v, 10) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT) end
  local function y(v) return HEIGHT - BOTTOM - (math.log(v, 10) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM) end
  local out = {}
  local function put(fmt, ...) out[#out + 1] = fmt:format(...) end
  put('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#222">', WIDTH, HEIGHT)
  put('<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="18" font-weight="bold">%s</text>', WIDTH, HEIGHT, LEFT, plot.title)
  for e = y0, y1 do
    put('<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%g</text>', LEFT, y(10.0 ^ e), WIDTH - RIGHT, LEFT - 6,
      y(10.0 ^ e) + 4, 10.0 ^ e)
  end
  for _, v in ipairs(plot.ticks) do
    put('<path d="M%.1f %dv5" stroke="#222"/><text x="%.1f" y="%d" text-anchor="middle">%g</text>', x(v), HEIGHT - BOTTOM, x(v), HEIGHT - BOTTOM + 18, v)
  end
  put('<text x="%d" y="%d" text-anchor="middle">%s</text>', (LEFT + WIDTH - RIGHT) // 2, HEIGHT - 10, plot.x_label)
  put('<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>', (TOP + HEIGHT - BOTTOM) // 2, plot.y_label)
  for i, line in ipairs(plot.lines) do
    local path = {}
    for n, p in ipairs(line.points) do path[n] = ("%s%.1f %.1f"):format(n == 1 and "M" or "L", x(p[1]), y(p[2])) end
    local last, colour = line.points[#line.points], COLOURS[(i - 1) % #COLOURS + 1]
    put('<path d="%s" fill="none" stroke="%s" stroke-width="2"/><text x="%.1f" y="%.1f" fill="%s">%s</text>', table.concat(path), colour, x(last[1]) + 8,
      y(last[2]) + 4, colour, line.name)
  end
  put "</svg>"
  return table.concat(out, "\n") .. "\n"
end
