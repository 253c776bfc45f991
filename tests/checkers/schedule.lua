--- 78-rex: profiles of learning rates, and rates with a floor, with warm-up, looked at every k steps.
local vt = require "venturi"

local M = {}

local function rate(case, t)
  local s = vt.optim.schedule{ kind = "rex", lr = case.lr0, total = case.T, warmup = case.warmup or 0, floor = case.lr_min or 0, every = case.k or case.every or 1 }
  return s(t)
end

function M.check(file)
  local data, report = file.data, file.report
  local tol = data.tol or 1e-14
  local profiles = vt.optim.profiles
  for name, share in pairs{
    ["paper_beta_0.5"] = function(p) return profiles.rex(p, { beta = 0.5 }) end, ["variant_beta_0.9"] = profiles.rex09,
    linear = profiles.linear, cosine = profiles.cosine } do
    report:case(name, function()
      for i, p in ipairs(data.p) do report:close(("p = %g"):format(p), share(p), data[name][i], tol) end
    end)
  end
  report:case("with_lr", function()
    for _, case in ipairs(data.with_lr) do report:close(("t = %d"):format(case.t), rate(case, case.t), case.lr, tol) end
  end)
  local sampled = data.every_k_steps
  for i, case in ipairs(sampled and (sampled[1] and sampled or { sampled }) or {}) do
    report:case("every_k_steps " .. i, function()
      for t, lr in ipairs(case.lr) do report:close(("t = %d"):format(t - 1), rate(case, t - 1), lr, tol) end
    end)
  end
end

return M
