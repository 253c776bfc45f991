--- 11_cooldown: chances of domains at a temperature, the loss weights that are their equal, and second moments of the gradient.
local vt = require "venturi"

local M = {}

local TOL = 1e-12

function M.check(file)
  if type(file.data) ~= "table" or #file.data == 0 then error("no list of domains", 0) end
  for i, group in ipairs(file.data) do
    for _, case in ipairs(file.get(group, "cases")) do
      file.report:case(("domains %d, tau %s"):format(i - 1, tostring(case.tau)), function()
        local mixture, report = vt.data.mixture, file.report
        local sizes, tau = file.get(group, "sizes"), file.get(case, "tau")
        report:close("p", mixture.probabilities(sizes, tau), file.get(case, "p"), TOL)
        local weights, want = mixture.weights(sizes, tau), file.get(case, "scalarization_weights")
        for k = 1, #want do report:close("weight", weights[k], want[k], TOL * math.max(1, want[k])) end
        report:same("weights", #weights, #want)
        local weighted, sampled = mixture.second_moments(sizes, tau)
        local moment = file.get(case, "second_moment_scalarization")
        report:close("second_moment_scalarization", weighted, moment, TOL * math.max(1, moment))
        report:close("second_moment_sampling", sampled, file.get(case, "second_moment_sampling"), TOL)
        report:close("grad_variance_gap", weighted - sampled, file.get(case, "grad_variance_gap"), TOL * math.max(1, moment))
      end)
    end
  end
end

return M
