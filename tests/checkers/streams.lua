--- Inputs that reference files give as streams of Philox: { gen = "philox4x32_uniform", seed, stream, shape, lo, hi }.
local vt = require "venturi"

local M = {}

local MOST = 1000000 -- elements

--- Uniform numbers u = (word >> 8) 2^-24 of a stream, a word a number, between lo and hi, in float64.
function M.uniform(seed, stream, shape, lo, hi)
  local n = 1
  for _, extent in ipairs(shape) do
    if math.type(extent) ~= "integer" or extent < 0 or extent > MOST then error("an extent is no integer that fits", 0) end
    n = n * extent
    if n > MOST then error("too many elements", 0) end
  end
  local words = n > 0 and vt.random.words(seed, n, { stream = stream }) or {}
  for i = 1, n do words[i] = lo + (hi - lo) * ((words[i] >> 8) * 2.0 ^ -24) end
  return vt.tensor(words, { dtype = "f64" }):reshape(shape)
end

--- The tensor of a specification; stream: another one of its seed.
function M.read(spec, stream)
  if type(spec) ~= "table" or spec.gen ~= "philox4x32_uniform" then error("an input is no philox4x32_uniform", 0) end
  return M.uniform(spec.seed, stream or spec.stream, spec.shape, spec.lo, spec.hi)
end

return M
