--- MobileNetV2 in little memory: what each block needs, what tiles of the first blocks save and cost, and what runs of both really take.
--- venturi run scripts/examples/mobilenet_memory.lua [SIZE = 224]
-- Paper: "MCUNetV2: Memory-Efficient Patch-based Inference for Tiny Deep Learning", figures 1 and 3. The tables count bytes of int8 as the paper does; runs
-- are of f32, four bytes a number, with random weights.
local vt = require "venturi"
local plan = vt.patch.plan

local size = tonumber(arg[1] or 224)
local rows = { -- expansion, channels, blocks, stride of the first: table 2 of MobileNetV2's paper
  { 1, 16, 1, 1 }, { 6, 24, 2, 2 }, { 6, 32, 3, 2 }, { 6, 64, 4, 2 }, { 6, 96, 3, 1 }, { 6, 160, 3, 2 }, { 6, 320, 1, 1 },
}

-- All layers with random weights, and for each block the number of its last layer.
local function mobilenet()
  local layers, stops, c = {}, {}, 32
  local function block(list)
    for _, l in ipairs(list) do
      local fan = l.cin // l.groups * l.k * l.k
      layers[#layers + 1] = l
      l.act = l.type ~= "pwl" and "relu6" or nil
      l.w = vt.randn({ l.cout, l.cin // l.groups, l.k, l.k }, { seed = #layers, std = math.sqrt(2 / fan) })
      l.b = vt.zeros(l.cout)
    end
    stops[#stops + 1] = #layers
  end
  block{ { type = "conv", k = 3, stride = 2, pad = 1, cin = 3, cout = c, groups = 1 } }
  for _, row in ipairs(rows) do
    for i = 1, row[3] do
      block(plan.inverted_residual(#layers + 1, c, row[2], row[1], i == 1 and row[4] or 1))
      c = row[2]
    end
  end
  block{ { type = "conv", k = 1, stride = 1, pad = 0, cin = c, cout = 1280, groups = 1 } }
  return layers, stops
end

local function kib(n) return ("%9.1f"):format(n / 1024) end

local function print_blocks(layers, stops)
  local sizes, memory = plan.sizes(layers, size), plan.memory(layers, size)
  print("block   channels       map    in + out    in place   accumulated   KiB of int8")
  local first = 1
  for i, stop in ipairs(stops) do
    local most = {}
    for column, peak in pairs{ naive = 0, in_place = 0, accumulated = 0 } do
      for k = first, stop do peak = math.max(peak, memory[k][column]) end
      most[column] = peak
    end
    print(("%5d %4d -> %4d %4d -> %3d   %s   %s     %s"):format(i - 1, layers[first].cin, layers[stop].cout, sizes[first], sizes[stop + 1], kib(most.naive),
      kib(most.in_place), kib(most.accumulated)))
    first = stop + 1
  end
end

local function print_plans(layers, stops)
  print("\nblocks  tiles      stage       net   KiB   more multiplications of the stage, of the net")
  for blocks = 3, 6 do
    for _, n in ipairs{ 2, 3, 4, 7 } do
      local p = plan.net(layers, size, stops[blocks + 1], n)
      print(("%6d  %dx%d  %s %s         %6.1f %%  %6.2f %%"):format(blocks, n, n, kib(p.stage_peak), kib(p.network_peak), 100 * p.overhead, 100 * p.network_macs_overhead))
    end
  end
end

-- Processor seconds of a run: the least of some.
local function seconds(graph, x)
  local least = math.huge
  for _ = 1, 20 do
    local begin = os.clock()
    graph:run(x)
    least = math.min(least, os.clock() - begin)
  end
  return least
end

local function print_runs(layers, stops)
  local x = vt.randn({ 1, 3, size, size }, { seed = 1 })
  print("\ncaptured run, f32           arena   arena and scratch   KiB      ms")
  for _, case in ipairs{ { "layer by layer" }, { "4 blocks, 2x2", 2 }, { "4 blocks, 4x4", 4 } } do
    local options = case[2] and { layers = stops[5], n = case[2] } or nil
    local graph = vt.capture(function(t) return vt.patch.run(layers, t, options) end, { x })
    print(("%-24s %s           %s     %7.2f"):format(case[1], kib(graph.arena_bytes), kib(graph.arena_bytes + graph.scratch_bytes), 1e3 * seconds(graph, x)))
  end
end

local layers, stops = mobilenet()
print_blocks(layers, stops)
print_plans(layers, stops)
print_runs(layers, stops)
