--- A clustering as a page in one file: figures, medoids, map, silhouettes, the curve where k was chosen, every cluster with its members.
-- Whatever comes from the input goes through page.text.
local vt = require "venturi"

local M = {}

local STYLE = [[
.figures { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
.figures b { display: block; font-size: 1.35rem; font-weight: 600; }
.medoids, .clusters { display: flex; flex-wrap: wrap; gap: .75rem; }
.medoids .card { flex: 0 1 7rem; padding: .75rem; }
.medoids img { width: 72px; height: 72px; display: block; margin: .25rem auto; }
.clusters .card, .medoids.texts .card { flex: 1 1 21rem; }
.card h3 { margin: 0 0 .35rem; font-size: .95rem; }
a { color: inherit; text-decoration: none; }
.key { display: inline-block; min-width: 1.6em; padding: 0 .4em; margin-right: .35em; border-radius: 6px; color: #fff; text-align: center; font-weight: 600; }
img { width: 64px; height: 64px; object-fit: contain; }
.thumbs { display: flex; flex-wrap: wrap; gap: 3px; margin-top: .5rem; }
.thumbs img { width: 34px; height: 34px; }
.pixels { image-rendering: pixelated; }
@media (prefers-color-scheme: dark) { .pixels { filter: invert(1); } }
ul { margin: .4rem 0 0; padding-left: 1.1rem; }
li { margin: .1rem 0; }
summary { cursor: pointer; color: var(--soft); font-size: .875rem; }
]]

local MOST_THUMBS, MOST_LINES, MOST_FOLDED, MOST_POINTS = 60, 6, 400, 20000

local function text(s) return vt.page.text(s) end
local function key(c) return ('<span class="key" style="background:%s">%d</span>'):format(vt.plot.colour(c), c) end

-- ---- rows as small pictures ----

-- A function from a row's number to the source of its picture, ink on white from the smallest value of all to the largest; nil where rows are none.
local function row_pictures(data, shape)
  local width, height = shape[1], shape[2]
  local dtype, dim = data.numbers.dtype, data.numbers.shape[2]
  local letter = ({ f32 = "f", f64 = "d", u8 = "B" })[dtype]
  local format, size = "<" .. letter:rep(dim), ("<" .. letter):packsize()
  local function row(i) return { format:unpack(data.numbers.data, i * dim * size + 1) } end
  local low, high = math.huge, -math.huge
  for i = 0, #data.items - 1 do
    local values = row(i)
    for d = 1, dim do low, high = math.min(low, values[d]), math.max(high, values[d]) end
  end
  local reach = high > low and 255 / (high - low) or 0
  return function(i)
    local values, pixels = row(i), {}
    for d = 1, dim do pixels[d] = string.char(255 - math.floor((values[d] - low) * reach + 0.5)) end
    return vt.page.png(vt.png.encode(width, height, 1, table.concat(pixels)))
  end
end

-- Function from an object to the source of its picture, and the class of its <img>; nil for texts and plain rows.
local function pictures(data, opt)
  if data.kind == "pictures" then return function(i) return vt.page.png(data.items[i + 1].png) end, "" end
  local shape = opt.picture or data.picture
  if data.kind == "rows" and shape and data.numbers.shape[2] == shape[1] * shape[2] and not opt.matrix then return row_pictures(data, shape), "pixels" end
end

-- ---- parts of the page ----

local function figure(name, value) return ("<div><b>%s</b><span class=\"soft\">%s</span></div>"):format(value, name) end

local function share(x) return x and ("%.3f"):format(x) or "\u{2013}" end

local function header(report, facts)
  return ('<h1>%s</h1>\n<p class="soft">%s</p>\n<div class="figures">%s</div>'):format(text(facts.title), text(facts.method), table.concat{
    figure("objects", report.n), figure("clusters", report.k), figure("mean silhouette", share(report.silhouette)),
    figure("medoid silhouette", share(report.medoid_silhouette)), figure("loss", ("%.6g"):format(report.loss)), figure("passes", report.n_iter),
    figure("swaps", report.n_swap), figure("seconds", ("%.2f"):format(facts.seconds)),
  })
end

local function medoids(view)
  local parts = {}
  for _, c in ipairs(view.order) do
    local cluster = view.report.clusters[c + 1]
    local item = view.data.items[cluster.medoid + 1]
    local face = view.picture and ('<img class="%s" src="%s" alt="">'):format(view.class, view.picture(cluster.medoid)) or ""
    local opening = item.text and ('<p class="soft">%s</p>'):format(text(vt.page.opening(item.text, 220))) or ""
    parts[#parts + 1] = ('<a class="card" href="#c%d"><h3>%s%d</h3>%s<p>%s</p>%s</a>'):format(c, key(c),
      cluster.size, face, text(item.title), opening)
  end
  return ('<h2>Medoids: what stands for each cluster, and its size</h2>\n<div class="medoids %s">%s</div>'):format(view.data.kind, table.concat(parts, "\n"))
end

-- Nothing where the distances are no rows' of numbers.
local function map(view)
  local coords, shares = vt.try(view.distance.project, view.distance, 2)
  if not coords then return "" end
  local points, marks = {}, {}
  local every = math.ceil(#coords / MOST_POINTS)
  for i = 1, #coords, every do
    points[#points + 1] = { coords[i][1], coords[i][2], group = view.report.labels[i], title = text(view.data.items[i].title) }
  end
  for _, c in ipairs(view.order) do
    local medoid = view.report.clusters[c + 1].medoid
    local at = coords[medoid + 1]
    marks[#marks + 1] = { at[1], at[2], group = c, label = tostring(c), image = view.picture and view.picture(medoid), class = view.class }
  end
  local axes = { x = ("first principal axis: %.1f %% of the variance"):format(100 * shares[1]), y = ("second: %.1f %%"):format(100 * shares[2]) }
  local note = every > 1 and (' <span class="soft">one object of %d is drawn</span>'):format(every) or ""
  return ('<h2>Map%s</h2>\n<div class="card">%s</div>'):format(note, vt.plot.scatter(points, marks, axes))
end

local function silhouettes(view)
  local samples, groups = view.detail.samples, {}
  if not samples then return "" end
  for _, c in ipairs(view.order) do
    local values = {}
    for i, object in ipairs(view.detail.members[c + 1]) do values[i] = samples[object + 1] end
    groups[#groups + 1] = { values = values, group = c, label = tostring(c) }
  end
  local what = view.report.silhouette and "Silhouettes" or "Medoid silhouettes"
  return ('<h2>%s</h2>\n<div class="card">%s</div>'):format(what, vt.plot.silhouettes(groups))
end

local function curve(view)
  local points, chosen = {}, 1
  if not view.report.curve or #view.report.curve < 2 then return "" end
  for i, p in ipairs(view.report.curve) do
    points[i] = { p.k, p.silhouette }
    if p.k == view.report.k then chosen = i end
  end
  local chart = vt.plot.line(points, chosen, { x = "number of clusters", y = "mean medoid silhouette" })
  return ('<h2>How many clusters</h2>\n<div class="card">%s</div>'):format(chart)
end

local function thumbs(view, members)
  local parts = {}
  for i = 1, math.min(#members, MOST_THUMBS) do
    parts[i] = ('<img loading="lazy" class="%s" src="%s" alt="" title="%s">'):format(view.class, view.picture(members[i]), text(view.data.items[members[i] + 1].title))
  end
  local rest = #members > MOST_THUMBS and ('<p class="soft">and %d more</p>'):format(#members - MOST_THUMBS) or ""
  return ('<div class="thumbs">%s</div>%s'):format(table.concat(parts), rest)
end

local function lines(view, members, from, to)
  local parts = {}
  for i = from, math.min(to, #members) do parts[#parts + 1] = ("<li>%s</li>"):format(text(view.data.items[members[i] + 1].title)) end
  return ("<ul>%s</ul>"):format(table.concat(parts, "\n"))
end

local function titles(view, members)
  local shown = lines(view, members, 1, MOST_LINES)
  if #members <= MOST_LINES then return shown end
  return ("%s<details><summary>%d more</summary>%s</details>"):format(shown, #members - MOST_LINES, lines(view, members, MOST_LINES + 1, MOST_FOLDED))
end

local function clusters(view)
  local parts = {}
  for _, c in ipairs(view.order) do
    local cluster, members = view.report.clusters[c + 1], view.detail.members[c + 1]
    parts[#parts + 1] = ('<div class="card" id="c%d"><h3>%s%s</h3><p class="soft">%d object%s, silhouette %s, mean distance %.4g</p>%s</div>'):format(c, key(c),
      text(cluster.title), cluster.size, cluster.size == 1 and "" or "s", share(cluster.silhouette), cluster.loss / math.max(cluster.size, 1),
      view.picture and thumbs(view, members) or titles(view, members))
  end
  return ('<h2>Clusters: members from the medoid outwards</h2>\n<div class="clusters %s">%s</div>'):format(view.data.kind, table.concat(parts, "\n"))
end

--- The page.
-- @tparam table data, distance, report, detail of pipelines.kmedoids
-- @tparam table opt its options
-- @tparam table facts { title, method = a line on how it was made, seconds }
-- @treturn string HTML
function M.html(data, distance, report, detail, opt, facts)
  local view = { data = data, distance = distance, report = report, detail = detail, order = {} }
  view.picture, view.class = pictures(data, opt)
  for c = 0, report.k - 1 do view.order[c + 1] = c end
  table.sort(view.order, function(a, b)
    local x, y = report.clusters[a + 1].size, report.clusters[b + 1].size
    return x > y or x == y and a < b
  end)
  local body = { header(report, facts), medoids(view), map(view), curve(view), silhouettes(view), clusters(view) }
  return vt.page.frame(facts.title, STYLE, table.concat(body, "\n"))
end

return M
