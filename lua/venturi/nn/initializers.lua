--- How parameters begin: functions of (shape) that give a tensor. Sources: Glorot and Bengio 2010 (xavier), He et al. 2015 (kaiming).
local vt = require "venturi"
local random = require "venturi.nn.random"

local M = {}

-- Inputs and outputs of a unit: [out, in, ...], the others being a kernel's extents.
local function fans(shape)
  local field = 1
  for i = 3, #shape do field = field * shape[i] end
  return (shape[2] or shape[1]) * field, shape[1] * field
end

local function draw(what, shape, attributes)
  local args = table.move(shape, 1, #shape, 1, {})
  attributes.seed, attributes.stream = random.next_stream()
  args[#args + 1] = attributes
  return what(table.unpack(args))
end

function M.zeros() return function(shape) return vt.zeros(table.unpack(shape)) end end
function M.ones() return function(shape) return vt.ones(table.unpack(shape)) end end
function M.constant(value) return function(shape) return vt.full(shape, value) end end
--- Uniform in [-bound, bound).
function M.uniform(bound) return function(shape) return draw(vt.rand, shape, { low = -bound, high = bound }) end end
function M.normal(std, mean) return function(shape) return draw(vt.randn, shape, { mean = mean or 0, std = std }) end end

--- Normal numbers of which none is farther than `limit` standard deviations out: those are folded back in.
function M.trunc_normal(std, limit)
  limit = limit or 2
  return function(shape)
    local u = draw(vt.rand, shape, { low = 0, high = 1, dtype = "f64" })
    -- The inverse of the normal distribution between -limit and limit, by Newton steps on erf from the middle.
    local edge = vt.op.erf(vt.tensor(limit / math.sqrt(2), { dtype = "f64" }))
    local want = (u * 2 - 1) * edge
    local x = want * (math.sqrt(math.pi) / 2)
    for _ = 1, 8 do x = (x - (vt.op.erf(x) - want) * (math.sqrt(math.pi) / 2) * vt.op.exp(x * x)):clamp(-limit, limit) end
    return (x * (math.sqrt(2) * std)):cast("f32")
  end
end

function M.xavier_uniform(gain)
  return function(shape)
    local n_in, n_out = fans(shape)
    return M.uniform((gain or 1) * math.sqrt(6 / (n_in + n_out)))(shape)
  end
end
function M.xavier_normal(gain)
  return function(shape)
    local n_in, n_out = fans(shape)
    return M.normal((gain or 1) * math.sqrt(2 / (n_in + n_out)))(shape)
  end
end
--- gain: sqrt(2) before ReLU, 1 without.
function M.kaiming_uniform(gain)
  return function(shape) return M.uniform((gain or math.sqrt(2)) * math.sqrt(3 / (fans(shape))))(shape) end
end
function M.kaiming_normal(gain)
  return function(shape) return M.normal((gain or math.sqrt(2)) / math.sqrt((fans(shape))))(shape) end
end

return M
