--- Mixtures of domains of very different sizes: temperature sampling, the loss weights that are its equal, UniMax, and Cooldown.
-- "Upsample or Upweight? Balanced Training on Heavily Imbalanced Datasets" (NAACL 2025). p(i; tau) = n_i^(1/tau) / sum_j n_j^(1/tau): tau = 1 is
-- proportional, a large tau uniform. Cooldown is tau = 5 at first and tau = 1 from a step on.
local vt = require "venturi"
local order = require "venturi.data.order"

local M = {}

local function check_sizes(sizes)
  if type(sizes) ~= "table" or #sizes == 0 then error("mixture: sizes must be a list of numbers", 3) end
  for i, n in ipairs(sizes) do
    if type(n) ~= "number" or not (n >= 1 and n < math.huge) then error(("mixture: domain %d has %s examples"):format(i, tostring(n)), 3) end
  end
end

--- Chances of the domains at a temperature. In logarithms: powers of sizes overflow.
function M.probabilities(sizes, tau)
  check_sizes(sizes)
  if type(tau) ~= "number" or tau ~= tau or tau <= 0 then error("mixture: tau must be above 0", 2) end
  local p, most, sum = {}, -math.huge, 0
  for i, n in ipairs(sizes) do
    p[i] = math.log(n) / tau
    most = math.max(most, p[i])
  end
  for i = 1, #p do
    p[i] = math.exp(p[i] - most)
    sum = sum + p[i]
  end
  for i = 1, #p do p[i] = p[i] / sum end
  return p
end

--- Scalarization: what the losses of domains are multiplied with under proportional sampling, so that the full gradient is that of the temperature.
function M.weights(sizes, tau)
  local p, q = M.probabilities(sizes, tau), M.probabilities(sizes, 1)
  for i = 1, #p do p[i] = p[i] / q[i] end
  return p
end

--- Second moments of a gradient of unit length: under scalarization, and under temperature sampling.
function M.second_moments(sizes, tau)
  local p, q = M.probabilities(sizes, tau), M.probabilities(sizes, 1)
  local weighted, sampled = 0, 0
  for i = 1, #p do weighted, sampled = weighted + p[i] * p[i] / q[i], sampled + p[i] end
  return weighted, sampled
end

