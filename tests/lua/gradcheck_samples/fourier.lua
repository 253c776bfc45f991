--- Fourier transforms. Complex inputs are made of two real ones, results are split again.
local function pairs_of(...) return { shape = { ... }, dtype = "c128" } end
local function plain(...) return { shape = { ... } } end
local function across(...) return { shape = { ... }, layout = "transposed" } end

return {
  dft = {
    { inputs = { pairs_of(2, 6) } },
    { inputs = { { shape = { 5, 3 }, dtype = "c128", layout = "transposed" } }, attrs = { inverse = true } },
    { inputs = { pairs_of(1) } },
    { inputs = { pairs_of(2, 6, 3) }, attrs = { dim = 2, scale = 0.5 } },
  },
  rdft = {
    { inputs = { plain(2, 6) } },
    { inputs = { across(3, 5) } },
    { inputs = { plain(1) } },
  },
  irdft = {
    { inputs = { pairs_of(2, 4) }, attrs = { n = 6 } },
    { inputs = { { shape = { 3, 3 }, dtype = "c128", layout = "transposed" } }, attrs = { n = 5 } },
    { inputs = { pairs_of(1) }, attrs = { n = 1 } },
  },
  fft = {
    { inputs = { pairs_of(2, 4) }, attrs = { norm = "ortho" } },
    { inputs = { across(3, 4) }, attrs = { dim = 1, n = 5 } },
    { inputs = { pairs_of(7) }, attrs = { n = 3, norm = "forward" } },
  },
  ifft = {
    { inputs = { pairs_of(2, 4) }, attrs = { norm = "ortho" } },
    { inputs = { { shape = { 3, 4 }, dtype = "c128", layout = "transposed" } }, attrs = { dim = 1, n = 5 } },
    { inputs = { pairs_of(7) }, attrs = { n = 3, norm = "forward" } },
  },
  rfft = {
    { inputs = { plain(2, 4) }, attrs = { norm = "ortho" } },
    { inputs = { across(3, 4) }, attrs = { dim = 1, n = 5 } },
    { inputs = { plain(7) }, attrs = { n = 4, norm = "forward" } },
  },
  irfft = {
    { inputs = { pairs_of(2, 4) }, attrs = { norm = "ortho" } },
    { inputs = { { shape = { 3, 4 }, dtype = "c128", layout = "transposed" } }, attrs = { dim = 1, n = 5 } },
    { inputs = { pairs_of(4) }, attrs = { n = 9, norm = "forward" } },
  },
  fft2 = {
    { inputs = { pairs_of(2, 3, 4) } },
    { inputs = { across(3, 2) }, attrs = { norm = "ortho" } },
    { inputs = { pairs_of(1, 5) }, attrs = { norm = "forward" } },
  },
  ifft2 = {
    { inputs = { pairs_of(2, 3, 4) } },
    { inputs = { { shape = { 3, 2 }, dtype = "c128", layout = "transposed" } }, attrs = { norm = "ortho" } },
    { inputs = { pairs_of(1, 5) }, attrs = { norm = "forward" } },
  },
  rfft2 = {
    { inputs = { plain(2, 3, 4) } },
    { inputs = { across(3, 2) }, attrs = { norm = "ortho" } },
    { inputs = { plain(1, 5) }, attrs = { norm = "forward" } },
  },
  irfft2 = {
    { inputs = { pairs_of(2, 3, 4) } },
    { inputs = { { shape = { 3, 3 }, dtype = "c128", layout = "transposed" } }, attrs = { n = 5, norm = "ortho" } },
    { inputs = { pairs_of(1, 3) }, attrs = { n = 4, norm = "forward" } },
  },
}
