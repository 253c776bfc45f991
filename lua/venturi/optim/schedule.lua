--- Learning rates over a budget. `schedule{ kind =, lr =, total = steps, ... }` is a function of the step, counted from 0 (card: p = t / total).
--
--     kind     constant, linear, cosine, rex, rex09, step (x gamma at the milestones), exponential (gamma a step), one_cycle, or a function of p in [0, 1]
--     floor = 0         the rate never falls below: floor + (lr - floor) profile
--     warmup = 0        steps of (t + 1) / warmup lr before the profile begins; the profile takes the rest of the budget
--     every = 1         the profile is looked at every so many steps only
--     period = total    begins anew after so many steps
--     milestones = { 0.3, 0.6, 0.9 }, gamma = 0.1, beta = 0.5 (of rex)
--
-- Sources: REX: Chen et al. 2022, section 3 (profile and sampling rate apart from each other); cosine: Loshchilov and Hutter 2017; one cycle: Smith and Topin 2018.
local vt = require "venturi"

local M = {}

local function rex(p, beta) return (1 - p) / ((1 - beta) + beta * (1 - p)) end

--- What share of the rate is left after the share p of the budget, by kind.
M.profiles = {
  constant = function() return 1 end,
  linear = function(p) return 1 - p end,
  cosine = function(p) return 0.5 * (1 + math.cos(math.pi * p)) end,
  --- beta = 1/2 is the paper's; 0 is linear.
  rex = function(p, opt) return rex(p, opt.beta) end,
  --- beta = 0.9: widely copied under the name of REX, and another curve.
  rex09 = function(p) return rex(p, 0.9) end,
  step = function(p, opt)
    local share = 1
    for _, at in ipairs(opt.milestones) do
      if p >= at then share = share * opt.gamma end
    end
    return share
  end,
  exponential = function(p, opt) return opt.gamma ^ (p * opt.total) end,
  --- Up from 1/25 over the first 30 %, then down to nearly nothing, both by cosine.
  one_cycle = function(p)
    local function between(a, b, q) return b + (a - b) * 0.5 * (1 + math.cos(math.pi * q)) end
    if p < 0.3 then return between(1 / 25, 1, p / 0.3) end
    return between(1, 1e-4 / 25, (p - 0.3) / 0.7)
  end,
}

local function check(opt)
  for _, name in ipairs{ "lr", "total", "floor", "warmup", "every", "gamma", "beta" } do
    local v = opt[name]
    if type(v) ~= "number" or v ~= v or v < 0 or v == math.huge then error(("schedule: %s must be a number of 0 or more, got %s"):format(name, tostring(v)), 3) end
  end
  if opt.beta >= 1 then error("schedule: beta must be below 1", 3) end
  if opt.every < 1 then error("schedule: every must be at least 1", 3) end
  local span = opt.period or opt.total
  if type(span) ~= "number" or opt.kind ~= "constant" and span - opt.warmup < 1 then
    error(("schedule: %s must be at least a step more than warmup"):format(opt.period and "period" or "total"), 3)
  end
end

function M.schedule(options)
  local opt = vt.options("schedule", { kind = "constant", lr = 1, total = 0, floor = 0, warmup = 0, every = 1, period = false, milestones = { 0.3, 0.6, 0.9 }, gamma = 0.1,
    beta = 0.5 }, options)
  local profile = type(opt.kind) == "function" and opt.kind or M.profiles[opt.kind]
  if not profile then
    local names = {}
    for name in pairs(M.profiles) do names[#names + 1] = name end
    table.sort(names)
    error(("schedule: no kind '%s'; there are %s"):format(tostring(opt.kind), table.concat(names, ", ")), 2)
  end
  check(opt)
  local span = (opt.period or opt.total) - opt.warmup
  return function(t)
    t = math.max(t, 0)
    if opt.period then t = t % opt.period end
    if t < opt.warmup then return opt.lr * (t + 1) / opt.warmup end
    local p = opt.kind == "constant" and 0 or (t - opt.warmup) // opt.every * opt.every / span
    return opt.floor + (opt.lr - opt.floor) * profile(math.min(p, 1), opt)
  end
end

local Plateau = {}
Plateau.__index = Plateau

--- Counts a measure: after `patience` in a row that are no better than the best so far the rate is multiplied by `factor`.
function Plateau:seen(value)
  local gain = self.best and (self.greater and value - self.best or self.best - value)
  if not gain or gain > self.least * math.abs(self.best) then
    self.best, self.since = value, 0
  else -- also where it is no number
    self.since = self.since + 1
  end
  if self.since > self.patience then self.rate, self.since = math.max(self.floor, self.rate * self.factor), 0 end
end

function Plateau:__call() return self.rate end

--- { name = tensor }, for load_state.
function Plateau:state() return { plateau = vt.tensor({ self.rate, self.since, self.best or 0, self.best and 1 or 0 }, { dtype = "f64" }) } end

function Plateau:load_state(state)
  local list = (state.plateau or error("plateau: the state has no 'plateau'", 0)):totable()
  self.rate, self.since, self.best = list[1], math.tointeger(list[2]), list[4] == 1 and list[3] or nil
end

--- plateau{ lr =, factor = 0.1, patience = 10, floor = 0, least = 1e-4, greater = false }: a rate that falls when a measure has stopped becoming smaller (greater:
-- greater) by the share `least`. Called as schedules are; `seen(measure)` tells it, vt.train.fit does with the measure that it watches.
function M.plateau(options)
  local opt = vt.options("plateau", { lr = 1, factor = 0.1, patience = 10, floor = 0, least = 1e-4, greater = false }, options)
  for _, name in ipairs{ "lr", "factor", "patience", "floor", "least" } do
    if type(opt[name]) ~= "number" or opt[name] ~= opt[name] or opt[name] < 0 then error(("plateau: %s must be a number of 0 or more"):format(name), 2) end
  end
  if opt.factor >= 1 then error("plateau: factor must be below 1", 2) end
  opt.rate, opt.since = opt.lr, 0
  return setmetatable(opt, Plateau)
end

return M
