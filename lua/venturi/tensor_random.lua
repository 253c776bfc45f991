--- Random tensors: `vt.rand`, `vt.randn`, `vt.randint`, `vt.randperm`. Numbers are a function of (seed, stream), which are options: nothing is kept between
-- calls, and the same call gives the same numbers on every machine.
local vt = require "venturi"

local M = {}

-- Extents, or one list of them, and the table of options behind; opt.dtype, device and requires_grad are the tensor's, the others the operation's.
local function split(what, ...)
  local args = table.pack(...)
  local last = args[args.n]
  if type(last) ~= "table" or #last > 0 or next(last) == nil then error(("%s: options with a seed are needed"):format(what), 3) end
  local of_tensor, of_op = {}, {}
  for key, value in pairs(last) do
    local is_tensors = key == "dtype" or key == "device" or key == "requires_grad"
    if is_tensors then of_tensor[key] = value else of_op[key] = value end
  end
  if of_op.seed == nil then error(("%s: option 'seed' is missing"):format(what), 3) end
  args[args.n] = nil
  return args, of_tensor, of_op
end

local function make(what, op, dtype)
  return function(...)
    local shape, of_tensor, of_op = split(what, ...)
    local wants = of_tensor.requires_grad
    of_tensor.requires_grad, of_tensor.dtype = nil, of_tensor.dtype or dtype
    shape[#shape + 1] = of_tensor
    local t = vt.op[op](vt.empty(table.unpack(shape)), of_op)
    if wants then t.requires_grad = true end
    return t
  end
end

--- rand(2, 3, { seed = 1, stream = 0, low = 0, high = 1, dtype = "f32" }): uniform in [low, high).
M.rand = make("rand", "uniform", "f32")
--- randn(2, 3, { seed = 1, mean = 0, std = 1 }): normal numbers.
M.randn = make("randn", "normal", "f32")
--- randint(2, 3, { seed = 1, low = 0, high = 10 }): integers from low to before high.
M.randint = make("randint", "randint", "i64")
--- randperm(n, { seed = 1 }): the numbers from 0 to n - 1 in random order.
M.randperm = make("randperm", "randperm", "i64")

return M
