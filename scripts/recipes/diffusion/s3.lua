--- Search for a solver schedule (S3) on a model whose answer is known.
--- venturi run scripts/recipes/diffusion/s3.lua [--evaluations 5] [--budget 300] [--rows 64] [--runs 5] [--seed 1] [--quick]
-- "A Unified Sampling Framework for Solver Searching of Diffusion Probabilistic Models": times, orders, predictions, relaxations and correctors of each step are searched by
-- evolution, a predictor of the score choosing which children are tried. Score: the error against the exact flow over `rows` starts; the answer is what is left on
-- 256 other starts. Beside it: as many schedules by chance, and solvers without search on four grids.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/../train/?.lua;" .. package.path
local vt = require "venturi"
local study = require "study"

local opt = study.options(arg, { evaluations = 5, budget = 300, rows = 64, runs = 5, seed = 1, quick = { budget = 80, runs = 1 } })
local schedule = vt.schedule{ kind = "vp" }
local mixture = vt.mixture{ weights = { 0.4, 0.3, 0.2, 0.1 }, means = { { -0.7, -0.5 }, { 0.6, 0.7 }, { 0.8, -0.4 }, { -0.3, 0.8 } },
  stds = { { 0.1, 0.15 }, { 0.12, 0.08 }, { 0.06, 0.2 }, { 0.05, 0.05 } } }

local function problem(rows, seed)
  local l, x = schedule:levels{ 1, 1e-3 }, vt.randn(rows, 2, { dtype = "f64", seed = seed })
  return { x = x, answer = mixture:solve(x, { alpha = l.alpha[1], sigma = l.sigma[1], to = { l.alpha[2], l.sigma[2] } }) }
end

local function error_of(p, o)
  o.schedule, o.dtype = schedule, "f64"
  local x = vt.solver(o):begin(p.x):run(function(x, _, r) return mixture:predict(x, { alpha = r.alpha, sigma = r.sigma }) end)
  return math.sqrt((x - p.answer):square():mean():item())
end

local train, held = problem(opt.rows, 2 * opt.seed + 11), problem(256, 2 * opt.seed + 10)
local grids = { { "log_snr", "log_snr" }, { "t^2", "power", 2 }, { "uniform", "uniform" }, { "rho^7", "ratio", 7 } }
local times = {}
for i, g in ipairs(grids) do times[i] = vt.solver{ schedule = schedule, spacing = g[2], power = g[3], steps = opt.evaluations }:levels().t end

local known = { { "DDIM", { kind = "ddim" } }, { "DPM-Solver++ 2M", { kind = "dpm", order = 2 } }, { "DPM-Solver++ 3M", { kind = "dpm", order = 3 } },
  { "tAB-DEIS 3", { kind = "deis", variant = "time", order = 4 } }, { "UniPC 2", { kind = "unipc", order = 2 } } }
local rows = { { "without search", grids[1][1], grids[2][1], grids[3][1], grids[4][1] } }
local best = {}
for _, k in ipairs(known) do
  local row = { k[1] }
  for i, t in ipairs(times) do
    k[2].times = t
    local e = error_of(held, k[2])
    best[i] = math.min(best[i] or e, e)
    row[i + 1] = ("%.4f"):format(e)
  end
  rows[#rows + 1] = row
end
print(("error on 256 other starts, %d predictions"):format(opt.evaluations))
study.table(rows)

local function start()
  local list = {}
  for _, t in ipairs(times) do
    for _, o in ipairs{ { order = 1 }, { order = 2 }, { order = 2, relax = "bh2" }, { order = 3 }, { order = 2, prediction = "noise" }, { order = 3, prediction = "noise" },
      { order = 2, correct = true }, { order = 2, correct = true, prediction = "noise" } } do
      o.times = t
      list[#list + 1] = vt.usf.baseline(o)
    end
  end
  return list
end

local function search(seed, blind)
  return vt.usf.search{ schedule = schedule, evaluations = opt.evaluations, budget = opt.budget, times = times, start = not blind and start() or nil, seed = seed,
    blind = blind, score = function(s)
      local ok, e = pcall(error_of, train, vt.usf.options(s))
      return ok and e or nil
    end }
end

rows = { { "run", "S3", "on others", "by chance", "on others", "tried until as good" } }
local reached, left = {}, {}
for run = 1, opt.runs do
  local found, all = search(opt.seed + run - 1)
  local chance = search(opt.seed + run - 1, true)
  local n = opt.budget + 1
  for i = #all, 1, -1 do if all[i].score <= chance.score then n = i end end
  left[run], reached[run] = error_of(held, vt.usf.options(found.schedule)), n
  rows[run + 1] = { tostring(run), ("%.4f"):format(found.score), ("%.4f"):format(left[run]), ("%.4f"):format(chance.score),
    ("%.4f"):format(error_of(held, vt.usf.options(chance.schedule))), tostring(n) }
end
print(("\nerror on %d starts after %d schedules, and on 256 others"):format(opt.rows, opt.budget))
study.table(rows)
table.sort(left)
table.sort(reached)
local middle = (opt.runs + 1) // 2
print(("median: %.4f on others, %.2f times less than the best on log_snr, %.2f than on any grid; as good as chance after %d of %d"):format(left[middle], best[1] / left[middle],
  math.min(table.unpack(best)) / left[middle], reached[middle], opt.budget))
