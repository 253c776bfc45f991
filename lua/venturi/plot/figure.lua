--- Charts as SVG files: lines, points, bars, heat maps. Each takes one table and gives the text of the file.
--
--     title = "..."    x, y = { label = , log = false, low = , high = , ticks = { ... } }    width = 720, height = 420
--
-- What is no number, or infinite, is left out; what lies beyond low and high is cut off. Text is any text.
local axis = require "venturi.plot.axis"
local pages = require "venturi.plot.page"
local vt = require "venturi"

local M = { escape = pages.escape }

local function checked(what, defaults, spec)
  if type(spec) ~= "table" then error(("plot.%s: a table is needed, got %s"):format(what, type(spec)), 3) end
  for key, value in pairs{ title = false, width = false, height = false, x = false, y = false } do defaults[key] = value end
  local opt = vt.options("plot." .. what, defaults, spec)
  for key, value in pairs(opt) do if value == false then opt[key] = nil end end
  return opt
end

local series_of = {
  lines = { name = false, points = false, dashed = false, marks = true }, points = { name = false, points = false }, bars = { name = false, values = false, errors = false },
}

-- The series of a spec, each with its list of points or values.
local function series(what, spec, list)
  if type(spec.series) ~= "table" then error(("plot.%s: series is missing"):format(what), 3) end
  for i, s in ipairs(spec.series) do
    if type(s) ~= "table" then error(("plot.%s: series %d is no table"):format(what, i), 3) end
    vt.options(("plot.%s: series %d"):format(what, i), series_of[what], s)
    if type(s[list]) ~= "table" then error(("plot.%s: series %d has no %s"):format(what, i, list), 3) end
    for k, p in ipairs(list == "points" and s.points or {}) do
      if type(p) ~= "table" or type(p[1]) ~= "number" or type(p[2]) ~= "number" then
        error(("plot.%s: point %d of series %d is not { x, y }"):format(what, k, i), 3)
      end
    end
  end
  return spec.series
end

local function names_of(list)
  local names = {}
  for i, s in ipairs(list) do names[i] = s.name or ("series " .. i) end
  return #list > 1 and names or {}
end

local function is_drawn(p) return axis.is_shown(p[1]) and axis.is_shown(p[2]) end

