--- Handwritten digits by three nets: an MLP, a convolutional net, a vision transformer.
--- venturi run scripts/examples/digits.lua [mlp | cnn | vit] [--epochs N] [--seeds 1] [--out digits.svg] [--quick]
local vt = require "venturi"
local nn = vt.nn

local nets = {
  mlp = { epochs = 60, quick = 15, lr = 3e-3, make = function()
    return nn.Sequential{ nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10) }
  end },
  cnn = { epochs = 30, quick = 8, lr = 3e-3, make = function()
    return nn.Sequential{ nn.Conv2d(1, 16, 3, { padding = 1 }), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, { padding = 1 }), nn.ReLU(), nn.Flatten(),
      nn.Linear(512, 10) }
  end },
  vit = { epochs = 60, quick = 20, lr = 2e-3, make = function() return nn.ViT{ size = 8, patch = 2, width = 32, depth = 2, heads = 4, mlp = 64 } end },
}

-- Options.
local chosen, seeds, epochs, out, quick = {}, 1, nil, nil, false
local i = 1
local function count(name)
  i = i + 1
  local n = math.tointeger(tonumber(arg[i]))
  if not n or n < 1 then error(("%s needs an integer above 0"):format(name), 0) end
  return n
end
while arg[i] do
  if nets[arg[i]] then chosen[#chosen + 1] = arg[i]
  elseif arg[i] == "--quick" then quick = true
  elseif arg[i] == "--seeds" then seeds = count "--seeds"
  elseif arg[i] == "--epochs" then epochs = count "--epochs"
  elseif arg[i] == "--out" and arg[i + 1] then i = i + 1; out = arg[i]
  else error(("unknown argument '%s'; nets are mlp, cnn, vit"):format(arg[i]), 0) end
  i = i + 1
end
if #chosen == 0 then chosen = { "mlp", "cnn", "vit" } end

local train, test = vt.data.load("digits"):split(0.75, { seed = 2024 })
local BATCH = 64

local function accuracy(net)
  net:eval()
  local right = vt.no_grad(function() return net(test.fields.x):argmax{ dim = 2 }:eq(test.fields.y):sum():item() end)
  net:train()
  return 100 * right / test.count
end

-- One run: steps over shuffled batches, AdamW, the rate falling to 0 by cosine.
local function run(kind, seed)
  nn.seed(seed)
  local net = kind.make()
  local order = vt.data.order.shuffled(train.count, { seed = seed })
  local per_epoch = train.count // BATCH
  local steps = (epochs or quick and kind.quick or kind.epochs) * per_epoch
  local result = vt.train.fit(net, {
    steps = steps, progress = not quick, log_every = per_epoch,
    optimizer = vt.optim.AdamW(net:parameters(), { lr = kind.lr, weight_decay = 0.01 }),
    schedule = vt.optim.schedule{ kind = "cosine", lr = kind.lr, total = steps },
    batch = function(step)
      local first = step % per_epoch * BATCH
      local index = order:round(step // per_epoch)[{ { first + 1, first + BATCH } }]:copy()
      return train.fields.x[index], train.fields.y[index]
    end,
    loss = function(model, x, y) return vt.op.cross_entropy(model(x), y) end,
  })
  local points = {}
  for k, l in ipairs(result.losses) do points[k] = { l[1] / per_epoch, l[2] } end
  return net, points
end

local series = {}
for _, name in ipairs(chosen) do
  for seed = 1, seeds do
    local began = os.clock()
    local net, losses = run(nets[name], seed)
    series[#series + 1] = { name = seeds > 1 and ("%s, seed %d"):format(name, seed) or name, points = losses, marks = false }
    print(("%s  seed %d  %d parameters  %.2f %% of %d digits right  %.1f s"):format(name, seed, net:count(), accuracy(net), test.count, os.clock() - began))
  end
end
if out then
  local file = assert(io.open(out, "w"))
  file:write(vt.plot.lines{ title = "Digits: loss in training", x = { label = "epoch" }, y = { label = "nats", log = true }, series = series })
  file:close()
  print("chart: " .. out)
end
