--- How soon an accuracy is reached: RS2, parts chosen before, and all data, each with as many rounds; a round of all data is an epoch.
--- venturi run scripts/recipes/train/rs2_time.lua [--ratio 0.1] [--rounds 60] [--seeds 5] [--set mnist-5k | digits] [--out rs2_time.svg] [--quick]
-- "Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning", the paper's own measure: the rate falls by cosine over the rounds of each method, the
-- accuracy on the test set is looked at after every `ratio` of an epoch, and a time is that of the processor to choose and to train until it is first reached, without
-- the looking. Net and optimizer are those of rs2.lua.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local subsets = require "subsets"
local vt = require "venturi"
local nn = vt.nn

local opt = study.options(arg, { ratio = 0.1, rounds = 60, seeds = 5, batch = 25, lr = 0.1, set = "mnist-5k", out = "rs2_time.svg", targets = { 85, 90, 93, 94 },
  quick = { rounds = 20, seeds = 2, set = "digits", targets = { 85, 90, 95 }, out = "" } })
local train, test = study.digits(true, opt.set)
local m = math.floor(opt.ratio * train.count)
local every = math.ceil(m / opt.batch)

local function net_of(seed)
  nn.seed(seed)
  return nn.Sequential{ nn.Linear(train.fields.x.shape[2], 128), nn.ReLU(), nn.Linear(128, 10) }
end

-- One run: { choose = s, train = s, curve = { { s, accuracy } ... } }.
local function run(method, seed)
  local began = os.clock()
  local rounds, set = method[2](seed)
  local net, curve, looking = net_of(seed), {}, 0
  local chosen = os.clock() - began
  study.train(net, { set = set, order = rounds, batch = opt.batch, steps = opt.rounds * math.ceil(rounds.length / opt.batch), lr = opt.lr,
    validate_every = every, validate = function(model)
      local now = os.clock()
      curve[#curve + 1] = { now - began - looking, 100 - study.error_of(model, test) }
      looking = looking + os.clock() - now
      return { accuracy = curve[#curve][2] }
    end })
  return { choose = chosen, train = os.clock() - began - looking - chosen, curve = curve }
end

-- Seconds until a curve first has an accuracy; nil: never.
local function reached(curve, target)
  for _, p in ipairs(curve) do
    if p[2] >= target then return p[1] end
  end
end

-- The mean of all runs where all have reached it.
local function time_text(runs, target)
  local list = {}
  for i, r in ipairs(runs) do list[i] = reached(r.curve, target) end
  local n = 0
  for _ in pairs(list) do n = n + 1 end
  if n < #runs then return ("%d of %d runs"):format(n, #runs) end
  local mean, half = study.interval(list)
  return study.text(mean, half, 3)
end

local function mean_of(runs, f)
  local list = {}
  for i, r in ipairs(runs) do list[i] = f(r) end
  return study.interval(list)
end

-- The mean curve of runs that were looked at as often.
local function mean_curve(runs)
  local points = {}
  for k = 1, #runs[1].curve do
    local seconds, accuracy = mean_of(runs, function(r) return r.curve[k][1] end), mean_of(runs, function(r) return r.curve[k][2] end)
    points[k] = { seconds, accuracy }
  end
  return points
end

local rows, series, epoch = { { "method", "accuracy in %", "s to choose", "s in all", "ms a round" } }, {}, nil
for _, target in ipairs(opt.targets) do table.insert(rows[1], ("s to %g %%"):format(target)) end
for i, method in ipairs(subsets.methods{ train = train, m = m, ratio = opt.ratio, net = net_of, batch = opt.batch, lr = opt.lr }) do
  local runs = {}
  for seed = 1, opt.seeds do runs[seed] = run(method, seed) end
  local choose, round = mean_of(runs, function(r) return r.choose end), mean_of(runs, function(r) return 1000 * r.train / opt.rounds end)
  epoch = epoch or round
  rows[i + 1] = { method[1], study.text(mean_of(runs, function(r) return r.curve[#r.curve][2] end)), ("%.2f"):format(choose), ("%.2f"):format(choose + round * opt.rounds / 1000),
    ("%.2f (%.3f)"):format(round, round / epoch) }
  for _, target in ipairs(opt.targets) do table.insert(rows[i + 1], time_text(runs, target)) end
  series[i] = { name = method[1], points = mean_curve(runs), marks = false }
end
print(("%d rounds of %d of %d examples (all data: of all), batches of %d; %d seeds, ± 95 %%; in brackets: of an epoch of all data"):format(opt.rounds, m, train.count,
  opt.batch, opt.seeds))
study.table(rows)
study.write(opt.out, vt.plot.lines{ title = opt.set .. ": accuracy by time", series = series, x = { label = "CPU s to choose and train", log = true },
  y = { label = "accuracy in %", low = 60 } })
