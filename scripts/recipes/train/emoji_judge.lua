--- A judge of small pictures: names emoji and their keywords. Trained on Noto's pictures only; the measuring net of nets that draw.
--- venturi run scripts/recipes/train/emoji_judge.lua [--steps 2400] [--head_steps 1500] [--batch 96] [--seed 1] [--out models/emoji-judge] [--quick]
-- 1. Body and both heads on all plain pictures of Noto that are not held out: which picture it is (cross entropy), and its words (binary cross entropy, each
--    word by itself). Every draw is moved, scaled, recoloured and made worse, so that what a net draws nearly right is still known.
-- 2. The names' head alone, body frozen, on all names of the focus set, those held out too: a judge must know a green heart when it sees one, but neither the
--    body nor the words' head has ever seen it, so what is measured of words and features on held-out pictures is of pictures that are new.
-- 3. One temperature for the names' probabilities, on draws of another seed.
-- Writes OUT.graph (weights as f16), OUT.json (names, words, figures), OUT.svg; a run that was ended goes on from OUT.body and OUT.head.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local judge = require "emoji_net"
local measures = require "emoji_measures"
local vt = require "venturi"
local nn = vt.nn

local opt = study.options(arg, { steps = 2400, head_steps = 1500, head_draws = 160, batch = 96, seed = 1, lr = 2e-3, at_least = 3, out = "emoji-judge", draws = 4,
  quick = { steps = 12, head_steps = 4, head_draws = 2, batch = 24, draws = 1 } })

local all = vt.data.load("emoji", { source = "noto", kind = "plain" })
all.fields.mirror = judge.may_mirror(all.fields.x, 0.006)
local train = all:where(function(it) return not it.held_out end)
local focus = all:where(vt.data.emoji.is_focus)

local texts = {}
for i, it in ipairs(train.items) do texts[i] = judge.words_of(it) end
local vocabulary = vt.data.words.vocabulary(texts, { at_least = opt.at_least })

-- ---- batches: a function of the step, so that a run can go on anywhere ----

local changes = { scale_min = 0.65, scale_max = 1.1, free_place = true, shift = 2, brightness = 0.12, contrast = 0.15, saturation = 0.2, share = 0.9 }

local function pictures_of(set, seed)
  local loader = vt.data.loader{ dataset = set, batch_size = opt.batch, seed = seed, drop_last = true, pictures = "x", augment = changes }
  local expected
  return function(step)
    if step ~= expected then
      local state = loader:state()
      state.epoch, state.step = step // loader.steps, step % loader.steps
      loader:restore(state)
    end
    expected = step + 1
    local batch = loader:next()
    return judge.worsen(batch.x, batch.mirror, { seed = seed, stream = step }), batch.index
  end
end

-- ---- 1: the body ----

