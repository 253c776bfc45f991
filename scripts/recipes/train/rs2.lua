--- Training on a tenth of the data a pass: a fresh random subset each round (RS2) beside a fixed one, chosen ones, and all data, at equal updates.
--- venturi run scripts/recipes/train/rs2.lua [--ratio 0.1] [--rounds 200] [--seeds 5] [--set digits | mnist-5k] [--out rs2.svg] [--quick]
-- "Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning": an MLP with 128 hidden units, SGD with momentum 0.9, cosine over the steps that
-- are run. The time of choosing counts. How parts are chosen: subsets.lua. Time to accuracy: rs2_time.lua.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local subsets = require "subsets"
local vt = require "venturi"
local nn = vt.nn

local opt = study.options(arg, { ratio = 0.1, rounds = 200, seeds = 5, batch = 32, lr = 0.1, set = "digits", out = "rs2.svg",
  quick = { rounds = 30, seeds = 2, out = "" } })
local train, test = study.digits(true, opt.set)
local m = math.floor(opt.ratio * train.count)
local steps = opt.rounds * math.ceil(m / opt.batch)

local function net_of(seed)
  nn.seed(seed)
  return nn.Sequential{ nn.Linear(train.fields.x.shape[2], 128), nn.ReLU(), nn.Linear(128, 10) }
end

local methods = subsets.methods{ train = train, m = m, ratio = opt.ratio, net = net_of, batch = opt.batch, lr = opt.lr }
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
  groups[i], values[i], halves[i] = method[1]:gsub(",.*", ""), mean, half
end
groups[3] = "RS2, repl."
print(("%d updates of %d digits each: %d rounds of %d of %d examples; %d seeds, ± 95 %%"):format(steps, opt.batch, opt.rounds, m, train.count, opt.seeds))
study.table(rows)
study.write(opt.out, vt.plot.bars{ title = "Digits: accuracy at equal updates", groups = groups, series = { { name = "accuracy", values = values, errors = halves } },
  y = { label = "accuracy in %" }, width = 1120 })
