--- Guidance and momentum: how often few steps of high-order solvers fly off under strong guidance, and what momentum does about it.
--- venturi run scripts/recipes/diffusion/guidance.lua [--starts 4096] [--seed 1] [--out guidance.svg] [--quick]
-- "Diffusion Sampling with Momentum for Mitigating Divergence Artifacts". The exact model, guided to class 1; even times from 1 to 1e-3. Counted are samples outside
-- of [-1.5, 1.5], where the data has next to nothing.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../train/?.lua;" .. package.path
local divergence = require "divergence"
local problems = require "problems"
local study = require "study"
local vt = require "venturi"

local opt = study.options(arg, { starts = 4096, seed = 1, out = "", quick = { starts = 512 } })
local orders = { 1, 1.5, 1.8, 2, 2.5, 3, 3.5, 4 }
local rows, far, series = { { "guidance, steps" } }, {}, {}
local std = problems.mixture():draw(100000, { seed = opt.seed + 9 }):std(1)
for _, order in ipairs(orders) do table.insert(rows[1], ("GHVB %g"):format(order)) end
table.insert(rows[1], "HB 3.5")
for _, case in ipairs{ { 7.5, 6 }, { 15, 6 }, { 15, 10 } } do
  local row, points = { ("%g, %d"):format(case[1], case[2]) }, {}
  for i, order in ipairs(orders) do
    local share = divergence.share{ method = "GHVB", order = order, guidance = case[1], steps = case[2], starts = opt.starts, seed = opt.seed }
    row[i + 1], points[i] = ("%.3f"):format(share), { order, share }
  end
  row[#row + 1] = ("%.3f"):format(divergence.share{ method = "HB", order = 3.5, guidance = case[1], steps = case[2], starts = opt.starts, seed = opt.seed })
  rows[#rows + 1] = row
  local list = { ("%g, %d"):format(case[1], case[2]) }
  for i, o in ipairs{ { "GHVB", 1.8 }, { "GHVB", 2.5 }, { "GHVB", 3.5 }, { "GHVB", 4 }, { "HB", 3.5 } } do
    local x = divergence.sample{ method = o[1], order = o[2], guidance = case[1], steps = case[2], starts = opt.starts, seed = opt.seed }
    list[i + 1] = ("%.4f"):format(divergence.magnitude(x, { std = std }):mean():item())
  end
  far[#far + 1] = list
  series[#series + 1] = { name = "guidance " .. row[1] .. " steps", points = points }
end
print(("share of %d samples outside of [-1.5, 1.5]; GHVB of a whole order is Adams and Bashforth's"):format(opt.starts))
study.table(rows)
print "\nmean of |x| above three standard deviations of the data, in those"
study.table{ { "guidance, steps", "GHVB 1.8", "GHVB 2.5", "GHVB 3.5", "GHVB 4", "HB 3.5" }, table.unpack(far) }
print "Momentum that keeps the order (GHVB) brings a solver of order r near the stability of r - 1. It is no cure at extreme guidance, and from 10 steps on nothing flies off."
study.write(opt.out, vt.plot.lines{ title = "Samples that fly off", x = { label = "order of GHVB" }, y = { label = "share", low = 0 }, series = series })
