--- Optimizers and what goes with them: `local optim = vt.optim`.
--
--     local opt = optim.AdamW(net:parameters(), { lr = 1e-3, weight_decay = 0.01 })
--     local lr = optim.schedule{ kind = "rex", lr = 1e-3, total = 1000, warmup = 50 }
--     for step = 0, 999 do
--       loss_of(net, batch):backward()
--       optim.clip_grad_norm(net:parameters(), 1.0)
--       opt:step{ lr = lr(step) }
--       opt:zero_grad()
--     end
local M = {}

local where = { SGD = "sgd", Adam = "adam", AdamW = "adam", RMSprop = "rmsprop", schedule = "schedule", profiles = "schedule", plateau = "schedule", clip_grad_norm = "clip",
  clip_grad_value = "clip", EMA = "ema" }

return setmetatable(M, { __index = function(t, name)
  local file = where[name]
  if not file then return nil end
  local value = require("venturi.optim." .. file)[name]
  rawset(t, name, value)
  return value
end })
