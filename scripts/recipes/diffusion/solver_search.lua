--- S3: a solver made for a number of evaluations, by a search over the parts of every step.
--- venturi run scripts/recipes/diffusion/solver_search.lua [--evaluations 5] [--budget 300] [--runs 1] [--seed 1] [--quick]
-- "A Unified Sampling Framework for Solver Searching of Diffusion Probabilistic Models". Each step has a time, a prediction (data or noise), an order, a relaxation of
-- the first derivative and a corrector; what is searched is the whole table. A stage judges many mutated and crossed tables by a predictor, tries the best of them
-- in earnest, and fits the predictor anew. Fitness: distance to the exact flow over 64 first states; what is reported is that of 256 others.
-- Ours: the predictor is kernel ridge regression on the logarithm of the error, which is enough for some hundred tables; the paper's is a net.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../train/?.lua;" .. package.path
local problems = require "problems"
local space = require "solver_space"
local study = require "study"
local vt = require "venturi"

local opt = study.options(arg, { evaluations = 5, budget = 300, runs = 1, seed = 1, quick = { budget = 90 } })
local STAGE, POOL, PARENTS, FIRST = 20, 200, 15, 30

local seen, held_out = problems.vp(problems.noise(64, 100)), problems.vp(problems.noise(256, 200))
local function error_of(problem, table_of)
  local ok, r = pcall(vt.diffusion.solve, problem, space.options(problem, table_of))
  if ok then return r.mean end
  if type(r) == "table" and r.code then return math.huge end
  error(r, 0)
end

-- Tables that have been tried, best first, and the error of the best after each trial.
local function trials()
  local list, curve = {}, {}
  return {
    list = list, curve = curve,
    try = function(t)
      local e = error_of(seen, t)
      local at = 1
      while list[at] and list[at].error <= e do at = at + 1 end
      table.insert(list, at, { table = t, error = e })
      curve[#curve + 1] = list[1].error
    end,
  }
end

-- Kernel ridge regression of the logarithm of the error: a function table -> prediction.
local function fit(list)
  local n, features, targets = 0, {}, {}
  for _, t in ipairs(list) do
    if t.error < 10 then
      n = n + 1
      features[n], targets[n] = space.features(t.table), { math.log(t.error) }
    end
  end
  local x, y = vt.tensor(features, { dtype = "f64" }), vt.tensor(targets, { dtype = "f64" })
  local function kernel(a) return ((a:unsqueeze(2) - x:unsqueeze(1)):square():sum(3) * -0.5):exp() end
  local mean = y:mean():item()
  local weights = space.solve(kernel(x) + vt.eye(n, { dtype = "f64" }) * 0.05, y - mean)
  return function(tables)
    local rows = {}
    for i, t in ipairs(tables) do rows[i] = space.features(t) end
    return kernel(vt.tensor(rows, { dtype = "f64" })):matmul(weights):reshape{ -1 }:totable()
  end
end

local function start(random)
  local t = trials()
  for _, known in ipairs(space.known(opt.evaluations)) do t.try(known) end
  while #t.curve < FIRST do t.try(space.random(random, opt.evaluations)) end
  return t
end

local function guided(seed)
  local random = space.randomness(seed)
  local t = start(random)
  while #t.curve < opt.budget do
    local predict, pool = fit(t.list), {}
    for i = 1, POOL do
      local a, b = t.list[random(PARENTS)].table, t.list[random(PARENTS)].table
      pool[i] = space.mutate(random, random() < 0.3 and space.cross(random, a, b) or a)
    end
    local scores, order = predict(pool), {}
    for i = 1, POOL do order[i] = i end
    table.sort(order, function(a, b) return scores[a] < scores[b] end)
    for i = 1, math.min(STAGE, opt.budget - #t.curve) do t.try(pool[order[i]]) end
  end
  return t
end

local function blind(seed)
  local random = space.randomness(seed + 1000)
  local t = start(random)
  while #t.curve < opt.budget do t.try(space.random(random, opt.evaluations)) end
  return t
end

local baselines, best_name, best_error = { "ddim", "dpmpp_2m", "dpmpp_3m", "deis_tab3", "unipc_2" }, nil, math.huge
local rows = { { "solver", "64 states", "256 others" } }
for _, name in ipairs(baselines) do
  local o = vt.diffusion.options(name, { evaluations = opt.evaluations })
  o.spacing = "log_snr"
  local a, b = vt.diffusion.solve(seen, o).mean, vt.diffusion.solve(held_out, o).mean
  rows[#rows + 1] = { name, ("%.4f"):format(a), ("%.4f"):format(b) }
  if b < best_error then best_name, best_error = name, b end
end
local halves = {}
for run = 1, opt.runs do
  local found, other = guided(opt.seed + run - 1), blind(opt.seed + run - 1)
  local reached = opt.budget
  for i = #found.curve, 1, -1 do if found.curve[i] <= other.list[1].error then reached = i end end
  halves[run] = reached
  for _, r in ipairs{ { "searched", found }, { "random search", other } } do
    local e = error_of(held_out, r[2].list[1].table)
    rows[#rows + 1] = { ("%s, run %d"):format(r[1], run), ("%.4f"):format(r[2].list[1].error), ("%.4f"):format(e) }
    if r[1] == "searched" then
      print(("run %d: %.1f times as near as %s; best of random search after %d of %d trials"):format(run, best_error / e, best_name, reached, opt.budget))
    end
  end
  if run == 1 then print(space.text(found.list[1].table)) end
end
table.sort(halves)
print(("mean distance to the exact end with %d evaluations, after %d trials; median trials to equal random search: %d"):format(opt.evaluations, opt.budget,
  halves[(#halves + 1) // 2]))
study.table(rows)
