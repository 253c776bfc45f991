--- cachegen_controller: the level of each chunk by three rules, and the seconds that they take.
local rules = require "venturi.kv.rules"

local M = {}

local TOL = 1e-9
local PRIOR = 3e9 / 8 -- "prior3" is 3 Gb/s

local RUNS = { { "artifact", "artifact" }, { "adaptive_prior3", "adaptive", PRIOR }, { "adaptive_noprior", "adaptive" } }

function M.check(file)
  for i, case in ipairs(file.data.cases) do
    local link = { sizes = case.sizes_bytes, recompute = case.recompute_s, rates = {} }
    for j, gbps in ipairs(case.bandwidth_gbps) do link.rates[j] = gbps * 1e9 / 8 end
    for _, run in ipairs(RUNS) do
      file.report:case(("case %d, %s"):format(i, run[1]), function()
        local levels, seconds = rules.run(link, case.slo_s, run[2], run[3])
        file.report:same("levels", levels, case[run[1]].cfg)
        file.report:close("seconds", seconds, case[run[1]].total_s, TOL)
      end)
    end
  end
end

return M
