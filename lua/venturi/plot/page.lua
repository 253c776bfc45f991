--- A page of SVG with margins, axes and a key: what figures are drawn on.
local vt = require "venturi"

local TOP, BOTTOM, LEFT, RIGHT, LETTER, LONGEST = 34, 52, 72, 18, 7, 40 -- pixels, pixels of a letter, letters of a name

-- What XML cannot hold stands as U+FFFD: control characters, bytes that are no UTF-8.
local function cleaned(text)
  text = text:gsub("[%z\1-\8\11\12\14-\31]", "\u{FFFD}")
  local _, bad = utf8.len(text)
  while bad do
    text = text:sub(1, bad - 1) .. "\u{FFFD}" .. text:sub(bad + 1)
    _, bad = utf8.len(text, bad)
  end
  return text
end

local function escape(text)
  return (cleaned(tostring(text)):gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

-- The first letters of a long name.
local function short(text, most)
  text = cleaned(tostring(text))
  if utf8.len(text) <= most then return text end
  return text:sub(1, utf8.offset(text, most) - 1) .. "\u{2026}"
end

local function pixels_of(names)
  local longest = 0
  for _, name in ipairs(names or {}) do longest = math.max(longest, utf8.len(short(name, LONGEST))) end
  return longest * LETTER
end

local Page = {}
Page.__index = Page

function Page:put(fmt, ...) table.insert(self.parts, fmt:format(...)) end
function Page:x(share) return self.left + share * (self.width - self.left - self.right) end
function Page:y(share) return self.height - BOTTOM - share * (self.height - TOP - BOTTOM) end
function Page.colour(_, i) return require("venturi.plot").colour(i) end

function Page:y_axis(a, label)
  for _, v in ipairs(a.ticks) do
    if a.place(v) > -1e-6 and a.place(v) < 1 + 1e-6 then
      local y = self:y(a.place(v))
      self:put('<path d="M%d %.1fH%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>', self.left, y, self:x(1), self.left - 6, y + 4, a.label(v))
    end
  end
  if label then
    self:put('<text transform="translate(16 %.1f) rotate(-90)" text-anchor="middle">%s</text>', (self:y(0) + self:y(1)) / 2, escape(short(label, 2 * LONGEST)))
  end
end

function Page:x_label(label)
  if label then
    self:put('<text x="%.1f" y="%d" text-anchor="middle">%s</text>', (self:x(0) + self:x(1)) / 2, self.height - 10, escape(short(label, 2 * LONGEST)))
  end
end

function Page:x_axis(a, label)
  local y = self:y(0)
  for _, v in ipairs(a.ticks) do
    if a.place(v) > -1e-6 and a.place(v) < 1 + 1e-6 then
      local x = self:x(a.place(v))
      self:put('<path d="M%.1f %.1fv5" stroke="#222"/><text x="%.1f" y="%.1f" text-anchor="middle">%s</text>', x, y, x, y + 18, a.label(v))
    end
  end
  self:put('<path d="M%d %.1fH%.1f" stroke="#222"/>', self.left, y, self:x(1))
  self:x_label(label)
end

--- Names below the places of n columns: at an angle, every so many where there is no room for all.
function Page:x_names(names, n)
  local room, longest, every = (self:x(1) - self:x(0)) / n, pixels_of(names), 1
  local level = longest <= room
  if not level then every = math.max(1, math.ceil(14 / room)) end
  for c = 1, #names, every do
    local x, y = self:x((c - 0.5) / n), self:y(0) + (level and 18 or 14)
    local turn = level and 'text-anchor="middle"' or ('text-anchor="end" transform="rotate(-30 %.1f %.1f)"'):format(x, y)
    self:put('<text x="%.1f" y="%.1f" %s>%s</text>', x, y, turn, escape(short(names[c], level and LONGEST or 16)))
  end
end

--- Colours of the series, at the right.
function Page:key(names)
  for i, name in ipairs(names) do
    local x, y = self:x(1) + 12, TOP + 16 * (i - 1) + 6
    self:put('<rect x="%.1f" y="%.1f" width="12" height="8" fill="%s"/><text x="%.1f" y="%.1f">%s</text>', x, y - 6, self:colour(i - 1), x + 17, y + 2,
      escape(short(name, LONGEST)))
  end
end

--- What `draw` puts is cut at the edges of the chart, but for a mark's half.
function Page:cut(draw)
  local x, y = self:x(0) - 4, self:y(1) - 4
  local width, height = self:x(1) - x + 4, self:y(0) - y + 4
  self:put('<svg x="%.1f" y="%.1f" width="%.1f" height="%.1f" viewBox="%.1f %.1f %.1f %.1f">', x, y, width, height, x, y, width, height)
  draw()
  self:put "</svg>"
end

function Page:text() return table.concat(self.parts, "\n") .. "\n</svg>\n" end

local function extent(what, value, default)
  if value == nil then return default end
  if type(value) ~= "number" or not (value >= 100 and value <= 20000) then error(("plot: %s is %s, not between 100 and 20000"):format(what, tostring(value)), 0) end
  return math.floor(value)
end

return {
  escape = escape,
  --- The beginning of a name, escaped.
  short = function(name) return escape(short(name, LONGEST)) end,
  --- A page for a spec { title, width, height }, with room at the right for `names` of series and at the left for `rows`; wider and higher than asked where
  -- these need it.
  new = function(spec, names, rows)
    local right, left = RIGHT + (#names > 0 and 30 + pixels_of(names) or 0), math.max(LEFT, 12 + pixels_of(rows))
    local self = setmetatable({ parts = {}, left = left, right = right, width = math.max(extent("width", spec.width, 720), left + right + 120),
      height = math.max(extent("height", spec.height, 420), TOP + 16 * #names + 12) }, Page)
    self:put('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" fill="#222">', self.width, self.height)
    self:put('<rect width="%d" height="%d" fill="#fff"/>', self.width, self.height)
    if spec.title then self:put('<text x="%d" y="20" font-weight="bold">%s</text>', left, escape(short(spec.title, (self.width - left) // LETTER))) end
    return self
  end,
  --- Options of an axis, checked.
  axis = function(what, spec)
    return vt.options("plot: " .. what, { label = false, log = false, low = false, high = false, ticks = false }, spec)
  end,
}
