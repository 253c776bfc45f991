--- Gradients held back, without a number leaving the device, so that captured graphs can hold it.
local vt = require "venturi"

local M = {}

local function check(what, most)
  if type(most) ~= "number" or most ~= most or most <= 0 then error(("%s: the most must be a number above 0, got %s"):format(what, tostring(most)), 3) end
end

--- Scales all gradients so that their common 2-norm is at most `most`; the norm before, a tensor without dims. Source: Pascanu et al. 2013.
function M.clip_grad_norm(params, most)
  check("clip_grad_norm", most)
  return vt.no_grad(function()
    local total
    for _, p in ipairs(params) do
      local g = p.grad
      if g then
        local square = g:square():sum()
        total = total and total + square or square
      end
    end
    if not total then error("clip_grad_norm: no parameter has a gradient", 0) end
    local norm = total:sqrt()
    local scale = (norm + 1e-6):reciprocal():mul(most):clamp{ max = 1 }
    for _, p in ipairs(params) do
      local g = p.grad
      if g then g:mul_(scale) end
    end
    return norm
  end)
end

--- Every element of every gradient within [-most, most].
function M.clip_grad_value(params, most)
  check("clip_grad_value", most)
  vt.no_grad(function()
    for _, p in ipairs(params) do
      local g = p.grad
      if g then vt.op.clamp(g, { min = -most, max = most, out = g }) end
    end
  end)
end

return M
