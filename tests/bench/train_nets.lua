-- The nets of ./dev bench train, with a batch each: nets[name]() -> net, { inputs }, function(net, inputs...) -> loss. tests/bench/train_peer.py has the same.
local vt = require "venturi"
local nn = vt.nn

local nets = {}

-- Layers that begin at 0 would hide what lies before them from a comparison of losses.
local function stir(net)
  local n = 0
  vt.no_grad(function()
    for _, p in net:named_parameters() do
      n = n + 1
      if p.ndim > 1 and p:abs():max():item() == 0 then p:copy_(vt.randn(p.shape, { seed = 1000 + n, std = 0.02 })) end
    end
  end)
  return net
end

local function mean_square(net, x, t, target, ...) return vt.op.mse_loss(net(x, t, ...), target) end

function nets.mlp()
  local net = nn.Sequential{ nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10) }
  return net, { vt.randn(256, 784, { seed = 1 }), vt.randint(256, { seed = 2, high = 10 }) }, function(model, x, y) return model(x):cross_entropy(y) end
end

nets["gpt-tiny"] = function()
  local batch, tokens, vocab = 16, 256, 256
  local net = nn.GPT{ vocab = vocab, context = tokens, width = 128, depth = 4, heads = 4 }
  local inputs = { vt.randint(batch, tokens, { seed = 1, high = vocab }), vt.randint(batch * tokens, { seed = 2, high = vocab }) }
  return net, inputs, function(model, ids, next_ids) return model(ids):reshape(batch * tokens, vocab):cross_entropy(next_ids) end
end

nets["dit-tiny"] = function()
  local n = 128
  local inputs = { vt.randn(n, 1, 8, 8, { seed = 1 }), vt.rand(n, { seed = 2 }), vt.randn(n, 1, 8, 8, { seed = 3 }), vt.randint(n, { seed = 4, high = 11 }) }
  return stir(nn.DiT{ classes = 10 }), inputs, mean_square
end

function nets.unet()
  local n = 32
  local inputs = { vt.randn(n, 3, 32, 32, { seed = 1 }), vt.rand(n, { seed = 2 }), vt.randn(n, 3, 32, 32, { seed = 3 }) }
  return stir(nn.UNet{ widths = { 64, 128, 192 } }), inputs, mean_square
end

return nets
