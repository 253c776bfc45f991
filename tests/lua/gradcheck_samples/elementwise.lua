--- Elementwise operations.
local function one(range, away, attrs)
  return {
    { inputs = { { shape = { 2, 3 }, range = range, away = away } }, attrs = attrs },
    { inputs = { { shape = { 2, 2, 3 }, range = range, away = away, layout = "transposed" } }, attrs = attrs },
    { inputs = { { shape = {}, range = range, away = away } }, attrs = attrs },
  }
end

local function two(a, b)
  return {
    { inputs = { { shape = { 2, 3 }, range = a }, { shape = { 2, 3 }, range = b } } },
    { inputs = { { shape = { 2, 1, 3 }, range = a }, { shape = { 4, 1 }, range = b } } },
    { inputs = { { shape = { 3, 2 }, range = a, layout = "transposed" }, { shape = {}, range = b } } },
  }
end

-- Three inputs, spread over each other.
local function three(attrs)
  return {
    { inputs = { { shape = { 2, 3 } }, { shape = { 2, 3 } }, { shape = { 2, 3 } } }, attrs = attrs },
    { inputs = { { shape = { 2, 1, 3 } }, { shape = { 4, 1 }, layout = "transposed" }, { shape = { 3 } } }, attrs = attrs },
    { inputs = { { shape = { 3, 2 }, layout = "strided" }, { shape = {} }, { shape = { 2 } } }, attrs = attrs },
  }
end

