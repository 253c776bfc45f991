--- Search over noise on a model whose answer is known: what a verifier's score gains with the number of candidates, and what it costs elsewhere.
--- venturi run scripts/recipes/diffusion/search.lua [--searches 3000] [--seed 1] [--quick]
-- Verifier: nearness to the rarest mode, -|x - (-0.3, 0.8)|^2. A second verifier that no search sees, the log density, and the modes' shares tell what the search
-- exploits. Sampler: DDIM of 10 steps. Methods: noise_search.lua.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../train/?.lua;" .. package.path
local study = require "study"
local tasks = require "search_task"
local search = require "noise_search"

local opt = study.options(arg, { searches = 3000, seed = 1, quick = { searches = 300 } })
local task = tasks.rare_mode(opt.seed)

local rows = { { "candidates", "random", "zero-order" } }
local random = search.random(task, { searches = opt.searches, candidates = 64 })
local local_ones = search.zero_order(task, { searches = opt.searches, neighbours = 3, rounds = 21 })
for _, n in ipairs{ 1, 4, 16, 64 } do
  rows[#rows + 1] = { tostring(n), ("%.4f"):format(random.curve[n][2]), ("%.4f"):format(local_ones.curve[(n - 1) // 3 + 1][2]) }
end
print(("mean best score, %d searches, 10 steps of DDIM a candidate"):format(opt.searches))
study.table(rows)

local paths = search.paths(task, { searches = opt.searches, beams = 2, forks = 4, back = 2, ahead = 4, start = 5 })
local equal = paths.cost // task.cost
print(("paths (2 beams, 4 forks): %.4f for %d predictions a search; random with %d candidates: %.4f for %d"):format(paths.score:mean():item(), paths.cost, equal,
  random.curve[equal][2], equal * task.cost))

print "\nwhat a verifier that no search saw says of the chosen, and where they lie"
rows = { { "search", "score", "log density", "shares of the modes" } }
for _, r in ipairs{ { "none", search.random(task, { searches = opt.searches, candidates = 1 }) }, { "random 64", random }, { "zero-order 64", local_ones }, { "paths", paths } } do
  local shares = tasks.shares(r[2].x)
  rows[#rows + 1] = { r[1], ("%.3f"):format(r[2].score:mean():item()), ("%.2f"):format(tasks.log_density(r[2].x):mean():item()),
    ("%.2f %.2f %.2f %.2f"):format(table.unpack(shares)) }
end
study.table(rows)
print "With several modes and two dimensions, searching nearby is worse than drawing anew at equal cost: a neighbour seldom leaves its mode."
