--- Convolutional nets in little memory: `vt.patch`. The first layers are done tile by tile, with exact halos, so that their large maps never exist as a whole;
-- filters of a channel overwrite their input, results are added to the map that waits for them. For inference: nothing is recorded.
--
--     local net = { { type = "conv", k = 3, stride = 2, pad = 1, cin = 3, cout = 8, groups = 1, w = w, b = b, act = "relu6" }, ... }
--     local graph = vt.capture(function(x) return vt.patch.run(net, x, { layers = 5, n = 4 }) end, { x })
--     graph.arena_bytes                   -- what it needs; vt.patch.plan knows it before
--
-- A layer is one of vt.patch.plan with numbers: w [cout, cin / groups, k, k], b [cout] or nil, act = "relu" | "relu6" | nil, which comes behind the skip. Pools:
-- type = "max" (what lies outside of the map is no candidate), "avg" (means of what lies within).
local vt = require "venturi"
local plan = require "venturi.patch.plan"
local run_layer = require "venturi.patch.layer"

local M = { plan = plan }

local function check_layer(i, l, c)
  for key, least in pairs{ k = 1, stride = 1, pad = 0, cin = 1, cout = 1 } do
    if math.type(l[key]) ~= "integer" or l[key] < least then
      error(("patch: layer %d: %s is %s, an integer of at least %d is needed"):format(i, key, tostring(l[key]), least), 4)
    end
  end
  if l.cin ~= c then error(("patch: layer %d takes %d channels, there are %d"):format(i, l.cin, c), 4) end
  if l.type == "max" or l.type == "avg" then
    if l.cout ~= l.cin then error(("patch: layer %d: a pool has as many channels as it takes"):format(i), 4) end
  elseif not l.w or math.type(l.groups) ~= "integer" then
    error(("patch: layer %d: a convolution has w and groups"):format(i), 4)
  end
  if l.skip and (math.type(l.skip) ~= "integer" or l.skip < 1 or l.skip > i) then
    error(("patch: layer %d: skip is %s, a layer up to it is needed"):format(i, tostring(l.skip)), 4)
  end
end

local function check(layers, x, opt)
  if x.ndim ~= 4 or x:size(3) ~= x:size(4) then error(("patch: pictures [n, c, h, h] are needed, got [%s]"):format(table.concat(x.shape, ",")), 3) end
  if #layers < 1 or opt.layers < 0 or opt.layers > #layers then error(("patch: %d of %d layers"):format(opt.layers, #layers), 3) end
  if math.type(opt.n) ~= "integer" or opt.n < 1 then error("patch: n is an integer of at least 1", 3) end
  for i, l in ipairs(layers) do
    check_layer(i, l, i == 1 and x:size(2) or layers[i - 1].cout)
    if l.skip and l.skip <= opt.layers and i > opt.layers then error(("patch: the skip of layer %d begins within the tiles and ends behind them"):format(i), 3) end
  end
end

-- Numbers in maps that wait while layer i runs.
local function waiting(maps, i)
  local sum = 0
  for j, map in pairs(maps) do
    if j ~= i then sum = sum + (map.owned or 0) end
  end
  return sum
end

-- Does a layer from i to last add the input of layer j?
local function is_added(layers, j, i, last)
  for k = i, last do
    if layers[k].skip == j then return true end
  end
  return false
end

-- Layers first to last of one picture or of one tile. maps[i]: layer i's input, { t = , rows = { first, stop }, columns = , owned = numbers of its memory, nil if
-- it is somebody else's }; spans: intervals of rows and columns that each layer sees; room: numbers that may live at once.
local function run_layers(layers, maps, first, last, spans, sizes, room)
  for i = first, last do
    local l = layers[i]
    local at = { rows = spans.rows[i + 1], columns = spans.columns[i + 1], row_needs = spans.rows[i], column_needs = spans.columns[i] }
    local is_last = l.skip and not is_added(layers, l.skip, i + 1, last)
    maps[i + 1] = run_layer(l, maps[i], at, { keeps = is_added(layers, i, i, last), room = room - waiting(maps, i), size = sizes[i],
      add = l.skip and maps[l.skip], is_last = is_last })
    if not is_added(layers, i, i + 1, last) then maps[i] = nil end
    if is_last then maps[l.skip] = nil end
  end
  return maps[last + 1]
