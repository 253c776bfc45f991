--- 20-patch-smallnet, 20-mobilenetv2-memory: what nets need layer by layer and patch by patch, and pictures that are the same both ways.
local streams = require "streams"
local vt = require "venturi"

local M = {}

local plan = vt.patch.plan

local PLAN = { "n_patch", "out_res", "out_channels", "out_buffer", "patch_peak", "stage_peak", "input_patch_max", "macs_full", "macs_patch", "worst",
  "rf_single", "grain_rf" }

local function compare_plan(report, got, want)
  for _, key in ipairs(PLAN) do report:same(key, got[key], want[key]) end
  report:close("overhead", got.overhead, want.overhead, 1e-14)
end

-- ---- nets of a few layers ----

-- The layers of a case with their weights in [-1, 1], a ReLU behind each.
local function net_of(case)
  local layers = {}
  for i, l in ipairs(case.layers) do
    local layer = { act = "relu", w = streams.uniform(case.seed, 9 + i, { l.cout, l.cin // l.groups, l.k, l.k }, -1, 1) }
    for _, key in ipairs{ "type", "k", "stride", "pad", "cin", "cout", "groups" } do layer[key] = l[key] end
    layers[i] = layer
  end
  return layers
end

local function check_small(report, case, tol)
  local layers = net_of(case)
  report:same("sizes", plan.sizes(layers, case.res), case.sizes)
  local rows = plan.memory(layers, case.res)
  for i, want in ipairs(case.per_layer_memory) do
    local row = rows[i]
    report:same("layer", { row.type }, { want.layer })
    report:same("bytes", { row.input, row.output, row.naive, row.in_place }, { want["in"], want.out, want.naive, want.inplace })
  end
  report:same("peak_layerwise_naive", plan.peak(rows, "naive"), case.peak_layerwise_naive)
  report:same("peak_layerwise_inplace", plan.peak(rows, "in_place"), case.peak_layerwise_inplace)
  compare_plan(report, plan.stage(layers, case.res, case.n_patch), case.plan)
  local x = streams.uniform(case.seed, 0, { 1, case.layers[1].cin, case.res, case.res }, -1, 1)
  for what, options in pairs{ ["layer by layer"] = {}, ["in tiles"] = { layers = #layers, n = case.n_patch } } do
    local y = vt.patch.run(layers, x, options)
    report:close(what .. ": sum", y:sum():item(), case.y_sum, tol * case.y_sum)
    report:close(what .. ": first numbers", y:reshape(-1):slice{ dim = 1, stop = #case.y_samples }:totable(), case.y_samples, tol)
  end
end

-- ---- MobileNetV2 ----

local function block_layers(at, block)
  local expand, stride = block.kind:match("^mb t=(%d+) s=(%d+)")
  if expand then return plan.inverted_residual(at, block.cin, block.cout, tonumber(expand), tonumber(stride)) end
  local k = block.kind == "conv" and 3 or 1
  return { { type = "conv", k = k, stride = k == 3 and 2 or 1, pad = k // 2, cin = block.cin, cout = block.cout, groups = 1 } }
end

-- All layers, and for each block the numbers of its first and last.
local function mobilenet(blocks)
  local layers, spans = {}, {}
  for i, block in ipairs(blocks) do
    local first = #layers + 1
    for _, l in ipairs(block_layers(first, block)) do layers[#layers + 1] = l end
    spans[i] = { first = first, stop = #layers }
  end
  local last, at = blocks[#blocks], #layers -- the means of the maps, and their 1000 classes
  layers[at + 1] = { type = "avg", k = last.in_res, stride = 1, pad = 0, cin = last.cout, cout = last.cout }
  layers[at + 2] = { type = "pw", k = 1, stride = 1, pad = 0, cin = last.cout, cout = 1000, groups = 1 }
  return layers, spans
end

local function check_block(report, layers, rows, span, block)
  local most = { naive = 0, in_place = 0, accumulated = 0 }
  for i = span.first, span.stop do
    local row = rows[i]
    for column, v in pairs(most) do most[column] = math.max(v, row[column]) end
    local stages = block.stages
    if stages and layers[i].type == "pw" then report:same("expand", row.in_place, stages.expand) end
    if stages and layers[i].type == "dw" then report:same("depthwise", { row.naive, row.in_place }, { stages.depthwise_naive, stages.depthwise_inplace }) end
    if stages and layers[i].type == "pwl" then report:same("project", row.in_place, stages.project) end
  end
  report:same("in and out", { rows[span.first].input, rows[span.stop].output }, { block.in_, block.out })
  report:same("peaks", { most.naive, most.in_place }, { block.peak_naive, block.peak_inplace })
  if block.peak_inplace_residual_accumulate then report:same("accumulated", most.accumulated, block.peak_inplace_residual_accumulate) end
end

local function check_mobilenet(report, data)
  local size = data.blocks[1].in_res
  local layers, spans = mobilenet(data.blocks)
  local rows = plan.memory(layers, size)
  for i, block in ipairs(data.blocks) do
    report:case(("block %d"):format(block.idx), function() check_block(report, layers, rows, spans[i], block) end)
  end
  for _, want in ipairs(data.plans) do
    local n_blocks = want.blocks_in_patch_stage
    report:case(("%d blocks, %d x %d"):format(n_blocks, want.n_patch, want.n_patch), function()
      local got = plan.net(layers, size, spans[n_blocks + 1].stop, want.n_patch)
      compare_plan(report, got, want)
      report:same("peaks", { got.rest_peak, got.network_peak }, { want.rest_peak, want.network_peak })
      report:close("network_macs_overhead", got.network_macs_overhead, want.network_macs_overhead, 1e-14)
    end)
  end
end

function M.check(file)
  local data, report = file.data, file.report
  local tol = file.tolerance({ "tol" }, 1e-10)
  for i, case in ipairs(data.cases or {}) do
    report:case(("net %d, %d x %d"):format(i - 1, case.n_patch, case.n_patch), function() check_small(report, case, tol) end)
  end
  if data.blocks then check_mobilenet(report, data) end
end

return M
