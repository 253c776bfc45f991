--- autograd-ops: forward and gradients of operations of the tensor core in float64. Inputs are Philox streams; the gradient that the walk back starts
-- from is stream 40 of the first input's seed. A case whose operation is unknown has failed.
local streams = require "streams"
local vt = require "venturi"

local M = {}

local GRAD_STREAM_LOW, GRAD_STREAM_HIGH = -1, 1

local op = vt.op

-- What each case computes; x: its inputs, a: its attributes, c: the case. Notes of the reference files say what abbreviations mean.
local cases = {
  add_broadcast = function(x) return x[1] + x[2] end,
  mul_broadcast = function(x) return x[1] * x[2] end,
  div = function(x) return x[1] / (x[2] + 2.5) end,
  matmul_batched_broadcast = function(x) return x[1]:matmul(x[2]) end,
  softmax = function(x) return x[1]:softmax{ dim = -1 } end,
  log_softmax = function(x) return x[1]:log_softmax{ dim = 2 } end,
  logsumexp = function(x) return x[1]:logsumexp{ dims = 1 } end,
  layer_norm = function(x, a) return op.layer_norm(x[1], x[2], x[3], { eps = a.eps }) end,
  rms_norm = function(x, a) return op.rms_norm(x[1], x[2], { eps = a.eps }) end,
  group_norm = function(x, a) return op.group_norm(x[1], x[2], x[3], { groups = a.groups, eps = a.eps }) end,
  batch_norm_train = function(x, a) return (op.batch_norm(x[1], x[2], x[3], { eps = a.eps })) end,
  instance_norm = function(x, a) return op.instance_norm(x[1], { eps = a.eps }) end,
  conv2d = function(x) return op.conv2d(x[1], x[2], x[3], { stride = 2, padding = 1 }) end,
  conv2d_grouped_dilated = function(x, a) return op.conv2d(x[1], x[2], { padding = a.padding, dilation = a.dilation, groups = 2 }) end,
  conv1d_depthwise = function(x) return op.conv1d(x[1], x[2], { groups = 3, padding = 1 }) end,
  conv_transpose2d = function(x) return op.conv_transpose2d(x[1], x[2], x[3], { stride = 2, padding = 1, output_padding = 1 }) end,
  max_pool2d = function(x) return (op.max_pool2d(x[1], { kernel = { 3, 3 }, stride = { 2, 2 }, padding = { 1, 1 } })) end,
  avg_pool2d = function(x) return op.avg_pool2d(x[1], { kernel = { 2, 2 } }) end,
  adaptive_avg_pool2d_1 = function(x) return op.adaptive_avg_pool2d(x[1], { size = { 1, 1 } }) end,
  interpolate_nearest2x = function(x) return op.interpolate(x[1], { size = { 2 * x[1]:size(3), 2 * x[1]:size(4) }, mode = "nearest" }) end,
  interpolate_bilinear = function(x, a) return op.interpolate(x[1], { size = a.size, mode = "bilinear", align_corners = false }) end,
  gather_dim1 = function(x, _, c) return x[1]:gather(vt.tensor(c.index), { dim = 2 }) end,
  scatter_add_dim0 = function(x, _, c) return op.scatter_add(x[1], vt.tensor(c.index), x[2], { dim = 1 }) end,
  index_select_embedding = function(x, _, c) return x[1]:index_select(vt.tensor(c.index), { dim = 1 }) end,
  cumsum = function(x) return x[1]:cumsum{ dim = 2 } end,
  cumprod = function(x) return x[1]:cumprod{ dim = 2 } end,
  var_unbiased = function(x) return x[1]:var{ dims = 2 } end,
  norm2 = function(x) return x[1]:norm{ dims = -1 } end,
  gelu_erf = function(x) return (3 * x[1]):gelu() end,
  gelu_tanh = function(x) return (3 * x[1]):gelu{ approximate = "tanh" } end,
  silu = function(x) return (3 * x[1]):silu() end,
  elu = function(x) return x[1]:elu() end,
  softplus = function(x) return (4 * x[1]):softplus() end,
  leaky_relu = function(x, a) return x[1]:leaky_relu(a.slope) end,
  hardswish = function(x) return (5 * x[1]):hardswish() end,
  cross_entropy_mean_smoothing = function(x, a) return op.cross_entropy(2 * x[1], vt.tensor(a.target), { label_smoothing = a.label_smoothing }) end,
  kl_div_batchmean = function(x) return op.kl_div(x[1]:log_softmax(), x[2]:log_softmax(), { reduction = "batchmean", log_target = true }) end,
  attention_causal = function(x) return (op.attention(x[1], x[2], x[3], { causal = true })) end,
  where_clamp = function(x) return op.where(x[1]:gt(0), x[1]:clamp{ max = 0.5 }, 2 * x[2]) end,
  einsum_bhid_bhjd = function(x) return op.einsum({ x[1], x[2] }, "bhid,bhjd->bhij") end,
  slice_pad_cat_transpose = function(x) return op.cat({ x[1][{ {}, { 2, 3 } }]:pad{ pads = { 1, 0 } }, x[2]:transpose() }, { dim = 2 }) end,
  max_reduce = function(x) return (x[1]:max{ dims = 2 }) end,
  rope_interleaved = function(x) return op.rope(x[1], { base = 10000, interleaved = true }) end,
  grid_sample_bilinear_zeros = function(x) return op.grid_sample(x[1], 1.2 * x[2]) end,
}

local function flat(v, out)
  if type(v) ~= "table" then
    out[#out + 1] = v
    return out
  end
  for _, item in ipairs(v) do flat(item, out) end
  return out
end

local function compare(report, what, got, want, tol)
  local numbers = flat(want, {})
  if got:count() ~= #numbers then error(("%s: %d values instead of %d"):format(what, got:count(), #numbers), 0) end
  report:close(what, got:reshape(-1):totable(), numbers, tol)
end

-- Values carry 12 digits.
local function tolerance(file)
  local tol = file.get(file.data, "tol")
  return type(tol) == "table" and tol.f64 or 1e-9
end

local function check_case(file, case, tol)
  local f = cases[case.op] or error("no checker knows this operation", 0)
  local leaves = {}
  for k, spec in ipairs(case.inputs) do
    leaves[k] = streams.read(spec)
    leaves[k].requires_grad = true
  end
  local y = f(leaves, case.attrs, case)
  compare(file.report, "y", y:detach(), case.y, tol)
  local up = streams.uniform(case.inputs[1].seed, case.grad_y_stream, y.shape, GRAD_STREAM_LOW, GRAD_STREAM_HIGH)
  local grads = vt.gradients(y, leaves, { grads = up })
  for k, want in ipairs(case.grads) do
    compare(file.report, ("gradient %d"):format(k - 1), grads[k] or error(("no gradient %d"):format(k - 1), 0), want, tol)
  end
end

function M.check(file)
  local tol = tolerance(file)
  for i, case in ipairs(file.data.cases) do
    local name = ("%d %s"):format(i - 1, tostring(case.op))
    file.report:case(name, function() check_case(file, case, tol) end)
  end
end

return M