end

local function run_stage(layers, x, sizes, n_stage, n, room)
  local size = sizes[n_stage + 1]
  local stage = table.move(layers, 1, n_stage, 1, {})
  local out = vt.empty({ 1, layers[n_stage].cout, size, size }, { dtype = x.dtype, device = x.device })
  local spans = {}
  for i = 0, n - 1 do
    local first, stop = plan.cut(size, n, i), plan.cut(size, n, i + 1)
    spans[i] = first < stop and plan.intervals(stage, sizes, first, stop) or nil
  end
  for row = 0, n - 1 do
    for column = 0, n - 1 do
      local rows, columns = spans[row], spans[column]
      if rows and columns then
        local picture = { t = x, rows = { first = 0, stop = sizes[1] }, columns = { first = 0, stop = sizes[1] } }
        local tile = run_layers(stage, { picture }, 1, n_stage, { rows = rows, columns = columns }, sizes, room - out:count())
        local to = rows[n_stage + 1]
        local beside = columns[n_stage + 1]
        out:slice{ dim = 3, start = to.first, stop = to.stop }:slice{ dim = 4, start = beside.first, stop = beside.stop }:copy_(tile.t)
      end
    end
  end
  return out
end

local function run_picture(layers, x, sizes, opt, room)
  local map = { t = x, rows = { first = 0, stop = sizes[1] }, columns = { first = 0, stop = sizes[1] } }
  if opt.layers > 0 then
    local size = sizes[opt.layers + 1]
    map = { t = run_stage(layers, x, sizes, opt.layers, opt.n, room.stage), rows = { first = 0, stop = size }, columns = { first = 0, stop = size } }
    map.owned = map.t:count()
  end
  if opt.layers == #layers then return map.t end
  local whole = {}
  for i = opt.layers + 1, #layers do whole[i] = plan.intervals({ layers[i] }, { sizes[i], sizes[i + 1] }, 0, sizes[i + 1])[1] end
  for i = opt.layers + 1, #layers do whole[i].first, whole[i].stop = 0, sizes[i] end
  whole[#layers + 1] = { first = 0, stop = sizes[#layers + 1] }
  return run_layers(layers, { [opt.layers + 1] = map }, opt.layers + 1, #layers, { rows = whole, columns = whole }, sizes, room.rest).t
end

--- run(layers, x [n, c, h, h], { layers = 0, n = 1, room = }): the net's result, the first so many layers in n x n tiles of their result, the others layer by
-- layer. room: numbers that may live at once, at least the plan's peak, which is the default; more make fewer and larger steps of what is done in parts.
function M.run(layers, x, options)
  local opt = vt.options("patch", { layers = 0, n = 1, room = false }, options)
  check(layers, x, opt)
  local sizes = plan.sizes(layers, x:size(3))
  local room = { rest = plan.peak(plan.memory(layers, sizes[1]), "accumulated", opt.layers + 1), stage = 0 }
  for i, l in ipairs(layers) do
    if l.skip and (layers[l.skip].cin ~= l.cout or sizes[l.skip] ~= sizes[i + 1]) then error(("patch: layer %d adds a map of other extents"):format(i), 2) end
  end
  if opt.layers > 0 then room.stage = plan.stage(table.move(layers, 1, opt.layers, 1, {}), sizes[1], opt.n).stage_peak end
  if opt.room then
    local least = math.max(room.rest, room.stage)
    if opt.room < least then error(("patch: there is room for %s numbers, %d are needed"):format(tostring(opt.room), least), 2) end
    room.rest, room.stage = opt.room, opt.room
  end
  return vt.no_grad(function()
    if x:size(1) == 1 then return run_picture(layers, x, sizes, opt, room) end
    local last = #layers
    local out = vt.empty({ x:size(1), layers[last].cout, sizes[last + 1], sizes[last + 1] }, { dtype = x.dtype, device = x.device })
    for i = 0, x:size(1) - 1 do
      out:slice{ dim = 1, start = i, stop = i + 1 }:copy_(run_picture(layers, x:slice{ dim = 1, start = i, stop = i + 1 }, sizes, opt, room))
    end
    return out
  end)
end

return M