--- UniMax: a budget shared out evenly, smallest domain first, none read more than max_epochs times; what they leave is the others'.
-- @treturn table chances; the examples drawn of each domain
function M.unimax(sizes, opt)
  opt = vt.options("mixture.unimax", { budget = false, max_epochs = 1 }, opt)
  check_sizes(sizes)
  if type(opt.budget) ~= "number" or opt.budget <= 0 then error("mixture.unimax: budget must be a number above 0", 2) end
  local ascending, left, drawn, p = {}, opt.budget, {}, {}
  for i = 1, #sizes do ascending[i] = i end
  table.sort(ascending, function(a, b) return sizes[a] < sizes[b] or (sizes[a] == sizes[b] and a < b) end)
  for rank, i in ipairs(ascending) do
    drawn[i] = math.min(left / (#sizes - rank + 1), sizes[i] * opt.max_epochs)
    left = left - drawn[i]
  end
  for i = 1, #sizes do p[i] = drawn[i] / (opt.budget - left) end
  return p, drawn
end

--- Cooldown's schedule: hot until `step`, cold from then on.
function M.cooldown(step, hot, cold)
  return { { 0, hot or 5 }, { step, cold or 1 } }
end

-- Walker's tables: one number decides in constant time.
local function alias_table(p)
  local n, chance, alias, small, large = #p, {}, {}, {}, {}
  for i = 1, n do
    chance[i] = p[i] * n
    local list = chance[i] < 1 and small or large
    list[#list + 1] = i
  end
  while #small > 0 and #large > 0 do
    local s, l = table.remove(small), large[#large]
    alias[s] = l
    chance[l] = chance[l] - (1 - chance[s])
    if chance[l] < 1 then small[#small + 1] = table.remove(large) end
  end
  for _, list in ipairs{ small, large } do
    for _, i in ipairs(list) do chance[i], alias[i] = 1, i end
  end
  return function(u)
    local x = u * n
    local i = math.floor(x)
    return x - i < chance[i + 1] and i + 1 or alias[i + 1]
  end
end

local Mixture = {}
Mixture.__index = Mixture

local function check_schedule(tau)
  if type(tau) == "number" then tau = { { 0, tau } } end
  local after = -1
  for i, part in ipairs(tau) do
    if math.type(part[1]) ~= "integer" or part[1] <= after or (i == 1 and part[1] ~= 0) or type(part[2]) ~= "number" or part[2] ~= part[2] or part[2] <= 0 then
      error("mixture.order: tau is a number above 0, or a list of { step, tau } with ascending steps from 0", 3)
    end
    after = part[1]
  end
  return tau
end

--- An order that draws a domain, then its next example; each domain is shuffled anew when it has been gone through.
-- @tparam table opt { sizes = list: the domains lie one after the other in the data set, length = draws of a round, tau = 1 (or list of { step, tau }, steps
-- of batch_size draws each), batch_size = 1, probabilities = list instead of tau, seed = 0 }
function M.order(opt)
  opt = vt.options("mixture.order", { sizes = false, length = false, tau = 1, batch_size = 1, probabilities = false, seed = 0 }, opt)
  check_sizes(opt.sizes)
  if math.type(opt.length) ~= "integer" or opt.length < 1 then error("mixture.order: length must be a positive integer", 2) end
  local self = setmetatable({ kind = "mixture", sizes = opt.sizes, length = opt.length, seed = opt.seed, batch_size = opt.batch_size, tau = check_schedule(opt.tau),
    starts = {}, count = 0, at = 0, cursors = {}, saved = {}, permutations = {}, tables = {} }, Mixture)
  for i, n in ipairs(opt.sizes) do
    self.starts[i], self.count, self.cursors[i] = self.count, self.count + n, 0
  end
  if opt.probabilities then
    if #opt.probabilities ~= #opt.sizes then error("mixture.order: as many probabilities as sizes are needed", 2) end
    self.fixed = alias_table(opt.probabilities)
  end
  return self
end

--- The temperature at a step.
function Mixture:tau_at(step)
  local tau = self.tau[1][2]
  for _, part in ipairs(self.tau) do
    if step >= part[1] then tau = part[2] end
  end
  return tau
end

function Mixture:picker(draw)
  if self.fixed then return self.fixed end
  local tau = self:tau_at(draw // self.batch_size)
  self.tables[tau] = self.tables[tau] or alias_table(M.probabilities(self.sizes, tau))
  return self.tables[tau]
end

-- The example of a domain at its cursor, which moves on.
function Mixture:take(domain)
  local n, cursor = self.sizes[domain], self.cursors[domain]
  local pass = cursor // n
  local kept = self.permutations[domain]
  if not kept or kept.pass ~= pass then
    kept = { pass = pass, list = vt.randperm(n, { seed = order.seed_for(self.seed, domain), stream = pass }):totable() }
    self.permutations[domain] = kept
  end
  self.cursors[domain] = cursor + 1
  return self.starts[domain] + kept.list[cursor % n + 1]
end

-- The next round of draws.
function Mixture:advance()
  local first = self.at * self.length
  self.saved[self.at] = table.move(self.cursors, 1, #self.cursors, 1, {})
  local u, indices = vt.random.uniform(order.seed_for(self.seed, -1), self.length, { first = first }), {}
  for i = 1, self.length do indices[i] = self:take(self:picker(first + i - 1)(u[i])) end
  self.at = self.at + 1
  return vt.tensor(indices, { dtype = "i64" })
end

--- Indices of round k. Rounds that are left out are gone through; earlier ones can be asked for again unless they were forgotten.
function Mixture:round(k)
  if k < self.at then
    local cursors = self.saved[k] or vt.fail("VT_ERR_STATE", ("mixture: round %d is past, round %d is next"):format(k, self.at))
    self.at, self.cursors = k, table.move(cursors, 1, #cursors, 1, {})
  end
  local indices
  repeat indices = self:advance() until self.at > k
  return indices
end

--- Forgets where the rounds before k began.
function Mixture:forget(k)
  for round in pairs(self.saved) do
    if round < k then self.saved[round] = nil end
  end
end

--- How often each domain has been gone through, as far as rounds have been asked for.
function Mixture:passes()
  local list = {}
  for i, n in ipairs(self.sizes) do list[i] = self.cursors[i] / n end
  return list
end

--- What is needed to go on with round k (default: the next).
function Mixture:state(k)
  k = k or self.at
  local cursors = k == self.at and self.cursors or self.saved[k]
  if not cursors then vt.fail("VT_ERR_STATE", ("mixture: where round %d began is not known, round %d is next"):format(k, self.at)) end
  return { kind = self.kind, count = self.count, length = self.length, seed = self.seed, at = k, cursors = table.move(cursors, 1, #cursors, 1, {}) }
end

function Mixture:restore(state)
  for _, key in ipairs{ "kind", "count", "length", "seed" } do
    if state[key] ~= self[key] then
      vt.fail("VT_ERR_CONFLICT", ("mixture: %s is %s, the state was saved with %s"):format(key, tostring(self[key]), tostring(state[key])))
    end
  end
  if #state.cursors ~= #self.sizes then vt.fail("VT_ERR_CONFLICT", ("mixture: %d domains, the state has %d"):format(#self.sizes, #state.cursors)) end
  self.at, self.cursors, self.saved = state.at, table.move(state.cursors, 1, #state.cursors, 1, {}), {}
end

return M
