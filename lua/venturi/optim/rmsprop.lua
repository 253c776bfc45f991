--- RMSprop(params, { lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0 }). Source: Tieleman and Hinton 2012, lecture 6.5.
local vt = require "venturi"

return {
  RMSprop = require("venturi.optim.optimizer").class{
    name = "RMSprop", states = { "square" },
    defaults = { lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0 },
    update = function(p, g, state, opt)
      vt.op.rmsprop_step(p, g, state.square, { lr = opt.lr, alpha = opt.alpha, eps = opt.eps, weight_decay = opt.weight_decay, out = { p, state.square } })
    end,
  },
}
