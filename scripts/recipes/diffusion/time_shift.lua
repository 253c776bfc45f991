--- Time-shift sampling on a model whose errors are known: none, and predictions that are 3 % too small.
--- venturi run scripts/recipes/diffusion/time_shift.lua [--samples 2000] [--dim 256] [--seed 1] [--quick]
-- "Alleviating Exposure Bias in Diffusion Models through Sampling with Shifted Time Steps": after each step a sample is taken to be at the time, within a window about
-- the nominal one, at which its variance is right. It answers to errors that a learnt model makes along its own path; a model without such errors has
-- nothing to gain. Measured: the diagonal Frechet distance to the data, DDIM on 1000 discrete times, cutoff 200.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../train/?.lua;" .. package.path
local study = require "study"
local shift = require "shift_study"

local opt = study.options(arg, { samples = 2000, dim = 256, seed = 1, quick = { samples = 300 } })
local problem = shift.problem(opt.dim, opt.seed)
local windows = { 0, 20, 40, 80 }
local rows = { { "steps", "model", "w = 0", "20", "40", "80" } }
for _, steps in ipairs{ 5, 10, 20 } do
  for _, scale in ipairs{ 1, 0.97 } do
    local row = { tostring(steps), scale == 1 and "exact" or "eps * 0.97" }
    for _, w in ipairs(windows) do
      row[#row + 1] = ("%.3f"):format(shift.distance(problem, { steps = steps, scale = scale, window = w, samples = opt.samples, seed = opt.seed }))
    end
    rows[#rows + 1] = row
  end
end
print(("diagonal Frechet distance, mixture of %d dimensions, %d samples"):format(opt.dim, opt.samples))
study.table(rows)
