--- 05-monarch-dft, 05-rfft-sparse: discrete Fourier transforms, by the library's own factors and by the file's (products with small matrices of roots, card 5),
-- halves of real numbers, and long convolutions whose filter is cut short or whose spectrum is.
local streams = require "streams"
local vt = require "venturi"

local M = {}

local TOL = 1e-9 -- of files that do not say: the values carry about twelve digits

local op = vt.op

local function complex(re, im) return op.complex(re, im) end

local function compare(report, what, got, want, tol)
  report:close(what .. " re", op.real(got):reshape(-1):totable(), want.re, tol)
  report:close(what .. " im", op.imag(got):reshape(-1):totable(), want.im, tol)
end

-- exp(-2 pi i a b / n) for a < rows, b < columns.
local function roots(rows, columns, n)
  local re, im = {}, {}
  for a = 0, rows - 1 do
    for b = 0, columns - 1 do
      local angle = -2 * math.pi * (a * b % n) / n
      re[#re + 1], im[#im + 1] = math.cos(angle), math.sin(angle)
    end
  end
  return complex(vt.tensor(re, { dtype = "f64" }), vt.tensor(im, { dtype = "f64" })):reshape(rows, columns)
end

-- x [rows, n]: with n = n1 m and n1 the factor at hand, a product with the matrix of n1, the twiddles, and the same for rows of m.
local function monarch(x, factors, at)
  local rows, n = x:size(1), x:size(2)
  local n1 = factors[at]
  if n % n1 ~= 0 or (at == #factors and n ~= n1) then error("the factors do not multiply to the length", 0) end
  if at == #factors then return x:matmul(roots(n, n, n)) end
  local m = n // n1
  local z = roots(n1, n1, n1):matmul(x:reshape(rows, n1, m)) * roots(n1, m, n)
  return monarch(z:reshape(rows * n1, m), factors, at + 1):reshape(rows, n1, m):transpose():reshape(rows, n)
end

local function check_transform(file, case)
  local report = file.report
  local x = complex(streams.read(case.x_re), streams.read(case.x_im))
  for name, got in pairs{ ["by the library"] = op.fft(x), ["by the file's factors"] = monarch(x:reshape(1, case.N), case.factors, 1):reshape(case.N) } do
    if type(case.X) == "table" then
      compare(report, name, got, case.X, TOL)
    else
      compare(report, name, op.index_select(got, vt.tensor(case.sample_idx), { dim = 1 }), case.X_samples, TOL)
      report:close(name .. " sum", { op.abs(got):sum():item() }, { case.abs_sum }, TOL * case.abs_sum)
    end
  end
end

-- Causal: the first L numbers of the circular convolution of fft_size points.
local function convolve(u, spectrum, n)
  local y = op.irfft(op.rfft(u, { n = n }) * spectrum, { n = n })
  return y:slice{ dim = -1, stop = u:size(-1) }
end

local function check_sparse(file, case, tol)
  local u, k = streams.read(case.u), streams.read(case.k)
  local short = op.rfft(k:slice{ dim = -1, stop = case.partial_taps }, { n = case.fft_size })
  local low = op.rfft(k, { n = case.fft_size }):slice{ dim = -1, stop = case.freq_keep // 2 }
  local spectrum = op.cat({ low, op.rfft(k, { n = case.fft_size }):slice{ dim = -1, start = case.freq_keep // 2 } * 0 }, { dim = -1 })
  local function flat(t)
    local out = {}
    for _, plane in ipairs(t) do for _, row in ipairs(plane) do table.move(row, 1, #row, #out + 1, out) end end
    return out
  end
  file.report:close("y_partial", convolve(u, short, case.fft_size):reshape(-1):totable(), flat(case.y_partial), tol)
  file.report:close("y_freq_sparse", convolve(u, spectrum, case.fft_size):reshape(-1):totable(), flat(case.y_freq_sparse), tol)
end

local function check_half(file, case, tol)
  local x = vt.tensor(case.x, { dtype = "f64" })
  local half = op.rfft(x)
  compare(file.report, "X", half, case.X, tol)
  file.report:close("and back", op.irfft(half, { n = #case.x }):totable(), case.x, tol)
end

function M.check(file)
  local data = file.data
  for i, case in ipairs(data.cases or {}) do
    file.report:case(("%d points, case %d"):format(case.N, i - 1), function() check_transform(file, case) end)
  end
  local tol = math.max(1e-11, data.tol and data.tol.f64 or TOL) -- twelve digits are written
  if data.rfft then file.report:case("rfft", function() check_half(file, data.rfft, tol) end) end
  for i, case in ipairs(data.sparse or {}) do
    file.report:case(("sparse %d"):format(i - 1), function() check_sparse(file, case, tol) end)
  end
end

return M
