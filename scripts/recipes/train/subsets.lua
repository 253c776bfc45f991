--- What a training run sees of a data set: all of it, a fresh random subset each round (RS2), or a part chosen before, by a short training run or by the pictures.
--- subsets.methods{ train =, m = examples of a part, ratio =, net = function(seed), batch =, lr =, epochs = 10 of short runs }: a list of { name, function(seed) ->
--- order, data set }.
-- EL2N: Paul et al. 2021. Margin: the smallest lead of the likeliest class. Forgetting: Toneva et al. 2019, how often right becomes wrong. Herding: Welling 2009,
-- by class means of pixels. K-center: Sener and Savarese 2018, greedily over the hidden layer. CRAIG: Mirzasoleiman et al. 2020, by gradients of the last layer; its
-- weights, how many examples each one stands for, are left out: where nearly all of a class are learnt one stands for nearly all, and training diverges.
local study = require "study"
local vt = require "venturi"
local order = vt.data.order

local M = {}

-- Indices of each class.
local function members_of(set)
  local classes = {}
  for i, y in ipairs(set.fields.y:totable()) do
    classes[y] = classes[y] or {}
    table.insert(classes[y], i - 1)
  end
  return classes
end

-- Greedy choices class by class, as many of each: choose(members of a class, how many) -> positions (from 0).
local function by_class(set, m, choose)
  local all, classes = {}, members_of(set)
  local n_classes = #classes + 1
  for class = 0, #classes do
    local share = m // n_classes + (class < m % n_classes and 1 or 0)
    for _, place in ipairs(choose(vt.tensor(classes[class], { dtype = "i64" }), share)) do all[#all + 1] = classes[class][place + 1] end
  end
  return vt.tensor(all, { dtype = "i64" })
end

-- Examples whose running mean stays closest to the mean of their class.
local function herding(x)
  return function(members, n)
    local rows, places = x[members], {}
    local mean, sum, taken = rows:mean{ dims = { 1 } }, vt.zeros(x.shape[2]), vt.zeros(rows.shape[1])
    for k = 1, n do
      local best = (((rows + sum) / k - mean):square():sum{ dims = { 2 } } + taken):argmin():item()
      places[k], sum = best, sum + rows[best + 1]
      taken[best + 1] = math.huge
    end
    return places
  end
end

-- Facility location: each choice is the one after which all of the class are closest to a chosen one.
local function craig(gradients)
  return function(members, n)
    local g, places = gradients[members], {}
    local near = g:square():sum{ dims = { 2 }, keepdim = true }
    local away = (near + near:transpose() - g:matmul(g:transpose()) * 2):clamp{ min = 0 }:sqrt()
    local least = vt.full({ g.shape[1] }, away:max():item() + 1)
    for k = 1, n do
      places[k] = away:minimum(least):sum{ dims = { 2 } }:argmin():item()
      least = least:minimum(away[places[k] + 1])
    end
    return places
  end
end

-- One after the other the example farthest from all that were chosen; the first by chance.
local function k_center(rows, m, seed)
  local norms, chosen = rows:square():sum{ dims = { 2 } }, { vt.randint(1, { seed = seed, high = rows.shape[1] }):item() }
  local least = vt.full({ rows.shape[1] }, math.huge)
  for k = 2, m + 1 do
    local last = rows[chosen[k - 1] + 1]
    least = least:minimum(norms - rows:matmul(last:reshape{ -1, 1 }):reshape{ -1 } * 2 + last:square():sum())
    if k <= m then chosen[k] = least:argmax():item() end
  end
  return vt.tensor(chosen, { dtype = "i64" })
end

-- Ways to choose a part: name -> function(seed) -> indices [m].
local function choosers(opt)
  local x, y, m = opt.train.fields.x, opt.train.fields.y, opt.m
  local per_epoch = math.ceil(opt.train.count / opt.batch)

  -- A net of its own after some epochs; each(net) is called after every epoch.
  local function trained(seed, each)
    return study.train(opt.net(seed + 1000), { set = opt.train, order = order.shuffled(opt.train.count, { seed = seed }), batch = opt.batch, lr = opt.lr,
      steps = (opt.epochs or 10) * per_epoch, validate = each, validate_every = per_epoch })
  end
  local function chances(net) return net(x):softmax{ dim = 2 } end
  local function largest(scores) return select(2, scores:topk{ k = m }) end
  local function error_vectors(net) return vt.no_grad(chances, net) - y:one_hot{ classes = 10 } end

  local methods = { herding = function() return by_class(opt.train, m, herding(x)) end }
  methods["EL2N, the hardest"] = function(seed) return largest(error_vectors(trained(seed)):norm{ dims = { 2 } }) end
  methods["least margin"] = function(seed)
    local two = vt.no_grad(chances, trained(seed)):topk{ k = 2 }
    return largest(two:select{ dim = 2, index = 1 } - two:select{ dim = 2, index = 0 })
  end
  methods["forgetting"] = function(seed)
    local was, times = nil, vt.zeros(opt.train.count)
    trained(seed, function(net)
      local right = net(x):argmax{ dim = 2 }:eq(y):cast("f32")
      if was then times = times + (was - right):clamp{ min = 0 } end
      was = right
      return { forgotten = times:sum():item() }
    end)
    times = times + (was:neg() + 1) * 0.5 -- among equals the ones that are wrong at the end, then chance
    return largest(times + vt.rand(opt.train.count, { seed = seed, high = 0.1 }))
  end
  methods["k-center"] = function(seed)
    local net = trained(seed)
    return k_center(vt.no_grad(function() return net[1](x):relu() end), m, seed)
  end
  methods["CRAIG"] = function(seed) return by_class(opt.train, m, craig(error_vectors(trained(seed)))) end
  return methods
end

local names = { "EL2N, the hardest", "least margin", "forgetting", "herding", "k-center", "CRAIG" }

function M.methods(opt)
  local train, m, ratio, by = opt.train, opt.m, opt.ratio, choosers(opt)
  by["fixed random subset"] = function(seed) return vt.randperm(train.count, { seed = seed + 77 })[{ { 1, m } }]:copy() end
  local list = {
    { "all data", function(seed) return order.shuffled(train.count, { seed = seed }), train end },
    { "RS2", function(seed) return order.rs2(train.count, { ratio = ratio, seed = seed }), train end },
    { "RS2, with replacement", function(seed) return order.rs2(train.count, { ratio = ratio, seed = seed, replacement = true }), train end },
  }
  for _, name in ipairs{ "fixed random subset", table.unpack(names) } do
    list[#list + 1] = { name, function(seed)
      return order.shuffled(m, { seed = seed }), train:select(by[name](seed))
    end }
  end
  return list
end

return M
