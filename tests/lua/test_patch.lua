--- Nets patch by patch: the same pictures as layer by layer, in the memory that the plan says.
local vt = require "venturi"
local s = require "support"
local test = s.test
local plan = vt.patch.plan

local function pick(rng, ...)
  local list = { ... }
  return list[rng(#list)]
end

-- A net over maps of one size: convolutions with groups, pools, skips where extents allow them.
local function random_net(seed)
  math.randomseed(seed)
  local rng, layers = math.random, {}
  local size, c = rng(6, 20), pick(rng, 2, 4)
  local first = { size = size, c = c }
  for i = 1, rng(1, 5) do
    local l = { type = pick(rng, "conv", "conv", "dw", "max", "avg"), stride = rng(2), cin = c, cout = c, act = pick(rng, "relu", "relu6", false) or nil }
    l.k = pick(rng, 1, 3, 5, 7)
    l.pad = (l.type == "max" or l.type == "avg") and l.k // 2 or rng(0, l.k)
    if (size + 2 * l.pad - l.k) // l.stride + 1 < 1 then break end
    if l.type == "conv" then l.cout, l.groups = pick(rng, 2, 4, 6), pick(rng, 1, 2) end
    if l.type == "dw" then l.groups = c end
    if l.groups then
      l.w = vt.randn({ l.cout, c // l.groups, l.k, l.k }, { seed = seed, stream = i, std = 0.4, dtype = "f64" })
      l.b = rng(2) == 1 and vt.randn({ l.cout }, { seed = seed, stream = 50 + i, dtype = "f64" }) or nil
    end
    layers[i] = l
    local sizes = plan.sizes(layers, first.size)
    for j = i, 1, -1 do
      if rng(3) == 1 and sizes[j] == sizes[i + 1] and layers[j].cin == l.cout then l.skip = j break end
    end
    size, c = sizes[i + 1], l.cout
    if size < 1 then break end
  end
  return layers, vt.randn({ rng(2), first.c, first.size, first.size }, { seed = seed, stream = 99, dtype = "f64" })
end

-- The net by the library's operations alone.
local function plain(layers, x)
  local inputs = {}
  for i, l in ipairs(layers) do
    inputs[i] = x
    if l.type == "max" then x = (x:max_pool2d{ kernel = l.k, stride = l.stride, padding = l.pad })
    elseif l.type == "avg" then x = x:avg_pool2d{ kernel = l.k, stride = l.stride, padding = l.pad, count_include_pad = false }
    else x = x:conv2d(l.w, { b = l.b, stride = l.stride, padding = l.pad, groups = l.groups }) end
    if l.skip then x = x + inputs[l.skip] end
    if l.act then x = l.act == "relu" and x:relu() or x:clamp{ min = 0, max = 6 } end
  end
  return x
end

local function distance(a, b) return (a - b):abs():max():item() end

test("tiles of any number give what the whole gives, for 200 nets", function()
  local wanted, seed, n_nets = os.getenv("VT_GC_STRESS") and 3 or 200, 0, 0
  while n_nets < wanted do
    seed = seed + 1
    local layers, x = random_net(seed)
    if #layers > 0 then
      n_nets = n_nets + 1
      local want = plain(layers, x)
      local scale = math.max(1, want:abs():max():item())
      for n = 1, 5 do
        local has = distance(vt.patch.run(layers, x, { layers = #layers, n = n }), want)
        assert(has <= 1e-12 * scale, ("net %d, %d x %d tiles: %g"):format(seed, n, n, has))
      end
      assert(distance(vt.patch.run(layers, x), want) <= 1e-12 * scale, seed)
    end
  end
end)

test("a map may be added by more than one layer", function()
  for seed = 1, 3 do
    local layers = {}
    for i = 1, 4 do
      layers[i] = { type = "conv", k = 3, stride = 1, pad = 1, cin = 4, cout = 4, groups = i == 3 and 4 or 1, act = "relu",
        w = vt.randn({ 4, i == 3 and 1 or 4, 3, 3 }, { seed = seed, stream = i, dtype = "f64" }) }
    end
    layers[2].skip, layers[3].skip, layers[4].skip = 1, 2, seed == 1 and 1 or seed
    local x = vt.randn({ 1, 4, 12, 12 }, { seed = seed, dtype = "f64" })
    local want = plain(layers, x)
    local scale = want:abs():max():item()
    for n = 1, 3 do assert(distance(vt.patch.run(layers, x, { layers = 4, n = n }), want) <= 1e-12 * scale) end
    assert(distance(vt.patch.run(layers, x), want) <= 1e-12 * scale)
  end
end)

-- A stem of c channels and blocks { channels, expansion, stride } of MobileNetV2, with numbers; and the last layer of each.
local function blocks_of(c, rows)
  local layers, stops = { { type = "conv", k = 3, stride = 2, pad = 1, cin = 3, cout = c, groups = 1, act = "relu6" } }, { 1 }
  for _, row in ipairs(rows) do
    for _, l in ipairs(plan.inverted_residual(#layers + 1, c, table.unpack(row))) do
      l.act = l.type ~= "pwl" and "relu6" or nil
      layers[#layers + 1] = l
    end
    c, stops[#stops + 1] = row[1], #layers
  end
  for i, l in ipairs(layers) do
    l.w = vt.randn({ l.cout, l.cin // l.groups, l.k, l.k }, { seed = i, std = math.sqrt(2 / (l.cin // l.groups * l.k * l.k)) })
    l.b = vt.randn({ l.cout }, { seed = 100 + i, std = 0.1 })
  end
  return layers, stops
end

local function blocks() return blocks_of(8, { { 8, 1, 1 }, { 12, 6, 2 }, { 12, 6, 1 }, { 16, 6, 2 }, { 16, 6, 1 } }) end

local function captured(layers, x, options) return vt.capture(function(t) return vt.patch.run(layers, t, options) end, { x }) end

test("a captured run needs what the plan says", function()
  local layers, x = blocks(), vt.randn({ 1, 3, 96, 96 }, { seed = 9 })
  local whole = captured(layers, x)
  local n_stage = 9 -- the stem and three blocks
  for _, n in ipairs{ 2, 3, 4 } do
    local tiled = captured(layers, x, { layers = n_stage, n = n })
    local want = plan.net(layers, 96, n_stage, n).network_peak * 4
    -- Each piece begins at a multiple of 64 bytes.
    assert(tiled.least_bytes <= want + 64 * 4, ("%d x %d: %d bytes, planned were %d"):format(n, n, tiled.least_bytes, want))
    assert(tiled.arena_bytes < whole.arena_bytes / 2)
    assert(distance(tiled:run(x), whole:run(x)) < 1e-4)
  end
  assert(math.abs(whole.least_bytes - plan.peak(plan.memory(layers, 96), "accumulated") * 4) <= 256)
end)

if not os.getenv("VT_GC_STRESS") then
  test("the largest blocks of MobileNetV2 have the paper's peaks, 1372 and 172 KiB of int8", function()
    local layers, stops = blocks_of(32, { { 16, 1, 1 }, { 24, 6, 2 }, { 24, 6, 1 }, { 32, 6, 2 }, { 32, 6, 1 }, { 32, 6, 1 }, { 64, 6, 2 } })
    local x = vt.randn({ 1, 3, 224, 224 }, { seed = 1 })
    local whole, tiled = captured(layers, x), captured(layers, x, { layers = stops[5], n = 4 })
    assert(whole.arena_bytes == 1404928 * 4 and tiled.least_bytes == 176400 * 4)
    assert(tiled.arena_bytes * 7.9 <= whole.arena_bytes, tiled.arena_bytes)
    local alive = vt.memory()
    tiled:run(x)
    collectgarbage()
    assert(vt.memory() <= alive, "a run leaves memory behind")
    assert(distance(tiled:run(x), whole:run(x)) < 1e-3)
  end)
end

test("a saved graph of tiles gives the same bits", function()
  local layers, x, folder = blocks(), vt.randn({ 1, 3, 64, 64 }, { seed = 3 }), s.folder()
  local graph = captured(layers, x, { layers = 9, n = 2 })
  graph:save(folder .. "/net.graph")
  local opened = vt.open_graph(folder .. "/net.graph")
  assert(opened.arena_bytes == graph.arena_bytes)
  assert(opened:run(x):tostring_bytes() == graph:run(x):tostring_bytes())
end)

test("the tiles with the fewest multiplications that fit", function()
  local layers, x = blocks(), vt.randn({ 1, 3, 96, 96 }, { seed = 4 })
  local whole = plan.fit(layers, 96, 1 << 30)
  assert(whole.n_stage == 0 and whole.network_macs_overhead == 0)
  local p = plan.fit(layers, 96, whole.network_peak // 4)
  assert(p.n_stage > 0 and p.network_peak <= whole.network_peak // 4)
  local least = p.network_macs_overhead
  for n = 2, 8 do
    local other = plan.net(layers, 96, p.n_stage, n)
    assert(other.network_peak > whole.network_peak // 4 or other.network_macs_overhead >= least)
  end
  local graph = captured(layers, x, { layers = p.n_stage, n = p.n_patch })
  assert(graph.least_bytes <= p.network_peak * 4 + 256)
  local looser = captured(layers, x, { layers = p.n_stage, n = p.n_patch, room = p.network_peak * 5 // 4 })
  assert(looser.steps < graph.steps and looser.least_bytes <= p.network_peak * 5 + 256)
  s.raises("are needed", vt.patch.run, layers, x, { layers = p.n_stage, n = p.n_patch, room = p.network_peak - 1 })
  s.raises("no tiles need less than", plan.fit, layers, 96, 100)
end)

test("what cannot be is said", function()
  local layers, x = blocks(), vt.zeros(1, 3, 32, 32)
  s.raises("pictures", vt.patch.run, layers, vt.zeros(3, 32, 32))
  s.raises("99 of", vt.patch.run, layers, x, { layers = 99 })
  s.raises("n is an integer", vt.patch.run, layers, x, { layers = 1, n = 0 })
  s.raises("the skip of layer 9", vt.patch.run, layers, x, { layers = 8, n = 2 })
  s.raises("unknown option", vt.patch.run, layers, x, { tiles = 2 })
  s.raises("none of relu", vt.patch.run, { { type = "conv", k = 1, stride = 1, pad = 0, cin = 3, cout = 1, groups = 1, w = vt.ones(1, 3, 1, 1), act = "tanh" } }, x)
  local function with(changes)
    local l = { type = "conv", k = 1, stride = 1, pad = 0, cin = 3, cout = 2, groups = 1, w = vt.ones(2, 3, 1, 1) }
    for key, value in pairs(changes) do l[key] = value end
    return { l }
  end
  s.raises("layer 1: stride is 0", vt.patch.run, with{ stride = 0 }, x)
  s.raises("layer 1 takes 4 channels, there are 3", vt.patch.run, with{ cin = 4 }, x)
  s.raises("a convolution has w and groups", vt.patch.run, with{ w = false }, x)
  s.raises("a pool has as many", vt.patch.run, with{ type = "max" }, x)
  s.raises("adds a map of other extents", vt.patch.run, with{ skip = 1 }, x)
  s.raises("skip is 2", vt.patch.run, with{ skip = 2 }, x)
  s.raises("a filter of 9", plan.sizes, { { type = "conv", k = 9, stride = 1, pad = 1, cin = 1, cout = 1, groups = 1 } }, 4)
end)

s.done()
