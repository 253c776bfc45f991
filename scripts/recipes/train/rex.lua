--- Learning rates over small budgets: REX beside linear, cosine, step and constant, on digits.
--- venturi run scripts/recipes/train/rex.lua [--seeds 6] [--out rex.svg] [--quick]
-- The study of "REX: Revisiting Budgeted Training with an Improved Schedule" at the size of a page: MLP 64-64-10, SGD with momentum 0.9, batches of 100; for each
-- budget and schedule the best of four rates by the mean over seeds. Budgets are shares of 100 epochs.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local vt = require "venturi"
local nn = vt.nn

local opt = study.options(arg, { seeds = 6, out = "rex.svg", budgets = { 1, 5, 25, 100 }, rates = { 0.03, 0.1, 0.3, 1 },
  quick = { seeds = 2, budgets = { 1, 5 }, rates = { 0.1, 0.3 }, out = "" } })
local kinds = { "rex", "linear", "cosine", "step", "constant" }
local BATCH = 100

local train, test = study.digits(true)
local per_epoch = math.ceil(train.count / BATCH)

-- Errors over the seeds.
local function errors(kind, epochs, lr)
  local list = {}
  for seed = 1, opt.seeds do
    nn.seed(seed)
    local net = nn.Sequential{ nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10) }
    local order = vt.data.order.shuffled(train.count, { seed = seed })
    study.train(net, { set = train, order = order, batch = BATCH, steps = epochs * per_epoch, lr = lr, kind = kind })
    list[seed] = study.error_of(net, test)
  end
  return list
end

local rows, series, ranks = { { "schedule" } }, {}, {}
for i, kind in ipairs(kinds) do rows[i + 1], series[i], ranks[kind] = { kind }, { name = kind, points = {} }, 0 end
for _, epochs in ipairs(opt.budgets) do
  table.insert(rows[1], ("%d epochs"):format(epochs))
  local best = {}
  for i, kind in ipairs(kinds) do
    for _, lr in ipairs(opt.rates) do
      local mean, half = study.interval(errors(kind, epochs, lr))
      if not best[kind] or mean < best[kind].mean then best[kind] = { mean = mean, half = half, lr = lr } end
    end
    local b = best[kind]
    table.insert(rows[i + 1], ("%s (%g)"):format(study.text(b.mean, b.half), b.lr))
    table.insert(series[i].points, { epochs, b.mean, b.half })
  end
  for _, kind in ipairs(kinds) do -- the rank among the four that fall
    for _, other in ipairs{ "rex", "linear", "cosine", "step" } do
      if best[other].mean < best[kind].mean then ranks[kind] = ranks[kind] + 1 end
    end
  end
end
table.insert(rows[1], "mean rank")
for i, kind in ipairs(kinds) do table.insert(rows[i + 1], kind == "constant" and "" or ("%.2f"):format(1 + ranks[kind] / #opt.budgets)) end
print(("error in %% on %d digits, mean of %d seeds ± 95 %%, (best rate)"):format(test.count, opt.seeds))
study.table(rows)
study.write(opt.out, vt.plot.lines{ title = "Digits, MLP 64-64-10: error by budget", series = series, x = { label = "epochs", log = true },
  y = { label = "error in %", log = true } })
