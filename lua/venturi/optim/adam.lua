--- Adam and AdamW. Sources: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2; AMSGrad: Reddi et al. 2018.
local vt = require "venturi"
local class = require("venturi.optim.optimizer").class

local M = {}

local function make(name, weight_decay, decoupled)
  local function attributes(opt, step)
    return { lr = opt.lr, beta1 = opt.beta1, beta2 = opt.beta2, eps = opt.eps, weight_decay = opt.weight_decay, decoupled = decoupled, step = step }
  end
  local defaults = { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = weight_decay, amsgrad = false }
  local plain = class{
    name = name, states = { "mean", "square" }, defaults = defaults,
    update = function(p, g, state, opt, step)
      local a = attributes(opt, step)
      a.out = { p, state.mean, state.square }
      vt.op.adam_step(p, g, state.mean, state.square, a)
    end,
  }
  local amsgrad = class{
    name = name, states = { "mean", "square", "greatest" }, defaults = defaults,
    update = function(p, g, state, opt, step)
      local a = attributes(opt, step)
      a.out = { p, state.mean, state.square, state.greatest }
      vt.op.amsgrad_step(p, g, state.mean, state.square, state.greatest, a)
    end,
  }
  return function(params, options)
    return (options and options.amsgrad and amsgrad or plain)(params, options)
  end
end

--- Adam(params, { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, amsgrad = false })
M.Adam = make("Adam", 0, false)
--- AdamW(params, { lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01, amsgrad = false }): weight decay apart from the gradient.
M.AdamW = make("AdamW", 0.01, true)

return M