-- The operation of complex numbers, too, in f64 as their parts.
local function complex(...)
  local samples = { ... }
  for _, layout in ipairs{ false, "transposed" } do
    samples[#samples + 1] = { inputs = { { shape = { 2, 3 }, dtype = "c128", range = { 0.3, 1 }, layout = layout or nil } } }
  end
  return samples
end

local function complex_two(samples)
  samples[#samples + 1] = { inputs = { { shape = { 2, 3 }, dtype = "c128", range = { 0.3, 1 } }, { shape = { 3 }, dtype = "c128", range = { 0.3, 1 } } } }
  samples[#samples + 1] = { inputs = { { shape = { 2, 3 }, range = { 0.3, 1 } }, { shape = { 2, 1 }, dtype = "c128", range = { 0.3, 1 } } } }
  return samples
end

local function both(range, away) return complex(table.unpack(one(range, away))) end

local mask = { value = { { 1, 0, 1 }, { 0, 0, 1 } }, dtype = "bool" }

-- The gradient is that of x, the values are not: with what was rounded away, which no gradient passes, they are.
local function straight()
  local samples = one{ 1.6, 2.4 }
  for _, sample in ipairs(samples) do sample.wrap = function(op, x) return op(x) + (x - op(x)):detach() end end
  return samples
end

return {
  neg = both(),
  abs = both({ -1, 1 }, { 0, 0.1 }),
  sign = one({ -1, 1 }, { 0, 0.1 }),
  square = both(),
  sqrt = both{ 0.2, 3 },
  rsqrt = one{ 0.2, 3 },
  reciprocal = both({ -2, 2 }, { 0, 0.3 }),
  exp = both(),
  exp2 = one(),
  expm1 = one(),
  log = both{ 0.2, 3 },
  log2 = one{ 0.2, 3 },
  log10 = one{ 0.2, 3 },
  log1p = one{ -0.5, 3 },
  sin = both{ -4, 4 },
  cos = both{ -4, 4 },
  tan = one(),
  asin = one{ -0.8, 0.8 },
  acos = one{ -0.8, 0.8 },
  atan = one{ -3, 3 },
  sinh = one(),
  cosh = one(),
  tanh = both{ -2, 2 },
  sigmoid = both{ -4, 4 },
  logsigmoid = one{ -4, 4 },
  erf = one{ -2, 2 },
  relu = one({ -1, 1 }, { 0, 0.1 }),
  leaky_relu = one({ -1, 1 }, { 0, 0.1 }, { slope = 0.2 }),
  elu = one({ -2, 2 }, { 0, 0.1 }, { alpha = 1.5 }),
  gelu = { one{ -3, 3 }[1], one{ -3, 3 }[2], one({ -3, 3 }, nil, { approximate = "tanh" })[2], one({ -3, 3 }, nil, { approximate = "tanh" })[3] },
  silu = one{ -4, 4 },
  softplus = one({ -3, 3 }, nil, { beta = 1.5 }),
  mish = one{ -3, 3 },
  hardswish = one{ -2.5, 2.5 },
  hardsigmoid = one{ -2.5, 2.5 },
  clamp = {
    { inputs = { { shape = { 2, 3 }, away = { 0.5, 0.05 } } }, attrs = { max = 0.5 } },
    { inputs = { { shape = { 2, 3 }, range = { -3, 3 }, away = { 0, 0.4 }, layout = "transposed" } }, attrs = { min = -0.2, max = 0.2 } },
    { inputs = { { shape = {}, away = { -0.5, 0.05 } } }, attrs = { min = -0.5 } },
  },
  floor = one{ 1.1, 1.9 },
  ceil = one{ 1.1, 1.9 },
  round = one{ 1.6, 2.4 },
  trunc = one{ 1.1, 1.9 },
  round_ste = straight(),
  copy = both(),
  cast = {
    { inputs = { { shape = { 2, 3 } } }, attrs = { dtype = "f64" } },
    { inputs = { { shape = { 2, 3 }, layout = "transposed" } }, attrs = { dtype = "f64" } },
    { inputs = { { shape = {} } }, attrs = { dtype = "c128" } },
  },
  fill = {
    { inputs = { { shape = { 2, 3 } } }, attrs = { value = 2 } },
    { inputs = { { shape = { 2, 3 }, layout = "transposed" } } },
    { inputs = { { shape = {} } } },
  },
  add = complex_two(two()),
  sub = complex_two(two()),
  mul = complex_two(two()),
  div = complex_two(two({ -1, 1 }, { 0.5, 2 })),
  pow = complex_two(two({ 0.3, 2 }, { -2, 2 })),
  maximum = two({ -1, 0 }, { 0.1, 1 }),
  minimum = two({ -1, 0 }, { 0.1, 1 }),
  atan2 = two({ 0.2, 1 }, { -1, 1 }),
  fmod = two({ 2.1, 2.9 }, { 0.95, 1 }),
  remainder = two({ -2.9, -2.1 }, { 0.98, 1 }),
  floor_divide = two({ 2.1, 2.9 }, { 0.98, 1 }),
  where = {
    { inputs = { mask, { shape = { 2, 3 } }, { shape = { 2, 3 } } } },
    { inputs = { mask, { shape = { 2, 3 }, layout = "transposed" }, { shape = {} } } },
    { inputs = { mask, { shape = { 3 } }, { shape = { 4, 1, 3 } } } },
  },
  masked_fill = {
    { inputs = { { shape = { 2, 3 } }, mask }, attrs = { value = -1 } },
    { inputs = { { shape = { 2, 3 }, layout = "transposed" }, mask }, attrs = { value = 2 } },
    { inputs = { { shape = { 4, 1, 3 } }, mask }, attrs = { value = 0 } },
  },
  lerp = three(),
  addcmul = three{ value = -1.5 },
  complex = two(),
  real = complex(one()[1]),
  imag = complex(one()[1]),
  conj = complex(one()[1]),
  angle = complex(one{ 0.2, 1 }[1]),
  relu_grad = two({ -1, 1 }, { 0.1, 1 }),
  tanh_grad = two(),
  sigmoid_grad = two(),
  silu_grad = two({ -1, 1 }, { -3, 3 }),
  gelu_grad = {
    two({ -1, 1 }, { -3, 3 })[1],
    { inputs = { { shape = { 2, 3 } }, { shape = { 2, 3 }, range = { -3, 3 }, layout = "transposed" } }, attrs = { approximate = "tanh" } },
    { inputs = { { shape = { 2, 1, 3 } }, { shape = { 4, 1 }, range = { -3, 3 } } }, attrs = { approximate = "tanh" } },
  },
}
