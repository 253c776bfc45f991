--- Elementwise operations.
local function one(range, away)
  return {
    { inputs = { { shape = { 2, 3 }, range = range, away = away } } },
    { inputs = { { shape = { 2, 2, 3 }, range = range, away = away, layout = "transposed" } } },
    { inputs = { { shape = {}, range = range, away = away } } },
  }
end

local function two(a, b)
  return {
    { inputs = { { shape = { 2, 3 }, range = a }, { shape = { 2, 3 }, range = b } } },
    { inputs = { { shape = { 2, 1, 3 }, range = a }, { shape = { 4, 1 }, range = b } } },
    { inputs = { { shape = { 3, 2 }, range = a, layout = "transposed" }, { shape = {}, range = b } } },
  }
end

return {
  neg = one(),
  exp = one(),
  log = one{ 0.2, 3 },
  copy = one(),
  cast = {
    { inputs = { { shape = { 2, 3 } } }, attrs = { dtype = "f64" } },
    { inputs = { { shape = { 2, 3 }, layout = "transposed" } }, attrs = { dtype = "f64" } },
    { inputs = { { shape = {} } }, attrs = { dtype = "f64" } },
  },
  fill = {
    { inputs = { { shape = { 2, 3 } } }, attrs = { value = 2 } },
    { inputs = { { shape = { 2, 3 }, layout = "transposed" } } },
    { inputs = { { shape = {} } } },
  },
  add = two(),
  sub = two(),
  mul = two(),
  div = two({ -1, 1 }, { 0.5, 2 }),
  pow = two({ 0.3, 2 }, { -2, 2 }),
}
