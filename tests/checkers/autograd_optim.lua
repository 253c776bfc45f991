--- autograd-optim: parameters after some steps of each optimizer in float64, and a gradient whose norm is clipped. Gradients are Philox streams.
local streams = require "streams"
local vt = require "venturi"

local M = {}

local LR, LR_RMS, CLIP_EPS = 0.1, 0.01, 1e-6

-- How one step is called; s: states that begin at 0, as many as are used.
local optimizers = {
  ["sgd_momentum0.9_wd0.01"] = function(w, g, s) vt.op.sgd_step(w, g, s[1], { lr = LR, momentum = 0.9, weight_decay = 0.01, out = { w, s[1] } }) end,
  sgd_nesterov = function(w, g, s) vt.op.sgd_step(w, g, s[1], { lr = LR, momentum = 0.9, nesterov = true, out = { w, s[1] } }) end,
  adam = function(w, g, s, i) vt.op.adam_step(w, g, s[1], s[2], { lr = LR, step = i, out = { w, s[1], s[2] } }) end,
  ["adam_l2_0.1"] = function(w, g, s, i)
    vt.op.adam_step(w, g, s[1], s[2], { lr = LR, step = i, weight_decay = 0.1, out = { w, s[1], s[2] } })
  end,
  ["adamw_0.1"] = function(w, g, s, i)
    vt.op.adam_step(w, g, s[1], s[2], { lr = LR, step = i, weight_decay = 0.1, decoupled = true, out = { w, s[1], s[2] } })
  end,
  adam_amsgrad = function(w, g, s, i) vt.op.amsgrad_step(w, g, s[1], s[2], s[3], { lr = LR, step = i, out = { w, s[1], s[2], s[3] } }) end,
  rmsprop = function(w, g, s) vt.op.rmsprop_step(w, g, s[1], { lr = LR_RMS, alpha = 0.99, out = { w, s[1] } }) end,
}

local function check_clip(report, case, tol)
  local g = streams.read(case.g)
  local norm = g:norm()
  report:close("norm", norm:item(), case.norm, tol)
  report:close("clipped", (g / (norm + CLIP_EPS)):totable(), case.clipped, tol)
end

function M.check(file)
  local case, tol = file.data.case, file.data.tol or 1e-12
  for name, step in pairs(optimizers) do
    file.report:case(name, function()
      local w, states = streams.read(case.w0), {}
      for i = 1, 3 do states[i] = vt.zeros(w.shape, { dtype = "f64" }) end
      for i = 1, case.steps do step(w, streams.read(case.w0, i), states, i) end
      file.report:close("w", w:totable(), case[name], tol)
    end)
  end
  file.report:case("clip_grad_norm_max1", function() check_clip(file.report, case.clip_grad_norm_max1, tol) end)
end

return M
