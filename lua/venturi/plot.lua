--- Charts as SVG for a page. venturi.page gives the classes paper, edge, accent, rule and dot their colours; those written here are for viewers of
-- the bare picture. Colours of groups are spread round the circle of hues by the golden angle, so
-- that neighbours differ and a group keeps its colour in every chart.
-- For files of their own: `lines`, `points`, `bars`, `heatmap` (venturi.plot.figure), `text` for a terminal (venturi.plot.terminal), `images`, a PNG of pictures side
-- by side (venturi.plot.images).
local M = {}

--- Colour of group i, counting from 0, that reads on light and on dark.
function M.colour(i)
  return ("hsl(%.0f 62%% %d%%)"):format(i * 137.508 % 360, ({ 50, 42, 58 })[i // 8 % 3 + 1])
end

local number = require("venturi.plot.axis").number

-- A function that maps [low, high] to [from, to]; a range without extent goes to the middle.
local function scale(low, high, from, to)
  if high <= low then return function() return (from + to) / 2 end end
  return function(x) return from + (x - low) / (high - low) * (to - from) end
end

local function range(list, low, high)
  for _, x in ipairs(list) do low, high = math.min(low, x), math.max(high, x) end
  return low, high
end

-- Round values in [low, high], about six of them, zero among them.
local function ticks(low, high)
  local step, list = 1, {}
  for _, finer in ipairs{ 0.5, 0.25, 0.1, 0.05, 0.025, 0.01 } do
    if (high - low) / finer <= 7 then step = finer end
  end
  for i = math.ceil(low / step), math.floor(high / step) do list[#list + 1] = i * step end
  return list
end

local function svg(width, height, parts, label)
  return ('<svg viewBox="0 0 %d %d" font-size="11" role="img" aria-label="%s">\n%s\n</svg>'):format(width, height, label, table.concat(parts, "\n"))
end

--- Points in the plane.
-- @tparam table points list of { x, y, group = integer from 0, title = escaped text or nil }
-- @tparam table marks list of { x, y, group, label = escaped text, image = source of an <img> or nil }, drawn on top
-- @tparam table axes { x = escaped text, y = escaped text }
function M.scatter(points, marks, axes)
  local width, height, edge = 760, 520, 34
  local xs, ys, parts = {}, {}, {}
  for i, p in ipairs(points) do xs[i], ys[i] = p[1], p[2] end
  local low_x, high_x = range(xs, math.huge, -math.huge)
  local low_y, high_y = range(ys, math.huge, -math.huge)
  -- One scale for both axes: distances on the map mean the same in every direction.
  local reach = math.max((high_x - low_x) / (width - 2 * edge), (high_y - low_y) / (height - 2 * edge), 1e-300)
  local mid_x, mid_y = (low_x + high_x) / 2, (low_y + high_y) / 2
  local function place(p) return width / 2 + (p[1] - mid_x) / reach, height / 2 - (p[2] - mid_y) / reach end
  local radius = #points > 5000 and 1.5 or #points > 500 and 2.4 or 4
  for i, p in ipairs(points) do
    local x, y = place(p)
    local title = p.title and ("<title>%s</title>"):format(p.title) or ""
    parts[i] = ('<circle cx="%.1f" cy="%.1f" r="%s" fill="%s" fill-opacity=".55">%s</circle>'):format(x, y, radius, M.colour(p.group), title)
  end
  for _, m in ipairs(marks) do
    local x, y = place(m)
    if m.image then
      parts[#parts + 1] = ('<circle class="paper" cx="%.1f" cy="%.1f" r="15" fill="#fff" stroke="%s" stroke-width="2"/>'):format(x, y, M.colour(m.group))
      parts[#parts + 1] = ('<image x="%.1f" y="%.1f" width="20" height="20" href="%s" class="%s"/>'):format(x - 10, y - 10, m.image, m.class or "")
    else
      parts[#parts + 1] = ('<circle class="edge" cx="%.1f" cy="%.1f" r="9" fill="%s" stroke="#222" stroke-width="2"/>'):format(x, y, M.colour(m.group))
      parts[#parts + 1] = ('<text x="%.1f" y="%.1f" text-anchor="middle" style="fill:#fff;font-weight:600">%s</text>'):format(x, y + 4, m.label)
    end
  end
  parts[#parts + 1] = ('<text x="%d" y="%d" text-anchor="end">%s</text>'):format(width - 6, height - 6, axes.x)
  parts[#parts + 1] = ('<text x="6" y="14">%s</text>'):format(axes.y)
  return svg(width, height, parts, "map")
end

--- Sorted values as bars that lie on each other, group by group: the silhouette chart.
-- @tparam table groups list of { values = list of numbers, group = integer from 0, label = escaped text }
function M.silhouettes(groups)
  local width, left, right, gap = 760, 40, 12, 6
  local total, low, high = 0, 0, 0
  for _, g in ipairs(groups) do
    total = total + #g.values
    low, high = range(g.values, low, high)
  end
  local height_of = math.max(0.15, math.min(6, 400 / math.max(total, 1)))
  local to_x = scale(low, math.max(high, 1e-12), left, width - right)
  local parts, y = {}, 20
  for _, g in ipairs(groups) do
    local sorted = table.move(g.values, 1, #g.values, 1, {})
    table.sort(sorted, function(a, b) return a > b end)
    -- One outline for the whole group: a bar for each of 100,000 objects would be no page.
    local zero, steps = to_x(0), {}
    local stride = math.max(1, #sorted // 400)
    for i = 1, #sorted, stride do
      steps[#steps + 1] = ("H%.1fV%.2f"):format(to_x(sorted[i]), y + math.min(i - 1 + stride, #sorted) * height_of)
    end
    parts[#parts + 1] = ('<path d="M%.1f %.2f%sH%.1fZ" fill="%s"><title>%s</title></path>'):format(zero, y, table.concat(steps), zero,
      M.colour(g.group), g.label)
    local middle = y + #sorted * height_of / 2
    parts[#parts + 1] = ('<text x="%d" y="%.1f" text-anchor="end">%s</text>'):format(left - 8, middle + 4, g.label)
    y = y + math.max(#sorted * height_of, 12) + gap
  end
  local height = math.ceil(y + 4)
  local rules = {}
  for _, tick in ipairs(ticks(low, high)) do
    local x = to_x(tick)
    rules[#rules + 1] = ('<line class="rule" stroke="#ccc" x1="%.1f" x2="%.1f" y1="16" y2="%d"/>'):format(x, x, height)
    rules[#rules + 1] = ('<text x="%.1f" y="11" text-anchor="middle">%s</text>'):format(x, number(tick))
  end
  table.move(parts, 1, #parts, #rules + 1, rules) -- behind the bars
  parts = rules
  return svg(width, height, parts, "silhouettes")
end

--- A line through points, one of which is marked.
-- @tparam table points list of { x, y }, x ascending
-- @tparam integer chosen position of the marked one
-- @tparam table axes { x =, y = } escaped texts
function M.line(points, chosen, axes)
  local width, height, left, bottom = 760, 220, 56, 32
  local ys, parts, path = {}, {}, {}
  for i, p in ipairs(points) do ys[i] = p[2] end
  local low, high = range(ys, math.huge, -math.huge)
  local to_x, to_y = scale(points[1][1], points[#points][1], left, width - 16), scale(low, high, height - bottom - 8, 32)
  for _, y in ipairs{ low, high } do
    parts[#parts + 1] = ('<line class="rule" stroke="#ccc" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>'):format(left, width - 16, to_y(y), to_y(y))
    parts[#parts + 1] = ('<text x="%d" y="%.1f" text-anchor="end">%s</text>'):format(left - 6, to_y(y) + 4, number(y))
  end
  local every = math.max(1, math.ceil(#points / 20))
  for i, p in ipairs(points) do
    local x, y = to_x(p[1]), to_y(p[2])
    path[i] = ("%s%.1f %.1f"):format(i == 1 and "M" or "L", x, y)
    if (i - 1) % every == 0 or i == chosen then
      parts[#parts + 1] = ('<text x="%.1f" y="%d" text-anchor="middle">%s</text>'):format(x, height - bottom + 12, number(p[1]))
    end
  end
  parts[#parts + 1] = ('<path class="accent" d="%s" fill="none" stroke="#2f6fde" stroke-width="2"/>'):format(table.concat(path))
  for i, p in ipairs(points) do
    parts[#parts + 1] = ('<circle class="accent dot" cx="%.1f" cy="%.1f" r="%d" fill="#2f6fde"><title>%s: %s</title></circle>'):format(to_x(p[1]), to_y(p[2]),
      i == chosen and 7 or 3, number(p[1]), number(p[2]))
  end
  parts[#parts + 1] = ('<text x="%d" y="%d" text-anchor="end">%s</text><text x="6" y="12">%s</text>'):format(width - 16, height - 4, axes.x, axes.y)
  return svg(width, height, parts, "curve")
end

local elsewhere = { lines = "figure", points = "figure", bars = "figure", heatmap = "figure", text = "terminal", images = "images" }

return setmetatable(M, { __index = function(t, name)
  if not elsewhere[name] then return nil end
  local f = require("venturi.plot." .. elsewhere[name])[name]
  rawset(t, name, f)
  return f
end })
