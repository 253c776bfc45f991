--- GPT({ vocab =, context =, width =, depth =, heads =, mlp = 4 width, dropout = 0, rope = false, tied = true, wta = false }): a decoder of token ids
-- [batch, n] to logits [batch, n, vocab]. Source: Radford et al. 2019 (GPT-2), whose initial weights it takes.
local vt = require "venturi"
local nn = require "venturi.nn"

local M = {}
M.GPT = nn.class "GPT"

function M.GPT:new(options)
  local opt = vt.options("GPT", { vocab = 256, context = 256, width = 128, depth = 4, heads = 4, mlp = false, dropout = 0, rope = false, tied = true,
    wta = false }, options)
  local std = 0.02
  self.tokens = nn.Embedding(opt.vocab, opt.width, { std = std })
  if not opt.rope then self.positions = nn.Embedding(opt.context, opt.width, { std = std }) end
  self.blocks = nn.ModuleList()
  for _ = 1, opt.depth do
    local block = nn.TransformerBlock(opt.width, opt.heads, { causal = true, mlp = opt.mlp or 4 * opt.width, dropout = opt.dropout, rope = opt.rope,
      init = nn.init.normal(std), approximate = "tanh", wta = opt.wta })
    -- What is added to the residual stream is smaller, the more layers add to it.
    vt.no_grad(function()
      block.attn.out.weight:mul_(1 / math.sqrt(2 * opt.depth))
      block.mlp.down.weight:mul_(1 / math.sqrt(2 * opt.depth))
    end)
    self.blocks:append(block)
  end
  self.norm = nn.LayerNorm(opt.width)
  if not opt.tied then self.head = nn.Linear(opt.width, opt.vocab, { bias = false, init = nn.init.normal(std) }) end
  rawset(self, "context", opt.context)
end

function M.GPT:forward(ids)
  local n = ids.shape[2]
  if n > self.context then error(("GPT: %d tokens, its context is %d"):format(n, self.context), 2) end
  local x = self.tokens(ids)
  if self.positions then x = x + self.positions.weight:slice{ dim = 1, start = 0, stop = n } end
  for _, block in ipairs(self.blocks) do x = block(x) end
  x = self.norm(x)
  return self.head and self.head(x) or vt.op.linear(x, self.tokens.weight)
end

return M
