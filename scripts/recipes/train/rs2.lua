--- Training on a tenth of the data a pass: a fresh random subset each round (RS2) beside a fixed one, chosen ones, and all data, at equal updates.
--- venturi run scripts/recipes/train/rs2.lua [--ratio 0.1] [--rounds 200] [--seeds 5] [--out rs2.svg] [--quick]
-- "Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning": MLP 64-128-10, SGD with momentum 0.9, cosine over the steps that are run. The
-- time of choosing counts. EL2N: Paul et al. 2021, the hardest by a net after ten epochs. Herding: Welling 2009, greedily by class means of pixels.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local vt = require "venturi"
local nn, order = vt.nn, vt.data.order

local opt = study.options(arg, { ratio = 0.1, rounds = 200, seeds = 5, batch = 32, lr = 0.1, out = "rs2.svg", quick = { rounds = 30, seeds = 2, out = "" } })
local train, test = study.digits(true)
local m = math.floor(opt.ratio * train.count)
local steps = opt.rounds * math.ceil(m / opt.batch)

local function net_of(seed)
  nn.seed(seed)
  return nn.Sequential{ nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10) }
end

local function el2n(seed)
  local net = net_of(seed + 1000)
  study.train(net, { set = train, order = order.shuffled(train.count, { seed = seed }), batch = opt.batch, steps = 10 * math.ceil(train.count / opt.batch), lr = opt.lr })
  local scores = vt.no_grad(function()
    return (net(train.fields.x):softmax{ dim = 2 } - train.fields.y:one_hot{ classes = 10 }):norm{ dims = { 2 } }
  end)
  local _, hardest = scores:topk{ k = m }
  return hardest
end

-- Examples whose running mean stays closest to the mean of their class, as many of each class.
local function herding()
  local parts = {}
  for class = 0, 9 do
    local members = {}
    for i, y in ipairs(train.fields.y:totable()) do
      if y == class then members[#members + 1] = i - 1 end
    end
    local rows = train.fields.x[vt.tensor(members, { dtype = "i64" })]
    local mean, sum, taken = rows:mean{ dims = { 1 } }, vt.zeros(64), vt.zeros(#members)
    for k = 1, m // 10 + (class < m % 10 and 1 or 0) do
      local away = ((rows + sum) / k - mean):square():sum{ dims = { 2 } } + taken
      local best = away:argmin():item()
      parts[#parts + 1], sum = members[best + 1], sum + rows[best + 1]
      taken[best + 1] = math.huge
    end
  end
  return vt.tensor(parts, { dtype = "i64" })
end

-- { order, data set } by seed.
local methods = {
  { "all data", function(seed) return order.shuffled(train.count, { seed = seed }), train end },
  { "RS2", function(seed) return order.rs2(train.count, { ratio = opt.ratio, seed = seed }), train end },
  { "RS2, with replacement", function(seed) return order.rs2(train.count, { ratio = opt.ratio, seed = seed, replacement = true }), train end },
  { "fixed random subset", function(seed)
    local set = train:select(vt.randperm(train.count, { seed = seed + 77 })[{ { 1, m } }]:copy())
    return order.shuffled(m, { seed = seed }), set
  end },
  { "EL2N, the hardest", function(seed) return order.shuffled(m, { seed = seed }), train:select(el2n(seed)) end },
  { "herding", function(seed) return order.shuffled(m, { seed = seed }), train:select(herding()) end },
}

local rows, groups, values, halves = { { "method", "accuracy in %", "CPU s to choose and train" } }, {}, {}, {}
for i, method in ipairs(methods) do
  local list, began = {}, os.clock()
  for seed = 1, opt.seeds do
    local rounds, set = method[2](seed)
    local net = net_of(seed)
    study.train(net, { set = set, order = rounds, batch = opt.batch, steps = steps, lr = opt.lr })
    list[seed] = 100 - study.error_of(net, test)
  end
  local mean, half = study.interval(list)
  rows[i + 1] = { method[1], study.text(mean, half), ("%.2f"):format((os.clock() - began) / opt.seeds) }
  groups[i], values[i], halves[i] = method[1], mean, half
end
print(("%d updates of %d digits each: %d rounds of %d of %d examples; %d seeds, ± 95 %%"):format(steps, opt.batch, opt.rounds, m, train.count, opt.seeds))
study.table(rows)
study.write(opt.out, vt.plot.bars{ title = "Digits: accuracy at equal updates", groups = groups, series = { { name = "accuracy", values = values, errors = halves } },
  y = { label = "accuracy in %" }, width = 960 })
