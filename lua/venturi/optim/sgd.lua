--- Gradient descent with momentum. Source: Sutskever et al. 2013 (Nesterov's form as deep learning libraries have it).
local vt = require "venturi"
local class = require("venturi.optim.optimizer").class

local M = {}

--- SGD(params, { lr = 0.01, momentum = 0, dampening = 0, weight_decay = 0, nesterov = false })
M.SGD = class{
  name = "SGD", states = { "velocity" },
  defaults = { lr = 0.01, momentum = 0, dampening = 0, weight_decay = 0, nesterov = false },
  update = function(p, g, state, opt)
    vt.op.sgd_step(p, g, state.velocity, { lr = opt.lr, momentum = opt.momentum, dampening = opt.dampening, weight_decay = opt.weight_decay, nesterov = opt.nesterov,
      out = { p, state.velocity } })
  end,
}

return M
