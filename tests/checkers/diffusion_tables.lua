--- Tables of measured figures, which random draws of our own must meet within what the method's card allows.
-- 13-search: mean best scores of searches over noise, to 10 %. 33-artifacts: shares of 512 guided samples that fly off, to three standard errors of theirs.
-- 09-timeshift-benefit: shifted times on a mixture of 256 dimensions that the file lacks. Ours are of the kind that comes nearest: four even modes, means within
-- 0.6, standard deviations of 0.05 to 0.4, 100 samples; between such mixtures the figures scatter as widely as the bounds below.
local here = (debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$") or "."
package.path = here .. "/../../scripts/recipes/diffusion/?.lua;" .. package.path

local M = {}

local function check_search(file)
  local search, task = require "noise_search", require("search_task").rare_mode(1)
  local random = search.random(task, { searches = 3000, candidates = 64 }).curve
  local zero_order = search.zero_order(task, { searches = 3000, neighbours = 3, rounds = 21 }).curve
  for i, row in ipairs(file.data.rows) do
    file.report:case(("rows[%d] %d evaluations"):format(i - 1, row.evaluations), function()
      file.report:close("random", random[row.evaluations][2], row.random, 0.1 * math.abs(row.random))
      file.report:close("zero-order", zero_order[(row.evaluations - 1) // 3 + 1][2], row.zero_order, 0.1 * math.abs(row.zero_order))
    end)
  end
end

local function check_artifacts(file)
  local divergence = require "divergence"
  for i, row in ipairs(file.data.rows) do
    for method, shares in pairs{ GHVB = row.GHVB, HB = row.HB } do
      for order, want in pairs(shares) do
        file.report:case(("rows[%d] %s %s"):format(i - 1, method, order), function()
          local got = divergence.share{ method = method, order = tonumber(order), guidance = row.guidance, steps = row.steps, starts = 2048, seed = 1 }
          file.report:close("share", got, want, 3 * math.sqrt(math.max(want * (1 - want), 0.002) / 512) + 1 / 512)
        end)
      end
    end
  end
end

-- Means over 16 mixtures: { frechet, log_density } of each window.
local function measure_shifts(steps, scale)
  local study = require "shift_study"
  local times, sums = {}, {}
  for i = steps - 1, 0, -1 do times[#times + 1] = 1000 // steps * i end
  times[#times + 1] = -1
  for seed = 1, 16 do
    local problem = study.problem(256, seed, { modes = 4, reach = 0.6, low = 0.05, high = 0.4 })
    for _, window in ipairs{ 0, 20, 40, 80 } do
      local x = study.sample(problem, { times = times, scale = scale, window = window, samples = 100, seed = seed })
      local sum = sums[window] or { frechet = 0, log_density = 0 }
      sum.frechet = sum.frechet + study.frechet(problem, x) / 16
      sum.log_density = sum.log_density + study.log_density(problem, x) / 16
      sums[window] = sum
    end
  end
  return sums
end

-- Without a shift: the distance to 0.15, the log density to 4.5. Changes by it: the log density's to a tenth and 2, the distance's to 0.03 in up to 10 steps and to
-- 0.12 in more. From 10 steps on an exact model comes no nearer.
local function check_shifts(file)
  for i, row in ipairs(file.data.rows) do
    file.report:case(("rows[%d] %d steps, %s"):format(i - 1, row.steps, row.model), function()
      local scale = row.model == "exact" and 1 or tonumber(row.model:match "^eps%*([%d.]+)$") or error("the model " .. row.model, 0)
      local got = measure_shifts(row.steps, scale)
      file.report:close("diagFID_w0", got[0].frechet, row.diagFID_w0, 0.15)
      file.report:close("logp_w0", got[0].log_density, row.logp_w0, 4.5)
      for _, window in ipairs{ 20, 40, 80 } do
        local key = "diagFID_w" .. window
        local change, want = got[window].frechet - got[0].frechet, row[key] - row.diagFID_w0
        file.report:close(key .. " - w0", change, want, row.steps <= 10 and 0.03 or 0.12)
        if scale == 1 and row.steps >= 10 then
          file.report:close(key .. " grows here", change > 0 and 1 or 0, 1, 0)
          file.report:close(key .. " grows in the file", want > 0 and 1 or 0, 1, 0)
        end
        key = "logp_w" .. window
        want = row[key] - row.logp_w0
        file.report:close(key .. " - w0", got[window].log_density - got[0].log_density, want, 0.1 * math.abs(want) + 2)
      end
    end)
  end
end

function M.check(file)
  if file.data.rows[1].diagFID_w0 then check_shifts(file)
  elseif file.data.rows[1].evaluations then check_search(file) else check_artifacts(file) end
end

return M
