--- Learning rates over small budgets, on text: REX beside linear, cosine and step, for a small GPT of characters trained by AdamW.
--- venturi run scripts/recipes/train/rex_text.lua [--full 2000] [--seeds 5] [--tuning 2] [--out rex_text.svg] [--quick]
-- "REX: Revisiting Budgeted Training with an Improved Schedule". Budgets are 1, 5 and 25 % of `full` steps. The rate of each cell has the lowest mean loss over
-- `tuning` seeds on one part of the text, losses of `seeds` other seeds are from another. Seeds share first weights and batches between schedules, so the
-- last column is a paired difference to linear. Text: the Debian FAQ, bytes.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local vt = require "venturi"
local nn = vt.nn

local opt = study.options(arg, { full = 2000, seeds = 5, tuning = 2, width = 64, depth = 2, context = 64, batch = 16, out = "rex_text.svg", shares = { 1, 5, 25 },
  rates = { 1e-3, 3e-3, 1e-2, 3e-2 }, quick = { full = 400, seeds = 2, tuning = 1, depth = 1, width = 32, shares = { 5, 10 }, rates = { 3e-3, 1e-2 }, out = "" } })
local kinds = { "rex", "linear", "cosine", "step" }

-- Eight tenths to train with, a tenth to choose rates by, a tenth to report.
local text = vt.data.load("faq").en
local cut, span = #text // 10, opt.context + 1
local bytes = vt.from_string(text, "u8", { #text }):cast("i64")
local tuning = study.windows(text:sub(8 * cut + 1, 9 * cut), opt.context)
local held = study.windows(text:sub(9 * cut + 1), opt.context)

local function loss_of(net, rows)
  local x, y = rows:slice{ dim = 2, stop = opt.context }, rows:slice{ dim = 2, start = 1 }
  return vt.op.cross_entropy(net(x):reshape{ -1, 256 }, y:reshape{ -1 })
end

-- Loss in nats a byte on some rows after a run.
local function run(kind, steps, lr, seed, rows)
  nn.seed(seed)
  local net = nn.GPT{ vocab = 256, context = opt.context, width = opt.width, depth = opt.depth, heads = 4 }
  vt.train.fit(net, {
    steps = steps, optimizer = vt.optim.AdamW(net:parameters(), { weight_decay = 0.1 }), clip = 1, loss = loss_of,
    schedule = vt.optim.schedule{ kind = kind, lr = lr, total = steps },
    batch = function(step)
      local starts = vt.randint(opt.batch, { seed = seed, stream = step, high = 8 * cut - span })
      return bytes[starts:unsqueeze{ dim = 2 } + vt.arange(span)]
    end,
  })
  net:eval()
  return vt.no_grad(loss_of, net, rows):item()
end

local function losses(kind, steps, lr, first, n, rows)
  local list = {}
  for i = 1, n do list[i] = run(kind, steps, lr, first + i, rows) end
  return list
end

-- The rate with the lowest mean loss; at the edge of the list it may not be the best there is.
local function tuned(kind, steps)
  local best, rate = math.huge, nil
  for _, lr in ipairs(opt.rates) do
    local mean = study.interval(losses(kind, steps, lr, 1000, opt.tuning, tuning))
    if mean < best then best, rate = mean, lr end
  end
  return rate
end

local rows, series = { { "budget", "schedule", "rate", "loss in nats a byte", "less linear's" } }, {}
for i, kind in ipairs(kinds) do series[i] = { name = kind, points = {} } end
for _, share in ipairs(opt.shares) do
  local steps, lists = opt.full * share // 100, {}
  for i, kind in ipairs(kinds) do
    local lr = tuned(kind, steps)
    lists[kind] = losses(kind, steps, lr, 0, opt.seeds, held)
    local mean, half = study.interval(lists[kind])
    table.insert(series[i].points, { steps, mean, half })
    rows[#rows + 1] = { ("%d steps"):format(steps), kind, ("%g"):format(lr), study.text(mean, half, 3), "" }
  end
  for i, kind in ipairs(kinds) do
    if kind ~= "linear" then rows[#rows - #kinds + i][5] = study.signed(study.interval(study.paired(lists[kind], lists.linear))) end
  end
end
print(("%d seeds, ± 95 %%; %d steps are the whole budget"):format(opt.seeds, opt.full))
study.table(rows)
study.write(opt.out, vt.plot.lines{ title = "Debian FAQ, GPT of bytes: loss by budget", series = series, x = { label = "steps", log = true },
  y = { label = "nats a byte" } })
