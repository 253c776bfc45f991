--- Tables of measured figures, which random draws of our own must meet within what the method's card allows.
-- 13-search: mean best scores of searches over noise, to 10 %. 33-artifacts: shares of 512 guided samples that fly off, to three standard errors of theirs.
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

function M.check(file)
  if file.data.rows[1].evaluations then check_search(file) else check_artifacts(file) end
end

return M
