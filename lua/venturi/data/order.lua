--- In which order examples come: everything in turn, shuffled, or a fresh random subset each round (RS2).
-- An order is an object: order:round(k) gives the indices (i64, from 0) of round k = 0, 1, ... and is a function of k and the seed alone, so that work can go
-- on anywhere. Not here: mixtures of domains (venturi.data.mixture), which have cursors, and batches.
local vt = require "venturi"

local M = {}

--- Another seed for each purpose, so that none shares its numbers with another.
function M.seed_for(seed, purpose)
  return seed ~ (purpose * 0x9e3779b97f4a7c15)
end

local Order = {}
Order.__index = Order

-- What an order has to remember: nothing but what it was made of.
function Order:state() return { kind = self.kind, count = self.count, length = self.length, seed = self.seed } end

--- Refuses the state of another order: going on with it would repeat and leave out examples.
function Order:restore(state)
  local mine = self:state()
  for key, value in pairs(mine) do
    if state[key] ~= value then
      vt.fail("VT_ERR_CONFLICT", ("order: %s is %s, the state was saved with %s"):format(key, tostring(value), tostring(state[key])))
    end
  end
end

local function check_count(what, n)
  if math.type(n) ~= "integer" or n < 1 then error(("order.%s: the number of examples must be a positive integer, got %s"):format(what, tostring(n)), 3) end
end

--- 0, 1, ... n - 1, every round.
function M.sequential(n)
  check_count("sequential", n)
  return setmetatable({ kind = "sequential", count = n, length = n, round = function() return vt.arange(n) end }, Order)
end

--- All examples, shuffled anew each round.
function M.shuffled(n, opt)
  opt = vt.options("order.shuffled", { seed = 0 }, opt)
  check_count("shuffled", n)
  return setmetatable({ kind = "shuffled", count = n, length = n, seed = opt.seed,
    round = function(_, k) return vt.randperm(n, { seed = opt.seed, stream = k }) end }, Order)
end

-- m of n examples a round: the next m of permutations that follow one another. The last one is kept: a million numbers take 54 ms.
local function without_replacement(n, m, seed)
  local last, kept
  local function permutation(pass)
    if pass ~= last then last, kept = pass, vt.randperm(n, { seed = seed, stream = pass }) end
    return kept
  end
  return function(k)
    local parts, at, need = {}, k * m, m
    while need > 0 do
      local pass, from = at // n, at % n
      local take = math.min(need, n - from)
      parts[#parts + 1] = permutation(pass)[{ { from + 1, from + take } }]
      at, need = at + take, need - take
    end
    return #parts == 1 and parts[1]:copy() or vt.op.cat(parts, { dim = 1 })
  end
end

-- m different ones of n, whatever earlier rounds had.
local function with_replacement(n, m, seed)
  return function(k) return vt.randperm(n, { seed = seed, stream = k })[{ { 1, m } }]:copy() end
end

local function drawer(n, m, seed, replacement)
  if m > n then vt.fail("VT_ERR_SHAPE", ("order.rs2: %d of %d examples a round"):format(m, n)) end
  return (replacement and with_replacement or without_replacement)(n, m, seed)
end

-- Indices of each class.
local function classes_of(labels, n)
  local classes, order = {}, {}
  local list = type(labels) == "table" and labels or labels:totable()
  if #list ~= n then vt.fail("VT_ERR_SHAPE", ("order.rs2: %d labels of %d examples"):format(#list, n)) end
  for i, label in ipairs(list) do
    if not classes[label] then classes[label], order[#order + 1] = {}, label end
    classes[label][#classes[label] + 1] = i - 1
  end
  table.sort(order)
  for i, label in ipairs(order) do order[i] = vt.tensor(classes[label], { dtype = "i64" }) end
  return order
end

-- As many of each class, in random order.
local function balanced(classes, m, opt)
  local draws = {}
  for c, members in ipairs(classes) do
    local share = m // #classes + (c <= m % #classes and 1 or 0)
    draws[c] = share > 0 and drawer(members.shape[1], share, M.seed_for(opt.seed, c), opt.replacement) or false
  end
  return function(k)
    local parts = {}
    for c, draw in ipairs(draws) do
      if draw then parts[#parts + 1] = classes[c][draw(k)] end
    end
    return vt.op.cat(parts, { dim = 1 })[vt.randperm(m, { seed = M.seed_for(opt.seed, -1), stream = k })]
  end
end

--- RS2, a fresh random subset each round. "Repeated Random Sampling for Minimizing the Time-to-Accuracy of Learning".
-- A round has m = floor(ratio n) examples. Without replacement (across rounds) every n draws in a row cover all examples once: what is left of one
-- permutation is completed from the next one's head. With replacement rounds are independent; within a round nothing comes twice. Learning rates are
-- scheduled over the steps that are run, rounds x m / batch.
-- @tparam integer n
-- @tparam table opt { ratio, seed = 0, replacement = false, labels = vector or list: as many of each class }
function M.rs2(n, opt)
  opt = vt.options("order.rs2", { ratio = false, seed = 0, replacement = false, labels = false }, opt)
  check_count("rs2", n)
  if type(opt.ratio) ~= "number" or not (opt.ratio > 0 and opt.ratio <= 1) then error("order.rs2: ratio must be above 0 and at most 1", 2) end
  local m = math.floor(opt.ratio * n)
  if m < 1 then vt.fail("VT_ERR_SHAPE", ("order.rs2: a ratio of %g of %d examples is none"):format(opt.ratio, n)) end
  local draw = opt.labels and balanced(classes_of(opt.labels, n), m, opt) or drawer(n, m, opt.seed, opt.replacement)
  return setmetatable({ kind = opt.replacement and "rs2 with replacement" or "rs2", count = n, length = m, seed = opt.seed,
    round = function(_, k) return draw(k) end }, Order)
end

return M
