--- Memory for time: `vt.checkpoint(f, ...)` is f(...) of which nothing is kept for the gradient but the arguments; walking back computes f again.
-- f must do the same the second time, so that gradients are the same to the bit: random operations have their seeds as attributes. At least one argument
-- must require a gradient. Tensors that f takes from elsewhere get their gradients too, in .grad, by backward and by vt.gradients alike.
-- Gradients of gradients are refused. Idea: Chen et al. 2016, "Training deep nets with sublinear memory cost".
local vt = require "venturi"

local function is_tensor(v)
  return type(v) == "userdata"
end

local function again(f, args)
  local given = { n = args.n }
  for i = 1, args.n do
    local t = args[i]
    given[i] = t
    if is_tensor(t) then
      given[i] = t:detach()
      if t.requires_grad then given[i].requires_grad = true end
    end
  end
  return given, table.pack(vt.enable_grad(f, table.unpack(given, 1, given.n)))
end

local function backward(f, args, ...)
  if vt.grad_mode() then error("checkpoint: gradients of gradients are not recorded through it", 0) end
  local given, results = again(f, args)
  local roots, grads = {}, {}
  for i = 1, results.n do
    local g = select(i, ...)
    if g and results[i].requires_grad then roots[#roots + 1], grads[#grads + 1] = results[i], g end
  end
  if #roots > 0 then vt.backward(roots, grads) end
  local out = {}
  for i = 1, given.n do out[i] = is_tensor(given[i]) and given[i].grad or nil end
  return table.unpack(out, 1, given.n)
end

return function(f, ...)
  local run = vt.custom{
    forward = function(ctx, ...)
      ctx.args = table.pack(...)
      return f(...)
    end,
    backward = function(ctx, ...) return backward(f, ctx.args, ...) end,
  }
  return run(...)
end