nn.seed(opt.seed)
local net = judge.Judge{ classes = train.count, words = #vocabulary.words }
local ema = vt.optim.EMA(net, { decay = 0.998 })
local targets = judge.targets(train.items, vocabulary)
local draw = pictures_of(train, opt.seed)
print(("%d pictures, %d words, %d parameters"):format(train.count, #vocabulary.words, net:count()))
local began = os.clock()
local body = vt.train.fit(net, {
  steps = opt.steps, clip = 1, ema = ema, progress = true, log_every = 40, checkpoint = opt.out .. ".body", every = 200, log = opt.out .. ".csv",
  optimizer = vt.optim.AdamW(net:parameters(), { lr = opt.lr, weight_decay = 0.03 }),
  schedule = vt.optim.schedule{ kind = "cosine", lr = opt.lr, total = opt.steps, warmup = opt.steps // 20 },
  batch = function(step)
    local x, index = draw(step)
    return x, index, targets[index]
  end,
  loss = function(model, x, names, words)
    local by_name, by_word = model(x)
    local of_words = vt.op.bce_with_logits(by_word, words, { reduction = "sum" }) * (0.1 / opt.batch)
    return vt.op.cross_entropy(by_name, names, { label_smoothing = 0.05 }) + of_words
  end,
})
ema:swap()
net:eval()
local last = body.losses[#body.losses] -- none, if all was done by an earlier process
print(("body: %sstep %d, %.0f s of this process"):format(last and ("loss %.3f, "):format(last[2]) or "", body.steps, os.clock() - began))

-- ---- 2: the names of the focus set ----

local head = nn.Linear(net.names.weight.shape[2], focus.count)
vt.no_grad(function()
  local place_in_train = {}
  for i, it in ipairs(train.items) do place_in_train[it.code] = i end
  local rows, bias = head.weight * 0.1, head.bias * 0
  for i, it in ipairs(focus.items) do
    local k = place_in_train[it.code]
    if k then
      rows[i]:copy_(net.names.weight[k])
      bias[{ { i, i } }]:copy_(net.names.bias[{ { k, k } }])
    end
  end
  head.weight:copy_(rows)
  head.bias:copy_(bias)
end)

-- Features of batches of draws, made once: the body stays as it is, and the head goes over them many times.
local features = vt.compiled(function(x) return vt.no_grad(net.features, net, x) end)
local draw_focus, drawn_features, drawn_classes = pictures_of(focus, opt.seed + 1), {}, {}
for step = 0, opt.head_draws - 1 do
  local x, index = draw_focus(step)
  drawn_features[step + 1], drawn_classes[step + 1] = features(x):copy(), index
end
drawn_features, drawn_classes = vt.op.cat(drawn_features, { dim = 1 }), vt.op.cat(drawn_classes, { dim = 1 })
local order = vt.data.order.shuffled(drawn_classes.shape[1], { seed = opt.seed + 1 })
vt.train.fit(head, {
  steps = opt.head_steps, progress = true, log_every = 100, checkpoint = opt.out .. ".head", every = 500,
  optimizer = vt.optim.AdamW(head:parameters(), { lr = 2e-3, weight_decay = 0.01 }),
  schedule = vt.optim.schedule{ kind = "cosine", lr = 2e-3, total = opt.head_steps },
  batch = function(step)
    local first = step % opt.head_draws * opt.batch
    local index = order:round(step // opt.head_draws)[{ { first + 1, first + opt.batch } }]:copy()
    return drawn_features[index], drawn_classes[index]
  end,
  loss = function(model, f, names) return vt.op.cross_entropy(model(f), names) end,
})
head:eval()
print(("trained: %.0f s of this process"):format(os.clock() - began))

-- ---- 3: the file ----

-- What is measured below are the weights of the file, which are f16.
vt.no_grad(function()
  for _, module in ipairs{ net, head } do
    for _, t in module:named_parameters() do t:copy_(t:cast("f16"):cast("f32")) end
  end
end)

-- Logits of names, of words, and features, of pictures in [0, 1] by pieces of 64.
local function look(x)
  local names, words, all_features = {}, {}, {}
  for first = 1, x.shape[1], 64 do
    vt.no_grad(function()
      local f = net:features(x[{ { first, math.min(first + 63, x.shape[1]) } }]:copy())
      table.insert(names, head(f))
      table.insert(words, net.words(f))
      table.insert(all_features, f)
    end)
  end
  local function whole(list) return vt.op.cat(list, { dim = 1 }) end
  return whole(names), whole(words), whole(all_features)
end

-- Draws of the focus set from another seed, each picture `opt.draws` times: logits and classes.
local function drawn(seed)
  local loader = vt.data.loader{ dataset = focus, batch_size = focus.count, order = vt.data.order.sequential(focus.count), seed = seed, pictures = "x",
    augment = changes }
  local logits, classes = {}, {}
  for i = 1, opt.draws do
    local batch = loader:next()
    logits[i] = look(judge.worsen(batch.x, batch.mirror, { seed = seed, stream = i }))
    classes[i] = vt.arange(focus.count)
  end
  loader:close()
  return vt.op.cat(logits, { dim = 1 }), vt.op.cat(classes, { dim = 1 })
end

local temperature = measures.temperature(drawn(opt.seed + 2))
local one = vt.zeros(1, 3, 32, 32)
local graph = vt.capture(function(x)
  return vt.no_grad(function()
    local f = net:features(x)
    return head(f) / temperature, net.words(f), f
  end)
end, { one })
graph:save(opt.out .. ".graph", { f16 = true })

-- ---- 4: what it can ----

local report = require("emoji_report").new(opt, { look = look, focus = focus, vocabulary = vocabulary, temperature = temperature })
report:names{ drawn(opt.seed + 3) }
report:words{ { "Noto, seen", train }, { "Noto, held out", all:where(function(it) return it.held_out end) },
  { "OpenMoji, held out", vt.data.load("emoji", { source = "openmoji", kind = "plain", split = "held" }) },
  { "OpenMoji, the others", vt.data.load("emoji", { source = "openmoji", kind = "plain", split = "train" }) } }
report:write(graph, { pictures = train.count, steps = opt.steps, head_steps = opt.head_steps, batch = opt.batch, seed = opt.seed })
