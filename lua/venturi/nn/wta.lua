--- WTA-CRS: a Linear that keeps k of its n input rows for the way back. Forward and the gradient of the input are exact, the gradient of the weight is an
-- estimate without bias: the c rows with the largest chances p count as they are, k - c draws stand for the others. Source: Liu et al. 2023, "Winner-Take-All
-- Column Row Sampling for Memory Efficient Adaptation of Language Model", sections 3.2 and 3.3.
--
--     nn.Linear(64, 64, { wta = { keep = 0.3 } })       and so MultiheadAttention, MLP, TransformerBlock, GPT, ViT
--
--     keep = 0.3      k = ceil(keep n), at least `least` = 10; of fewer rows all are kept, and nothing is drawn
--     samples = 0     p is |x| |dz| / sum. dz is not known yet: with samples = N the norm that it had when the sample was last seen stands for it, of N samples
--                     by their number, which `nn.wta.samples(ids)` says for a batch; without, p is |x| / sum
--     floor = 0.1     that share of the batch's mean is added to those norms: a sample whose gradient has grown since would else come rarely, with a huge factor
--     method = "wta"  "crs": all k are draws; "top": the k largest and no draws, which has a bias
--
-- A gradient is the exact one of its draws: a draw is a function of (net's seed, layer, step), as with dropout. In eval() and without gradients it is a Linear.
local vt = require "venturi"
local random = require "venturi.nn.random"

local M = {}

local methods = { wta = true, crs = true, top = true }
local TINY = 1e-300

--- Options of a layer, checked; false stays false.
function M.options(given)
  if not given then return false end
  local opt = vt.options("wta", { keep = 0.3, least = 10, samples = 0, floor = 0.1, method = "wta" }, given ~= true and given or nil)
  if type(opt.keep) ~= "number" or not (opt.keep > 0 and opt.keep <= 1) then error("wta: keep must be above 0 and at most 1", 3) end
  if type(opt.floor) ~= "number" or not (opt.floor >= 0 and opt.floor < math.huge) then error("wta: floor must be 0 or more", 3) end
  if not methods[opt.method] then error("wta: method is 'wta', 'crs' or 'top'", 3) end
  for _, name in ipairs{ "least", "samples" } do
    if math.type(opt[name]) ~= "integer" or opt[name] < 0 then error(("wta: %s must be an integer of 0 or more"):format(name), 3) end
  end
  return opt
end

local current -- numbers of the samples of the batch

--- samples(ids): the numbers [batch], from 0, of the samples that nets see from now on; nil: nobody knows.
function M.samples(ids) current = ids end

--- Rows by what they weigh: { n, k, p = chances in descending order, order = whose they are, tail = sum of each and those behind it, c = how many are kept
-- without a draw, rest = what is left then }. weights: [n], none below 0. For looking on: layers leave it to the operation `crs_rows`.
function M.rank(weights, k, method)
  weights = weights:cast("f64")
  local p, order = (weights / weights:sum():clamp{ min = TINY }):sort{ descending = true }
  local r = { n = weights.shape[1], k = k, p = p, order = order, tail = p:cumsum{ reverse = true }, c = 0 }
  if method ~= "crs" then r.c = (r.tail:slice{ dim = 1, start = 0, stop = k } / vt.arange(k, 0, -1):cast("f64")):argmin():item() end
  r.rest = r.tail[r.c + 1]:item()
  return r
end

--- The variance of all elements of an estimate of g^T x together: x [n, in], g [n, out]. Of "wta" and "crs".
function M.variance(x, g, k, method)
  x, g = x:cast("f64"), g:cast("f64")
  local norms = x:norm{ dims = { 2 } } * g:norm{ dims = { 2 } }
  local r = M.rank(norms, k, method)
  local rest = r.order:slice{ dim = 1, start = r.c }
  local mean = g:index_select(rest, { dim = 1 }):transpose():matmul(x:index_select(rest, { dim = 1 }))
  local s = norms:index_select(rest, { dim = 1 }):square()
  local p = r.p:slice{ dim = 1, start = r.c }:clamp{ min = TINY }
  return (r.rest * (s / p):sum():item() - mean:square():sum():item()) / (k - r.c)
end

-- What rows weigh: their norms, times the norms that their samples' gradients had; samples that were not seen yet count as the mean of the others.
local function weigh(layer, rows, samples, ids)
  local norms = rows:norm{ dims = { 2 } }
  if not ids then return norms end
  local g = layer.sample_norms:index_select(ids, { dim = 1 })
  local seen = g:gt(0)
  local mean = g:sum() / seen:sum():cast("f64"):clamp{ min = 1 }
  g = vt.op.where(seen, g, vt.op.where(mean:gt(0), mean, vt.ones(1, { dtype = "f64" }))) + mean * layer.wta.floor
  return (norms:cast("f64"):reshape{ samples, -1 } * g:unsqueeze{ dim = 2 }):reshape{ -1 }
end

local product = vt.custom{
  forward = function(ctx, x, w, b, layer, wants_x, ids)
    local opt, samples = layer.wta, x.shape[1]
    local rows = x:reshape{ -1, x.shape[x.ndim] }
    local k = layer:rows_kept(rows.shape[1])
    local u = vt.op.uniform(vt.empty(k, { dtype = "f64" }), { seed = layer.wta_seed, stream = random.step() })
    local kept, index = vt.op.crs_rows(rows, weigh(layer, rows, samples, ids), u, { method = opt.method })
    ctx.rows = kept
    ctx.index, ctx.ids, ctx.layer, ctx.w = index:cast("i32"), ids, layer, w
    ctx.wants_x, ctx.has_bias, ctx.samples = wants_x, b ~= nil, samples
    return vt.op.linear(x, w, b)
  end,
  backward = function(ctx, g)
    if vt.grad_mode() then error("wta: an estimate has no gradient of its gradient", 0) end
    local rows = g:reshape{ -1, g.shape[g.ndim] }
    if ctx.ids then
      local norms = rows:reshape{ ctx.samples, -1 }:norm{ dims = { 2 } }:cast("f64")
      ctx.layer.sample_norms:copy_(ctx.layer.sample_norms:scatter(ctx.ids, norms, { dim = 1 }))
    end
    local dw = rows:index_select(ctx.index, { dim = 1 }):transpose():matmul(ctx.rows)
    return ctx.wants_x and g:matmul(ctx.w) or nil, dw, ctx.has_bias and rows:sum{ dims = { 1 } } or nil
  end,
}

--- The product of a layer (nn.Linear) that has the option, in training.
function M.linear(layer, x)
  local ids = layer.wta.samples > 0 and current or nil
  if x.ndim < 2 then error("wta: rows [.., n, width] are needed", 3) end
  if ids and ids.shape[1] ~= x.shape[1] then error(("wta: %d numbers of samples for a batch of %d"):format(ids.shape[1], x.shape[1]), 3) end
  return product(x, layer.weight, layer.bias, layer, x.requires_grad, ids)
end

return M
