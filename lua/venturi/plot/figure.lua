--- Charts as SVG files: lines, points, bars, heat maps. Each takes one table and gives the text of the file.
--
--     title = "..."    x, y = { label = , log = false, low = , high = , ticks = { ... } }    width = 720, height = 420
local axis = require "venturi.plot.axis"

local M = {}

local LEFT, RIGHT, TOP, BOTTOM = 72, 18, 34, 52

local function escape(text)
  return (tostring(text):gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end
M.escape = escape

local function colour(i) return require("venturi.plot").colour(i) end

local Page = {}
Page.__index = Page

-- A page with room for names of series at the right.
local function page(spec, names)
  local longest = 0
  for _, name in ipairs(names or {}) do longest = math.max(longest, utf8.len(name) or #name) end
  local self = setmetatable({ parts = {}, width = spec.width or 720, height = spec.height or 420, right = RIGHT + (longest > 0 and 30 + longest * 7 or 0) }, Page)
  self:put('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#222">', self.width, self.height)
  self:put('<rect width="%d" height="%d" fill="#fff"/>', self.width, self.height)
  if spec.title then self:put('<text x="%d" y="20" font-weight="bold">%s</text>', LEFT, escape(spec.title)) end
  return self
end

function Page:put(fmt, ...) table.insert(self.parts, fmt:format(...)) end
function Page:x(share) return LEFT + share * (self.width - LEFT - self.right) end
function Page:y(share) return self.height - BOTTOM - share * (self.height - TOP - BOTTOM) end

function Page:y_axis(a, label)
  for _, v in ipairs(a.ticks) do
    local y = self:y(a.place(v))
    self:put('<path d="M%d %.1fH%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>', LEFT, y, self:x(1), LEFT - 6, y + 4, axis.number(v))
  end
  if label then
    local middle = (self:y(0) + self:y(1)) / 2
    self:put('<text transform="translate(16 %.1f) rotate(-90)" text-anchor="middle">%s</text>', middle, escape(label))
  end
end

function Page:x_label(label)
  if label then self:put('<text x="%.1f" y="%d" text-anchor="middle">%s</text>', (self:x(0) + self:x(1)) / 2, self.height - 10, escape(label)) end
end

function Page:x_axis(a, label)
  local y = self:y(0)
  for _, v in ipairs(a.ticks) do
    local x = self:x(a.place(v))
    self:put('<path d="M%.1f %.1fv5" stroke="#222"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>', x, y, x, y + 18, axis.number(v))
  end
  self:put('<path d="M%d %.1fH%.1f" stroke="#222"/>', LEFT, y, self:x(1))
  self:x_label(label)
end

function Page:key(names)
  for i, name in ipairs(names) do
    local x, y = self:x(1) + 12, TOP + 16 * (i - 1) + 6
    self:put('<rect x="%.1f" y="%.1f" width="12" height="8" fill="%s"/><text x="%.1f" y="%.1f">%s</text>', x, y - 6, colour(i - 1), x + 17, y + 2, escape(name))
  end
end

function Page:text() return table.concat(self.parts, "\n") .. "\n</svg>\n" end

-- All first and all second numbers of the series' points, errors added.
local function columns(series)
  local xs, ys = {}, {}
  for _, s in ipairs(series) do
    for _, p in ipairs(s.points) do
      xs[#xs + 1] = p[1]
      ys[#ys + 1], ys[#ys + 2] = p[2] - (p[3] or 0), p[2] + (p[3] or 0)
    end
  end
  return xs, ys
end

local function names_of(series)
  local names = {}
  for i, s in ipairs(series) do names[i] = s.name or ("series " .. i) end
  return #series > 1 and names or {}
end

local function is_drawn(p) return p[1] == p[1] and p[2] == p[2] and math.abs(p[1]) < math.huge and math.abs(p[2]) < math.huge end

local function chart(spec, draw)
  local names = names_of(spec.series)
  local x_spec, y_spec = spec.x or {}, spec.y or {}
  local xs, ys = columns(spec.series)
  local self, x, y = page(spec, names), axis.new("x", xs, x_spec, 7), axis.new("y", ys, y_spec, 6)
  self:y_axis(y, y_spec.label)
  self:x_axis(x, x_spec.label)
  for i, s in ipairs(spec.series) do
    draw(self, s, colour(i - 1), function(p) return self:x(x.place(p[1])), self:y(y.place(p[2])) end, function(v) return self:y(y.place(v)) end)
  end
  self:key(names)
  return self:text()
end

local function bars_of_error(self, s, ink, at, to_y)
  for _, p in ipairs(s.points) do
    if p[3] and is_drawn(p) then
      local x = at(p)
      self:put('<path d="M%.1f %.1fV%.1fm-3 0h6M%.1f %.1fh6" stroke="%s"/>', x, to_y(p[2] - p[3]), to_y(p[2] + p[3]), x - 3, to_y(p[2] - p[3]), ink)
    end
  end
end

--- lines{ series = { { name =, points = { { x, y, error }, ... }, dashed = false, marks = true }, ... }, ... }: a gap where y is no number.
function M.lines(spec)
  return chart(spec, function(self, s, ink, at, to_y)
    local path, open = {}, false
    for _, p in ipairs(s.points) do
      if is_drawn(p) then
        path[#path + 1] = ("%s%.1f %.1f"):format(open and "L" or "M", at(p))
        open = true
      else
        open = false
      end
    end
    self:put('<path d="%s" fill="none" stroke="%s" stroke-width="2"%s/>', table.concat(path), ink, s.dashed and ' stroke-dasharray="6 4"' or "")
    bars_of_error(self, s, ink, at, to_y)
    if s.marks == false or #s.points > 60 then return end
    for _, p in ipairs(s.points) do
      if is_drawn(p) then
        local x, y = at(p)
        self:put('<circle cx="%.1f" cy="%.1f" r="3" fill="%s"><title>%s, %s</title></circle>', x, y, ink, axis.number(p[1]), axis.number(p[2]))
      end
    end
  end)
end

--- points{ series = { { name =, points = { { x, y }, ... } }, ... }, ... }
function M.points(spec)
  return chart(spec, function(self, s, ink, at, to_y)
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

--- bars{ groups = { "a", "b" }, series = { { name =, values = { 1, 2 }, errors = { .1, .2 } }, ... }, ... }: bars from 0 side by side.
function M.bars(spec)
  local values, names, y_spec = { 0 }, names_of(spec.series), spec.y or {}
  if y_spec.log then error("plot.bars: bars begin at 0, which a logarithmic axis does not have", 2) end
  for _, s in ipairs(spec.series) do
    for i, v in ipairs(s.values) do
      local e = s.errors and s.errors[i] or 0
      values[#values + 1], values[#values + 2] = v - e, v + e
    end
  end
  local self, y = page(spec, names), axis.new("y", values, y_spec, 6)
  self:y_axis(y, y_spec.label)
  local slot = 1 / #spec.groups
  local wide = slot * 0.8 / #spec.series
  for g, group in ipairs(spec.groups) do
    for i, s in ipairs(spec.series) do
      local v = s.values[g]
      if v and v == v then
        local left, right = self:x((g - 1) * slot + slot * 0.1 + (i - 1) * wide), self:x((g - 1) * slot + slot * 0.1 + i * wide)
        local a, b = self:y(y.place(math.max(v, 0))), self:y(y.place(math.min(v, 0)))
        self:put('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>', left, a, right - left - 1, b - a, colour(i - 1), axis.number(v))
        local e = s.errors and s.errors[g]
        if e then
          local x = (left + right) / 2
          self:put('<path d="M%.1f %.1fV%.1f" stroke="#222"/>', x, self:y(y.place(v - e)), self:y(y.place(v + e)))
        end
      end
    end
    self:put('<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>', self:x((g - 0.5) * slot), self:y(0) + 18, escape(group))
  end
  self:put('<path d="M%d %.1fH%.1f" stroke="#222"/>', LEFT, self:y(y.place(0)), self:x(1))
  self:x_label(spec.x and spec.x.label)
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

--- heatmap{ rows = { { numbers }, ... }, x_names = , y_names = , low = , high = , values = false, ... }: values = true writes the numbers.
function M.heatmap(spec)
  local low, high = spec.low or math.huge, spec.high or -math.huge
  local n = 0
  for _, row in ipairs(spec.rows) do
    n = math.max(n, #row)
    for _, v in ipairs(row) do
      if v == v and not spec.low then low = math.min(low, v) end
      if v == v and not spec.high then high = math.max(high, v) end
    end
  end
  local self, span = page(spec), high > low and high - low or 1
  for r, row in ipairs(spec.rows) do
    local top, bottom = self:y(1 - (r - 1) / #spec.rows), self:y(1 - r / #spec.rows)
    for c, v in ipairs(row) do
      local left, right = self:x((c - 1) / n), self:x(c / n)
      local share = (v - low) / span
      self:put('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>', left, top, right - left + 0.3, bottom - top + 0.3,
        v == v and heat(share) or "#ccc", axis.number(v))
      if spec.values then
        self:put('<text x="%.1f" y="%.1f" text-anchor="middle" fill="%s">%s</text>', (left + right) / 2, (top + bottom) / 2 + 4, share > 0.6 and "#222" or "#fff",
          axis.number(v))
      end
    end
    local name = spec.y_names and spec.y_names[r]
    if name then self:put('<text x="%d" y="%.1f" text-anchor="end">%s</text>', LEFT - 6, (top + bottom) / 2 + 4, escape(name)) end
  end
  for c, name in ipairs(spec.x_names or {}) do
    self:put('<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>', self:x((c - 0.5) / n), self:y(0) + 18, escape(name))
  end
  self:x_label(spec.x and spec.x.label)
  return self:text()
end

return M
