--- What a convolutional net needs before it runs: extents, multiplications, live numbers layer by layer and patch by patch. Nothing here computes a picture.
-- Paper: "MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", section 3.1 (patches and halos).
--
-- A net is a list of layers { type = , k = , stride = , pad = , cin = , cout = , groups = , skip = j }: square filters, pictures with square maps. type "max"
-- and "avg" are pools, every other name is a convolution. skip = j: the input of layer j is added to this layer's output.
-- Pools have no groups. Sizes are numbers of elements: bytes where an element has one, times four for f32.
local M = {}

--- Is every channel filtered for itself, so that its result can take its input's place?
function M.is_depthwise(l) return l.groups == l.cin and l.cin == l.cout and l.cin > 1 end

--- Extents of the maps: sizes[i] of layer i's input, sizes[#layers + 1] of the result.
function M.sizes(layers, size)
  local sizes = { size }
  for i, l in ipairs(layers) do
    local wide = sizes[i] + 2 * l.pad
    if l.k > wide then error(("patch: layer %d has a filter of %d over %d rows with their padding"):format(i, l.k, wide), 2) end
    sizes[i + 1] = (wide - l.k) // l.stride + 1
  end
  return sizes
end

local function input_size(layers, sizes, i) return layers[i].cin * sizes[i] * sizes[i] end
local function output_size(layers, sizes, i) return layers[i].cout * sizes[i + 1] * sizes[i + 1] end
local function is_pool(l) return l.type == "max" or l.type == "avg" end
local function macs_of(l, rows, columns) return is_pool(l) and 0 or rows * columns * l.cout * (l.cin // l.groups) * l.k * l.k end

--- Rows of layer l's input that rows [first, stop) of its result are made of, some of them outside of the map.
function M.needs(l, first, stop) return first * l.stride - l.pad, (stop - 1) * l.stride - l.pad + l.k end

--- Rows of the net's input that rows [first, stop) of its result see, as if maps had no end.
function M.receptive_field(layers, first, stop)
  for i = #layers, 1, -1 do first, stop = M.needs(layers[i], first, stop) end
  return first, stop
end

--- One dimension of a tile: for each layer { first, stop (of its input, within the map), before, after (rows of padding; below 0: rows that are not needed) };
-- item #layers + 1 is the tile itself.
function M.intervals(layers, sizes, first, stop)
  local out = { [#layers + 1] = { first = first, stop = stop } }
  for i = #layers, 1, -1 do
    local l, next = layers[i], out[i + 1]
    local a, b = M.needs(l, next.first, next.stop)
    local lo, hi = math.min(math.max(a, 0), sizes[i] - 1), math.min(math.max(b, 1), sizes[i])
    for j = i, #layers do -- a map that is added later is needed where it is added
      if layers[j].skip == i then lo, hi = math.min(lo, out[j + 1].first), math.max(hi, out[j + 1].stop) end
    end
    hi = math.max(hi, lo + 1) -- a row is there even where nothing but padding is seen
    out[i] = { first = lo, stop = hi, before = lo - a, after = b - hi }
  end
  return out
end

--- Where tile i of n (from 0) of a map begins; that of n is where the last ends: i size / n rounded, halves to even.
function M.cut(size, n, i)
  local at = i * size // n
  local rest = 2 * (i * size - at * n) - n
  return (rest > 0 or (rest == 0 and at % 2 == 1)) and at + 1 or at
end

-- Numbers that wait for layer i to end because a later one adds them: all but those that layer i reads itself.
local function waiting(layers, sizes, i)
  local sum, is_target = 0, false
  for j = i, #layers do
    local from = layers[j].skip
    if from and from < i then
      sum = sum + input_size(layers, sizes, from)
      is_target = is_target or j == i
    end
  end
  return sum, is_target
end

--- Live numbers at each layer: { type, input, output, naive, in_place, accumulated }. naive: input and output, and what waits to be added. in_place: a
-- filter for each channel overwrites its input, a channel of the result at a time. accumulated: besides, a result is added to what waits for it.
function M.memory(layers, size)
  local sizes, rows = M.sizes(layers, size), {}
  for i, l in ipairs(layers) do
    local input, output = input_size(layers, sizes, i), output_size(layers, sizes, i)
    local held, is_target = waiting(layers, sizes, i)
    local row = { type = l.type, input = input, output = output, naive = input + output + held }
    row.in_place = input + held + (M.is_depthwise(l) and output // l.cout or output)
    row.accumulated = is_target and not M.is_depthwise(l) and input + held or row.in_place
    rows[i] = row
  end
  return rows
end

--- The largest of a column of M.memory.
function M.peak(rows, column, first)
  local most = 0
  for i = first or 1, #rows do most = math.max(most, rows[i][column]) end
  return most
end

--- Multiplications of all layers.
function M.macs(layers, size)
  local sizes, sum = M.sizes(layers, size), 0
  for i, l in ipairs(layers) do sum = sum + macs_of(l, sizes[i + 1], sizes[i + 1]) end
  return sum
end

-- Adds one tile's work and memory to a plan.
local function add_tile(plan, layers, rows, columns, at)
  local function area(i) return (rows[i].stop - rows[i].first) * (columns[i].stop - columns[i].first) end
  for i, l in ipairs(layers) do
    local live = l.cin * area(i) + (M.is_depthwise(l) and 1 or l.cout) * area(i + 1)
    plan.macs_patch = plan.macs_patch + macs_of(l, rows[i + 1].stop - rows[i + 1].first, columns[i + 1].stop - columns[i + 1].first)
    if live > plan.patch_peak then plan.patch_peak, plan.worst = live, { at[1], at[2], i - 1, l.type } end
  end
  plan.input_patch_max = math.max(plan.input_patch_max, layers[1].cin * area(1))
end

--- What layers cost as a stage that makes its result in n x n tiles: { out_buffer, patch_peak, worst = { row, column, layer (from 0), type }, stage_peak,
-- input_patch_max, macs_full, macs_patch, overhead, ... }. The picture itself is not counted, a tile of it is.
function M.stage(layers, size, n)
  local sizes = M.sizes(layers, size)
  local last, out_size = layers[#layers], sizes[#layers + 1]
  local plan = { n_patch = n, out_res = out_size, out_channels = last.cout, out_buffer = last.cout * out_size * out_size, patch_peak = 0, input_patch_max = 0,
    macs_full = M.macs(layers, size), macs_patch = 0, rf_single = { M.receptive_field(layers, 0, 1) }, grain_rf = { M.receptive_field(layers, 0, out_size // n) } }
  local spans = {}
  for i = 0, n - 1 do
    local first, stop = M.cut(out_size, n, i), M.cut(out_size, n, i + 1)
    spans[i] = first < stop and M.intervals(layers, sizes, first, stop) or nil
  end
  for row = 0, n - 1 do
    for column = 0, n - 1 do
      if spans[row] and spans[column] then add_tile(plan, layers, spans[row], spans[column], { row, column }) end
    end
  end
  plan.stage_peak = plan.out_buffer + plan.patch_peak
  plan.overhead = plan.macs_patch / plan.macs_full - 1
  return plan
end

--- The first n_stage layers in n x n tiles, the others layer by layer, in place and accumulated: M.stage's numbers, and rest_peak, network_peak,
-- network_macs_overhead of the whole net.
function M.net(layers, size, n_stage, n)
  local stage = table.move(layers, 1, n_stage, 1, {})
  local plan = M.stage(stage, size, n)
  plan.rest_peak = M.peak(M.memory(layers, size), "accumulated", n_stage + 1)
  plan.network_peak = math.max(plan.stage_peak, plan.rest_peak)
  plan.network_macs_overhead = (plan.macs_patch - plan.macs_full) / M.macs(layers, size)
  return plan
end

-- May tiles end behind layer n_stage? Not where a skip goes on.
local function is_cut(layers, n_stage)
  for i = n_stage + 1, #layers do
    if layers[i].skip and layers[i].skip <= n_stage then return false end
  end
  return true
end

local function is_better(a, b)
  if a.macs_patch - a.macs_full ~= b.macs_patch - b.macs_full then return a.macs_patch - a.macs_full < b.macs_patch - b.macs_full end
  return a.network_peak < b.network_peak
end

--- The fewest multiplications with no more than `room` numbers alive: a plan of M.net with n_stage, whose first so many layers are tiles (0: none are needed).
-- Up to most_tiles (8) a side are tried. An error says what the least is where nothing fits.
function M.fit(layers, size, room, most_tiles)
  local best, least = nil, M.peak(M.memory(layers, size), "accumulated")
  if least <= room then return { n_stage = 0, n_patch = 1, network_peak = least, network_macs_overhead = 0 } end
  for n_stage = 1, #layers do
    for n = 2, is_cut(layers, n_stage) and (most_tiles or 8) or 1 do
      local p = M.net(layers, size, n_stage, n)
      least = math.min(least, p.network_peak)
      if p.network_peak <= room and (not best or is_better(p, best)) then p.n_stage, best = n_stage, p end
    end
  end
  return best or error(("patch: no tiles need less than %d numbers, there is room for %d"):format(least, room), 2)
end

--- The layers of an inverted residual block: expansion by 1x1, a filter a channel, projection; with a skip where extents allow one. at: number of its first layer.
function M.inverted_residual(at, cin, cout, expand, stride, k)
  local wide, out = cin * expand, {}
  if expand > 1 then out[1] = { type = "pw", k = 1, stride = 1, pad = 0, cin = cin, cout = wide, groups = 1 } end
  out[#out + 1] = { type = "dw", k = k or 3, stride = stride, pad = (k or 3) // 2, cin = wide, cout = wide, groups = wide }
  out[#out + 1] = { type = "pwl", k = 1, stride = 1, pad = 0, cin = wide, cout = cout, groups = 1, skip = stride == 1 and cin == cout and at or nil }
  return out
end

return M