-- All first and all second numbers of the points that are drawn, and the ends of their errors.
local function columns(list)
  local xs, ys, ends = {}, {}, {}
  for _, s in ipairs(list) do
    for _, p in ipairs(s.points) do
      if is_drawn(p) then
        xs[#xs + 1], ys[#ys + 1] = p[1], p[2]
        if axis.is_shown(p[3]) then ends[#ends + 1], ends[#ends + 2] = p[2] - p[3], p[2] + p[3] end
      end
    end
  end
  return xs, ys, ends
end

-- draw(page, series, colour, at(point) -> pixels, to_y(value) -> pixels)
local function chart(what, spec, draw)
  spec = checked(what, { series = false }, spec)
  local list = series(what, spec, "points")
  local x_spec, y_spec = pages.axis("x", spec.x), pages.axis("y", spec.y)
  local xs, ys, ends = columns(list)
  local names = names_of(list)
  local self, x, y = pages.new(spec, names), axis.new("x", xs, x_spec, 7), axis.new("y", ys, y_spec, 6, ends)
  self:y_axis(y, y_spec.label)
  self:x_axis(x, x_spec.label)
  self:cut(function()
    for i, s in ipairs(list) do
      draw(self, s, self:colour(i - 1), function(p) return self:x(x.place(p[1])), self:y(y.place(p[2])) end, function(v) return self:y(y.place(v)) end)
    end
  end)
  self:key(names)
  return self:text()
end

local function bars_of_error(self, s, ink, at, to_y)
  for _, p in ipairs(s.points) do
    if is_drawn(p) and axis.is_shown(p[3]) then
      local x = at(p)
      self:put('<path d="M%.1f %.1fV%.1fm-3 0h6M%.1f %.1fh6" stroke="%s"/>', x, to_y(p[2] - p[3]), to_y(p[2] + p[3]), x - 3, to_y(p[2] - p[3]), ink)
    end
  end
end

-- Of points that lie in one column of pixels, one after the other, the first, the lowest, the highest and the last.
local function thinned(points, at)
  local kept, column, run = {}, nil, {}
  local function flush()
    local first, last, low, high = run[1], run[#run], run[1], run[1]
    for _, p in ipairs(run) do
      if p[2] < low[2] then low = p end
      if p[2] > high[2] then high = p end
    end
    local before
    for _, p in ipairs(#run > 4 and { first, low, high, last } or run) do
      if p ~= before then kept[#kept + 1] = p end
      before = p
    end
    run = {}
  end
  for _, p in ipairs(points) do
    local here = is_drawn(p) and at(p) // 1 or nil
    if here ~= column then flush() end
    column = here
    if here then run[#run + 1] = p else kept[#kept + 1] = p end
  end
  flush()
  return kept
end

--- lines{ series = { { name =, points = { { x, y, error }, ... }, dashed = false, marks = true }, ... }, ... }: a gap where y is no number.
function M.lines(spec)
  return chart("lines", spec, function(self, s, ink, at, to_y)
    local path, open = {}, false
    for _, p in ipairs(#s.points > 4000 and thinned(s.points, at) or s.points) do
      if is_drawn(p) then
        path[#path + 1] = ("%s%.1f %.1f"):format(open and "L" or "M", at(p))
        open = true
      else
        open = false
      end
    end
    self:put('<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>', table.concat(path), ink, s.dashed and ' stroke-dasharray="6 4"' or "")
    bars_of_error(self, s, ink, at, to_y)
    if s.marks == false and #s.points > 1 or #s.points > 60 then return end
    for _, p in ipairs(s.points) do
      if is_drawn(p) then
        local x, y = at(p)
        self:put('<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s, %s</title></circle>', x, y, ink, axis.number(p[1]), axis.number(p[2]))
      end
    end
  end)
end

--- points{ series = { { name =, points = { { x, y, error }, ... } }, ... }, ... }
function M.points(spec)
  return chart("points", spec, function(self, s, ink, at, to_y)
    bars_of_error(self, s, ink, at, to_y)
    local r = #s.points > 2000 and 1.5 or #s.points > 300 and 2.4 or 3.5
    for _, p in ipairs(s.points) do
      if is_drawn(p) then
        local x, y = at(p)
        self:put('<circle cx="%.1f" cy="%.1f" r="%g" fill="%s" fill-opacity=".6"/>', x, y, r, ink)
      end
    end
  end)
end

-- One bar, from `base`, between two places across the page.
local function bar(self, y, base, left, right, v, e, ink)
  local a, b = self:y(y.place(math.max(v, base))), self:y(y.place(math.min(v, base)))
  self:put('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>', left, a, math.max(right - left - 1, 0.5), b - a, ink, axis.number(v))
  if axis.is_shown(e) then
    self:put('<path d="M%.1f %.1fV%.1f" stroke="#222"/>', (left + right) / 2, self:y(y.place(v - e)), self:y(y.place(v + e)))
  end
end

--- bars{ groups = { "a", "b" }, series = { { name =, values = { 1, 2 }, errors = { .1, .2 } }, ... }, ... }: bars from 0 side by side.
function M.bars(spec)
  spec = checked("bars", { groups = false, series = false }, spec)
  local list, groups = series("bars", spec, "values"), spec.groups or {}
  local x_spec, y_spec, values = pages.axis("x", spec.x), pages.axis("y", spec.y), { 0 }
  if y_spec.log then error("plot.bars: bars begin at 0, which a logarithmic axis does not have", 2) end
  for _, s in ipairs(list) do
    for g = 1, #groups do
      local v, e = s.values[g], s.errors and s.errors[g]
      if axis.is_shown(v) then values[#values + 1] = v end
      if axis.is_shown(v) and axis.is_shown(e) then values[#values + 1], values[#values + 2] = v - e, v + e end
    end
  end
  local names = names_of(list)
  local self, y = pages.new(spec, names), axis.new("y", values, y_spec, 6)
  local base = math.max(y.low, math.min(y.high, 0))
  self:y_axis(y, y_spec.label)
  local slot = 1 / math.max(#groups, 1)
  local wide = slot * 0.8 / math.max(#list, 1)
  self:cut(function()
    for g = 1, #groups do
      for i, s in ipairs(list) do
        local from = (g - 1) * slot + slot * 0.1 + (i - 1) * wide
        if axis.is_shown(s.values[g]) then
          bar(self, y, base, self:x(from), self:x(from + wide), s.values[g], s.errors and s.errors[g], self:colour(i - 1))
        end
      end
    end
  end)
  if #groups > 0 then self:x_names(groups, #groups) end
  self:put('<path d="M%d %.1fH%.1f" stroke="#222"/>', self.left, self:y(y.place(base)), self:x(1))
  self:x_label(x_spec.label)
  self:key(names)
  return self:text()
end

-- Dark blue over green to yellow: brightness grows with the value.
local stops = { { 68, 1, 84 }, { 59, 82, 139 }, { 33, 145, 140 }, { 94, 201, 98 }, { 253, 231, 37 } }
local function heat(share)
  local at = math.max(0, math.min(1, share)) * (#stops - 1)
  local i = math.min(math.floor(at), #stops - 2)
  local a, b, f = stops[i + 1], stops[i + 2], at - i
  return ("#%02x%02x%02x"):format(a[1] + (b[1] - a[1]) * f // 1 | 0, a[2] + (b[2] - a[2]) * f // 1 | 0, a[3] + (b[3] - a[3]) * f // 1 | 0)
end

-- Extents and range of rows of numbers.
local function measure(spec)
  local n, low, high = 0, math.huge, -math.huge
  for r, row in ipairs(spec.rows) do
    if type(row) ~= "table" then error(("plot.heatmap: row %d is no table"):format(r), 3) end
    n = math.max(n, #row)
    for c, v in ipairs(row) do
      if type(v) ~= "number" then error(("plot.heatmap: row %d, column %d is no number"):format(r, c), 3) end
      if axis.is_shown(v) then low, high = math.min(low, v), math.max(high, v) end
    end
  end
  for _, key in ipairs{ "low", "high" } do
    if spec[key] and not axis.is_shown(spec[key]) then error(("plot.heatmap: %s is %s"):format(key, tostring(spec[key])), 3) end
  end
  low, high = spec.low or low, spec.high or high
  return n, low, high > low and high - low or 1
end

--- heatmap{ rows = { { numbers }, ... }, x_names = , y_names = , low = , high = , values = false, ... }: values = true writes the numbers. Infinite ones have
-- the colours of the ends, what is no number is grey.
function M.heatmap(spec)
  spec = checked("heatmap", { rows = false, x_names = false, y_names = false, low = false, high = false, values = false }, spec)
  if type(spec.rows) ~= "table" then error("plot.heatmap: rows is missing", 2) end
  local n, low, span = measure(spec)
  local self = pages.new(spec, {}, spec.y_names)
  for r, row in ipairs(spec.rows) do
    local top, bottom = self:y(1 - (r - 1) / #spec.rows), self:y(1 - r / #spec.rows)
    for c, v in ipairs(row) do
      local left, right = self:x((c - 1) / n), self:x(c / n)
      local share = axis.is_shown(v) and (v - low) / span or v > 0 and 1 or 0
      self:put('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>', left, top, right - left + 0.3, bottom - top + 0.3,
        v == v and heat(share) or "#ccc", axis.number(v))
      if spec.values then
        self:put('<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>', (left + right) / 2, (top + bottom) / 2 + 4,
          (share > 0.6 or v ~= v) and "#222" or "#fff", axis.number(v))
      end
    end
    local name = spec.y_names and spec.y_names[r]
    if name then self:put('<text x="%d" y="%.1f" text-anchor="end">%s</text>', self.left - 6, (top + bottom) / 2 + 4, pages.short(name)) end
  end
  if spec.x_names then self:x_names(spec.x_names, math.max(n, #spec.x_names, 1)) end
  self:x_label(spec.x and spec.x.label)
  return self:text()
end

return M
