--- Cholesky's factorisation, of x x^T + 2 so that it is one, and triangular systems, away from small diagonals.
local vt = require "venturi"

local function plain(...) return { shape = { ... } } end
local function across(...) return { shape = { ... }, layout = "transposed" } end

local function definite(op, x)
  local n = x.shape[#x.shape]
  return op(x:matmul(x:transpose()) + vt.eye(n, { dtype = "f64" }) * 2)
end

-- The diagonal moves away from 0; what the operation does not read keeps its gradient of 0.
local function steep(op, a, b, attrs)
  return op(a + vt.eye(a.shape[#a.shape], { dtype = "f64" }) * 3, b, attrs)
end

return {
  cholesky = {
    { inputs = { plain(3, 3) }, wrap = definite },
    { inputs = { across(2, 2, 2) }, wrap = definite },
    { inputs = { plain(1, 1) }, wrap = definite },
  },
  solve_triangular = {
    { inputs = { plain(3, 3), plain(3, 2) }, wrap = steep },
    { inputs = { across(2, 3, 3), plain(2, 3, 1) }, attrs = { upper = true, transpose = true }, wrap = steep },
    { inputs = { plain(3, 3), across(3, 2) }, attrs = { upper = true, unit = true }, wrap = steep },
    { inputs = { plain(2, 2), plain(2, 2) }, attrs = { transpose = true }, wrap = steep },
  },
}
