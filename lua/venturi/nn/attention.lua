--- Attention over rows [batch, n, width], and the block of a transformer. Sources: Vaswani et al. 2017, section 3.2; pre-norm blocks: Xiong et al. 2020.
local vt = require "venturi"
local module = require "venturi.nn.module"
local Linear = require("venturi.nn.linear").Linear
local norms = require "venturi.nn.norm"
local Dropout = require("venturi.nn.dropout").Dropout
local class = module.class

local M = {}

-- [batch, n, heads * d] as [batch, heads, n, d], a view
local function split_heads(x, heads)
  local s = x.shape
  return x:reshape{ s[1], s[2], heads, s[3] // heads }:permute{ 1, 3, 2, 4 }
end

--- MultiheadAttention(width, heads, { kv_heads = heads, context_width = width, causal = false, bias = true, rope = false, dropout = 0, qk_norm = false,
-- wta = false })
-- Called with (x, { context = other rows, bias = added to the scores, cu_q = , cu_k = , block = , blocks = }). rope: rotary embedding of queries and keys;
-- a number is its base. dropout: of the weights.
M.MultiheadAttention = class "MultiheadAttention"
function M.MultiheadAttention:new(width, heads, options)
  local opt = vt.options("MultiheadAttention", { kv_heads = heads, context_width = false, causal = false, bias = true, rope = false, dropout = 0, qk_norm = false,
    init = false, wta = false }, options)
  if width % heads ~= 0 then error(("MultiheadAttention: a width of %d in %d heads"):format(width, heads), 3) end
  if heads % opt.kv_heads ~= 0 then error(("MultiheadAttention: %d heads for %d of keys"):format(heads, opt.kv_heads), 3) end
  local d, linear = width // heads, { bias = opt.bias, init = opt.init, wta = opt.wta }
  local kv_width = 2 * d * opt.kv_heads
  if opt.context_width then
    self.q = Linear(width, width, linear)
    self.kv = Linear(opt.context_width, kv_width, linear)
  else
    self.qkv = Linear(width, width + kv_width, linear)
  end
  if opt.qk_norm then
    self.q_norm = norms.RMSNorm(d)
    self.k_norm = norms.RMSNorm(d)
  end
  self.out = Linear(width, width, linear)
  rawset(self, "opt", { width = width, heads = heads, kv_heads = opt.kv_heads, causal = opt.causal, rope = opt.rope, dropout = opt.dropout })
  rawset(self, "drop", Dropout(opt.dropout))
end

local function project(self, x, context)
  local opt = self.opt
  if self.qkv then
    if context then error("MultiheadAttention: rows of a context need context_width", 3) end
    local all, kv_width = self.qkv(x), opt.width // opt.heads * opt.kv_heads
    return all:slice{ dim = -1, start = 0, stop = opt.width }, all:slice{ dim = -1, start = opt.width, stop = opt.width + kv_width },
      all:slice{ dim = -1, start = opt.width + kv_width }
  end
  local kv = self.kv(context or x)
  local half = kv.shape[3] // 2
  return self.q(x), kv:slice{ dim = -1, start = 0, stop = half }, kv:slice{ dim = -1, start = half }
end

local named_inputs = { bias = true, slopes = true, blocks = true, block = true, cu_q = true, cu_k = true }

function M.MultiheadAttention:forward(x, options)
  local opt, given = self.opt, options or {}
  local q, k, v = project(self, x, given.context)
  q, k, v = split_heads(q, opt.heads), split_heads(k, opt.kv_heads), split_heads(v, opt.kv_heads)
  if self.q_norm then q, k = self.q_norm(q), self.k_norm(k) end
  if opt.rope then
    local base = opt.rope == true and 10000 or opt.rope
    q, k = q:rope{ base = base, positions = given.positions }, k:rope{ base = base, positions = given.positions }
  end
  local attributes = { causal = given.causal == nil and opt.causal or given.causal or false }
  for key, value in pairs(given) do
    if named_inputs[key] then attributes[key] = value end
  end
  if self.training and opt.dropout > 0 then
    attributes.dropout, attributes.seed = opt.dropout, self.drop:next_seed()
  end
  local y = vt.op.attention(q, k, v, attributes)
  return self.out(y:permute{ 1, 3, 2, 4 }:reshape{ x.shape[1], x.shape[2], opt.width })
end

--- MLP(width, hidden, { act = "gelu", bias = true, dropout = 0, out = width, gated = false, wta = false }): two matrices, with gated three (x1 act(x2)).
M.MLP = class "MLP"
function M.MLP:new(width, hidden, options)
  local opt = vt.options("MLP", { act = "gelu", approximate = false, bias = true, dropout = 0, out = width, gated = false, init = false,
    wta = false }, options)
  local linear = { bias = opt.bias, init = opt.init, wta = opt.wta }
  self.up = Linear(width, opt.gated and 2 * hidden or hidden, linear)
  self.down = Linear(hidden, opt.out, linear)
  if opt.dropout > 0 then self.drop = Dropout(opt.dropout) end
  rawset(self, "act", opt.act)
  rawset(self, "attributes", opt.approximate and { approximate = opt.approximate } or {})
  rawset(self, "gated", opt.gated and hidden)
end
function M.MLP:forward(x)
  local h = self.up(x)
  if self.gated then
    h = h:slice{ dim = -1, start = 0, stop = self.gated } * vt.op[self.act](h:slice{ dim = -1, start = self.gated }, self.attributes)
  else
    h = vt.op[self.act](h, self.attributes)
  end
  h = self.down(h)
  return self.drop and self.drop(h) or h
end

--- TransformerBlock(width, heads, { mlp = 4 * width, causal =, rope =, kv_heads =, norm = "LayerNorm", act = "gelu", gated = false, dropout = 0,
-- cross = width of a context's rows, wta = false }): x + attention(norm(x)), with cross + attention to a context, + mlp(norm(x)).
M.TransformerBlock = class "TransformerBlock"
function M.TransformerBlock:new(width, heads, options)
  local opt = vt.options("TransformerBlock", { mlp = 4 * width, causal = false, rope = false, kv_heads = heads, norm = "LayerNorm", act = "gelu", gated = false,
    dropout = 0, bias = true, cross = false, init = false, approximate = false, wta = false }, options)
  local Norm = assert(norms[opt.norm], "TransformerBlock: no such norm")
  local common = { bias = opt.bias, init = opt.init, dropout = opt.dropout, wta = opt.wta }
  local function with(more)
    for key, value in pairs(common) do more[key] = value end
    return more
  end
  self.norm1 = Norm(width)
  self.attn = M.MultiheadAttention(width, heads, with{ causal = opt.causal, rope = opt.rope, kv_heads = opt.kv_heads })
  if opt.cross then
    self.norm_cross = Norm(width)
    self.cross = M.MultiheadAttention(width, heads, with{ context_width = opt.cross })
  end
  self.norm2 = Norm(width)
  self.mlp = M.MLP(width, opt.mlp, with{ act = opt.act, gated = opt.gated, approximate = opt.approximate })
end
function M.TransformerBlock:forward(x, options)
  local given = options or {}
  x = x + self.attn(self.norm1(x), { bias = given.bias, cu_q = given.cu_q, cu_k = given.cu_k, positions = given.positions })
  if self.cross then
    if not given.context then error("TransformerBlock: it was made with cross, so it needs { context = }", 2) end
    x = x + self.cross(self.norm_cross(x), { context = given.context, bias = given.context_bias })
  end
  return x + self.mlp(self.norm2(x))
end

return M
