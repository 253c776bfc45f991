--- WTA-CRS: accuracy and memory of nets whose products keep a share of their rows, beside exact ones and other ways to choose rows.
--- venturi run scripts/recipes/train/wta.lua [--keep 0.3] [--epochs 20] [--seeds 5] [--out wta.svg] [--quick]
-- MLP 64-256-256-10 with GELU on digits, batches of 128. Bytes: what one forward pass leaves for the way back, all of it and the part that products keep.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local vt = require "venturi"
local nn = vt.nn

local opt = study.options(arg, { keep = 0.3, epochs = 20, seeds = 5, lr = 0.1, out = "wta.svg", quick = { epochs = 3, seeds = 2, out = "" } })
local BATCH = 128
local train, test = study.digits(true)

local function net_of(seed, wta)
  nn.seed(seed)
  local with = { wta = wta }
  return nn.Sequential{ nn.Linear(64, 256, with), nn.GELU(), nn.Linear(256, 256, with), nn.GELU(), nn.Linear(256, 10, with) }
end

-- Bytes on the tape after a forward pass, and those of rows that products keep.
local function stored(wta)
  local net, x = net_of(1, wta), train.fields.x[{ { 1, BATCH } }]:copy()
  nn.wta.samples(vt.arange(BATCH))
  collectgarbage()
  vt.ones(1, { requires_grad = true }):sum():backward() -- a walk lets go of what earlier steps have left
  collectgarbage()
  collectgarbage() -- what a first one ends lets go of more
  local before = vt.memory()
  local y = net(x)
  collectgarbage()
  local all, rows = vt.memory() - before - y:count() * 4, 0
  net:apply(function(layer)
    if layer.rows_kept then
      local k = layer:rows_kept(BATCH)
      rows = rows + k * layer.weight.shape[2] * 4 + (k < BATCH and k * 4 or 0)
    end
  end)
  return all, rows
end

local methods = {
  { "exact", false },
  { "WTA, gradients of samples", { keep = opt.keep, samples = train.count } },
  { "WTA, rows alone", { keep = opt.keep } },
  { "draws alone (CRS)", { keep = opt.keep, samples = train.count, method = "crs" } },
  { "largest alone", { keep = opt.keep, samples = train.count, method = "top" } },
}

local rows, groups, values, halves = { { "method", "accuracy in %", "KiB for the way back", "of them rows of products" } }, {}, {}, {}
for i, method in ipairs(methods) do
  local list = {}
  for seed = 1, opt.seeds do
    local net = net_of(seed, method[2])
    study.train(net, { set = train, order = vt.data.order.shuffled(train.count, { seed = seed }), batch = BATCH, lr = opt.lr,
      steps = opt.epochs * math.ceil(train.count / BATCH),
      loss = function(model, x, y, index)
        nn.wta.samples(index)
        return vt.op.cross_entropy(model(x), y)
      end })
    list[seed] = 100 - study.error_of(net, test)
  end
  local mean, half = study.interval(list)
  local all, products = stored(method[2])
  rows[i + 1] = { method[1], study.text(mean, half), ("%.0f"):format(all / 1024), ("%.0f"):format(products / 1024) }
  groups[i], values[i], halves[i] = method[1], mean, half
end
nn.wta.samples(nil)
print(("%g of the rows, %d epochs, %d seeds, ± 95 %%"):format(opt.keep, opt.epochs, opt.seeds))
study.table(rows)
study.write(opt.out, vt.plot.bars{ title = "Digits: accuracy by rows kept", groups = groups, series = { { name = "accuracy", values = values, errors = halves } },
  y = { label = "accuracy in %" }, width = 960 })
