--- Two languages, one of which is 50 times rarer: temperature sampling, weighted losses and Cooldown with a small GPT of characters.
--- venturi run scripts/recipes/train/cooldown.lua [--steps 1200] [--ratio 50] [--seeds 3] [--out cooldown.svg] [--quick]
-- "Upsample or Upweight? Balanced Training on Heavily Imbalanced Datasets" (NAACL 2025): tau = 1 draws in proportion, tau = 5 flatter, Cooldown begins with 5 and
-- goes over to 1 at half of the steps. UniMax (Chung et al. 2023) shares the draws out evenly, but reads nothing more than 30 times. "Order matters" (Choi et
-- al. 2023) begins with the large domain alone and brings the rare one in, by tau = 5, for the last half.
-- Text: the Debian FAQ, English and a part of its German translation; losses in nats a byte on text that was held out.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local vt = require "venturi"
local nn, mixture = vt.nn, vt.data.mixture

local opt = study.options(arg, { steps = 1200, ratio = 50, seeds = 3, width = 64, depth = 2, context = 64, batch = 16, lr = 3e-3, out = "cooldown.svg",
  quick = { steps = 40, seeds = 1, depth = 1, width = 32, out = "" } })

-- Nine tenths to train with; of the German ones so many that English has `ratio` times more.
local faq = vt.data.load "faq"
local function parts(text)
  local cut = #text * 9 // 10
  return text:sub(1, cut), text:sub(cut + 1)
end
local en, en_held = parts(faq.en)
local de, de_held = parts(faq.de)
de = de:sub(1, math.floor(#en / opt.ratio))
local domains, held = { study.windows(en, opt.context), study.windows(de, opt.context) },
  { study.windows(en_held, opt.context), study.windows(de_held, opt.context) }
local sizes = { domains[1].shape[1], domains[2].shape[1] }
local all = vt.op.cat(domains, { dim = 1 })

local function loss_of(net, rows)
  local x, y = rows:slice{ dim = 2, stop = opt.context }, rows:slice{ dim = 2, start = 1 }
  return vt.op.cross_entropy(net(x):reshape{ -1, 256 }, y:reshape{ -1 }, { reduction = "none" }):reshape(y.shape):mean{ dims = { 2 } }
end

local function held_out(net)
  net:eval()
  local losses = {}
  for i, rows in ipairs(held) do losses[i] = vt.no_grad(loss_of, net, rows):mean():item() end
  net:train()
  return losses
end

-- A run by a mixture; weights: of the domains' losses. Returns the losses on what was held out, and how often the rare domain was read.
local function run(seed, tau, weights, probabilities)
  nn.seed(seed)
  local net = nn.GPT{ vocab = 256, context = opt.context, width = opt.width, depth = opt.depth, heads = 4 }
  local order = mixture.order{ sizes = sizes, length = opt.batch, batch_size = opt.batch, tau = tau, probabilities = probabilities,
    seed = seed }
  local of_example = weights and vt.op.cat({ vt.full({ sizes[1] }, weights[1]), vt.full({ sizes[2] }, weights[2]) }, { dim = 1 })
  vt.train.fit(net, {
    steps = opt.steps, optimizer = vt.optim.AdamW(net:parameters(), { lr = opt.lr, weight_decay = 0.1 }), clip = 1,
    schedule = vt.optim.schedule{ kind = "cosine", lr = opt.lr, total = opt.steps, warmup = opt.steps // 20 },
    batch = function(step)
      local index = order:round(step)
      return all[index], of_example and of_example[index] or vt.ones(opt.batch)
    end,
    loss = function(model, rows, w) return (loss_of(model, rows) * w):mean() end,
  })
  local losses = held_out(net)
  return losses[1], losses[2], order:passes()[2]
end

local methods = {
  { "tau = 1, proportional", 1 },
  { "tau = 2", 2 },
  { "tau = 5", 5 },
  { "tau = 100, nearly even", 100 },
  { "tau = 1, losses weighted as tau = 5", 1, mixture.weights(sizes, 5) },
  { "UniMax, 30 times at most", 1, false, (mixture.unimax(sizes, { budget = opt.steps * opt.batch, max_epochs = 30 })) },
  { "order matters, English then 5", mixture.cooldown(opt.steps // 2, 0.1, 5) },
  { "Cooldown, 5 then 1", mixture.cooldown(opt.steps // 2) },
}

local rows, groups, english, german = { { "mixture", "English", "German", "German read" } }, {}, { {}, {} }, { {}, {} }
for i, method in ipairs(methods) do
  local a, b, passes = {}, {}, 0
  for seed = 1, opt.seeds do
    a[seed], b[seed], passes = run(seed, method[2], method[3], method[4])
  end
  english[1][i], english[2][i] = study.interval(a)
  german[1][i], german[2][i] = study.interval(b)
  rows[i + 1] = { method[1], study.text(english[1][i], english[2][i], 3), study.text(german[1][i], german[2][i], 3), ("%.1f times"):format(passes) }
  groups[i] = (method[1]:gsub("tau = 1, losses weighted.*", "weighted as 5"):gsub(",.*", ""))
end
print(("held-out loss in nats a byte; %d and %d windows of %d bytes, %d steps of %d, %d seeds, ± 95 %%"):format(sizes[1], sizes[2], opt.context, opt.steps, opt.batch,
  opt.seeds))
study.table(rows)
study.write(opt.out, vt.plot.bars{ title = "Held-out loss by mixture", groups = groups, width = 960, y = { label = "nats a byte" },
  series = { { name = "English", values = english[1], errors = english[2] }, { name = "German", values = german[1], errors = german[2] } } })
