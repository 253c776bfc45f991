--- One layer over a map or a tile of one picture, in as little memory as it takes.
local vt = require "venturi"
local plan = require "venturi.patch.plan"

local function act(l, t)
  if l.act == "relu" then return t:relu_() end
  if l.act == "relu6" then return t:clamp_{ min = 0, max = 6 } end
  if l.act then error(("patch: the activation '%s' is none of relu, relu6"):format(tostring(l.act)), 0) end
  return t
end

-- How the rows and columns that the filters see differ from those that are there: { left, right, top, bottom }; below 0: some are not needed.
local function pads_of(map, at)
  local row, column = at.row_needs, at.column_needs
  local top, left = map.rows.first - (row.first - row.before), map.columns.first - (column.first - column.before)
  return { left, column.stop + column.after - map.columns.stop, top, row.stop + row.after - map.rows.stop }
end

-- A convolution pads both ends alike. Where the longer pad suits both, its result is cut: { padding, the first row and column of it that count }; nil where the
-- input must be padded by a copy. Only ends of the map have pads, most of them of one side.
local function own_padding(l, p)
  local row, column = math.max(p[3], p[4]), math.max(p[1], p[2])
  if math.min(p[1], p[2], p[3], p[4]) < 0 or (row - p[3]) % l.stride ~= 0 or (column - p[1]) % l.stride ~= 0 then return nil end
  return { padding = { row, column }, row = (row - p[3]) // l.stride, column = (column - p[1]) // l.stride }
end

-- Numbers that come and go for each channel of the input (a padded copy), and for each of the result (before it is cut).
local function scratch_of(l, t, p)
  local own, high, wide = own_padding(l, p), t:size(3), t:size(4)
  if not own then
    high, wide = high + p[3] + p[4], wide + p[1] + p[2]
    return high * wide, ((high - l.k) // l.stride + 1) * ((wide - l.k) // l.stride + 1)
  end
  return 0, ((high + 2 * own.padding[1] - l.k) // l.stride + 1) * ((wide + 2 * own.padding[2] - l.k) // l.stride + 1)
end

-- rows x columns of the result, which need not lie in a row.
local function convolve(l, t, pads, rows, columns, w, b, groups)
  local own = own_padding(l, pads)
  if not own then return t:pad{ pads = pads }:conv2d(w, { b = b, stride = l.stride, groups = groups }) end
  local out = t:conv2d(w, { b = b, stride = l.stride, padding = own.padding, groups = groups })
  if out:size(3) ~= rows then out = out:slice{ dim = 3, start = own.row, stop = own.row + rows } end
  if out:size(4) ~= columns then out = out:slice{ dim = 4, start = own.column, stop = own.column + columns } end
  return out
end

local function channels(t, first, stop) return t:slice{ dim = 2, start = first, stop = stop } end
local function filters(t, first, stop) return t and t:slice{ dim = 1, start = first, stop = stop } end

local PIXELS = 16 -- products of so many columns are whole vectors
local MOST_SCRATCH = 16384 -- numbers of a group's result: more make nothing faster, and the arena harder to fill

-- How many of `count` there is room for at once, `unit` numbers each.
local function group_of(count, unit, free) return math.max(1, math.min(count, math.min(free, MOST_SCRATCH) // unit)) end

-- A filter for each channel: some channels at a time, each group's result over what it was made of.
local function depthwise_in_place(l, t, pads, rows, columns, free)
  local plane = rows * columns
  local out = t:reshape(-1):slice{ dim = 1, start = 0, stop = l.cout * plane }:reshape(1, l.cout, rows, columns)
  local padded, result = scratch_of(l, t, pads)
  local group = group_of(l.cout, padded + result, free)
  for c = 0, l.cout - 1, group do
    local stop = math.min(c + group, l.cout)
    channels(out, c, stop):copy_(convolve(l, channels(t, c, stop), pads, rows, columns, filters(l.w, c, stop), filters(l.b, c, stop), stop - c))
  end
  return out
end

-- Some filters at a time, put or added to where they belong.
local function by_filters(l, t, pads, to, verb, free)
  local padded, result = scratch_of(l, t, pads)
  local group = group_of(l.cout, result, free - padded * l.cin)
  for f = 0, l.cout - 1, group do
    local stop = math.min(f + group, l.cout)
    local part = channels(to, f, stop)
    part[verb](part, convolve(l, t, pads, to:size(3), to:size(4), filters(l.w, f, stop), filters(l.b, f, stop), 1))
  end
  return to
end

-- A whole result that lies in a row. One that must be cut is made some filters at a time where there is no room for it twice.
local function convolve_all(l, t, pads, rows, columns, free)
  local own, _, result = own_padding(l, pads), scratch_of(l, t, pads)
  local plane = rows * columns
  if own and result ~= plane and l.groups == 1 and l.cout * (plane + result) > free then
    return by_filters(l, t, pads, vt.empty({ 1, l.cout, rows, columns }, { dtype = t.dtype, device = t.device }), "copy_", free - l.cout * plane)
  end
  local out = convolve(l, t, pads, rows, columns, l.w, l.b, l.groups)
  return own and result ~= plane and out:copy() or out
end

-- A projection whose result is added to a map, some pixels at a time.
local function accumulate_pixels(l, t, to, free)
  local n = to:size(3) * to:size(4)
  local w, from, sum = l.w:reshape(l.cout, l.cin), t:reshape(l.cin, n), to:reshape(l.cout, n)
  local group = group_of(n, l.cout, free)
  if group > PIXELS then group = group // PIXELS * PIXELS end
  for at = 0, n - 1, group do
    local range = { dim = 2, start = at, stop = math.min(at + group, n) }
    sum:slice(range):add_(w:matmul(from:slice(range)))
  end
  if l.b then sum:add_(l.b:reshape(l.cout, 1)) end
  return to
end

-- A convolution whose result is added to a map, some filters at a time.
local function accumulate(l, t, pads, to, free)
  if l.k == 1 and l.stride == 1 and l.pad == 0 then return accumulate_pixels(l, t, to, free) end
  return by_filters(l, t, pads, to, "add_", free)
end

-- Means of what lies within the map: those with zeros outside, times the window by what of it lies inside.
local function shares(l, needs, n, size, t, dim)
  local out, first = {}, needs.first - needs.before
  for i = 1, n do
    local a = first + (i - 1) * l.stride
    out[i] = l.k / math.max(1, math.min(a + l.k, size) - math.max(a, 0))
  end
  return vt.tensor(out, { dtype = t.dtype }):to(t.device):reshape(dim == 3 and { 1, 1, n, 1 } or { 1, 1, 1, n })
end

local function pool(l, t, pads, at, rows, columns, size)
  local is_max = l.type == "max"
  local padded = t:pad{ pads = pads, value = is_max and -math.huge or 0 }
  if is_max then return (padded:max_pool2d{ kernel = l.k, stride = l.stride }) end
  local out = padded:avg_pool2d{ kernel = l.k, stride = l.stride }
  return out:mul_(shares(l, at.row_needs, rows, size, t, 3)):mul_(shares(l, at.column_needs, columns, size, t, 4))
end

local function window(map, rows, columns)
  if map.rows.first == rows.first and map.rows.stop == rows.stop and map.columns.first == columns.first and map.columns.stop == columns.stop then return map.t end
  local r, c = map.rows.first, map.columns.first
  return map.t:slice{ dim = 3, start = rows.first - r, stop = rows.stop - r }:slice{ dim = 4, start = columns.first - c, stop = columns.stop - c }
end

-- Numbers of a result that takes no other's place, with what comes and goes.
local function needed(l, t, pads, plane)
  local padded, result = scratch_of(l, t, pads)
  return l.cout * plane + l.cin * padded + (result ~= plane and l.cout * result or 0)
end

--- layer(l, map, at, { keeps, room, add, is_last, size }): the layer's result as a map. map = { t, rows, columns, owned }; at = { rows, columns } of the result and
-- { row_needs, column_needs } of plan.intervals; keeps: the input may not be overwritten; add: a map that is added, is_last: nobody adds it again; room: numbers
-- that may live at once beside the maps that wait; size: extent of the whole input map.
return function(l, map, at, opt)
  local rows, columns = at.rows.stop - at.rows.first, at.columns.stop - at.columns.first
  local pads, add, out, owned = pads_of(map, at), opt.add
  local free = opt.room - (map.owned or 0)
  local fits = needed(l, map.t, pads, rows * columns) <= free -- then nothing needs to lie where something else was
  local is_pool = l.type == "max" or l.type == "avg"
  local may_overwrite = map.owned and not opt.keeps and not add
  local sum = add and window(add, at.rows, at.columns)
  if is_pool then
    out = pool(l, map.t, pads, at, rows, columns, opt.size)
  elseif not fits and plan.is_depthwise(l) and may_overwrite and rows * columns <= map.t:size(3) * map.t:size(4) then
    out = depthwise_in_place(l, map.t, pads, rows, columns, free)
    owned = map.owned
  elseif not fits and opt.is_last and add.owned and sum == add.t and l.groups == 1 and add.t ~= map.t then
    out, sum = accumulate(l, map.t, pads, add.t, free), nil
    owned = add.owned
  else
    out = convolve_all(l, map.t, pads, rows, columns, free)
  end
  if sum then out:add_(sum) end
  return { t = act(l, out), rows = at.rows, columns = at.columns, owned = owned or out:count() }
end
