--- Reductions, and running sums along a dimension.
local function plain(shape) return { shape = shape } end
local function across(shape) return { shape = shape, layout = "transposed" } end
local function apart(shape, layout) return { shape = shape, layout = layout, distinct = true } end
local zeros = { value = { { 0.7, 0, -0.4 }, { 0, 0, 0.9 } } }

-- The same three ways for each: over all, over two dims of a view, over one kept as an extent of 1.
local function ways(attrs)
  local function with(more)
    for k, v in pairs(attrs or {}) do more[k] = v end
    return more
  end
  return {
    { inputs = { plain{ 2, 3 } }, attrs = next(attrs or {}) and with{} },
    { inputs = { across{ 2, 3, 2 } }, attrs = with{ dims = { 1, 3 } } },
    { inputs = { { shape = { 2, 3 }, layout = "strided" } }, attrs = with{ dims = -1, keepdim = true } },
  }
end

local function choices()
  return {
    { inputs = { apart{ 2, 3 } } },
    { inputs = { apart({ 2, 3, 2 }, "transposed") }, attrs = { dims = { 1, 3 } } },
    { inputs = { apart{ 2, 3 } }, attrs = { dims = -1, keepdim = true } },
  }
end

local function running(input)
  return {
    { inputs = { input{ 2, 4 } } },
    { inputs = { across{ 4, 3 } }, attrs = { dim = 1, reverse = true } },
    { inputs = { input{ 2, 3, 2 } }, attrs = { dim = 2, exclusive = true } },
  }
end

local norm = ways()
for i, p in ipairs{ 1, 3, 1.5, math.huge, -math.huge } do
  norm[3 + i] = { inputs = { { shape = { 3, 4 }, range = { 0.1, 1 }, distinct = true, layout = "transposed" } }, attrs = { dims = 1, p = p } }
end
local prod, cumprod = ways(), running(plain)
prod[4] = { inputs = { zeros }, attrs = { dims = 2 } }
cumprod[4] = { inputs = { zeros }, attrs = { dim = 2 } }
return {
  sum = ways(),
  mean = ways(),
  prod = prod,
  max = choices(),
  min = choices(),
  amax = choices(),
  amin = choices(),
  best_put = {
    { inputs = { apart{ 2, 3 }, plain{} } },
    { inputs = { apart({ 2, 3 }, "transposed"), plain{ 3 } }, attrs = { dims = 1 } },
    { inputs = { apart{ 2, 3 }, plain{ 2, 1 } }, attrs = { dims = 2, keepdim = true, least = true } },
  },
  best_take = {
    { inputs = { apart{ 2, 3 }, plain{ 2, 3 } } },
    { inputs = { apart({ 2, 3 }, "transposed"), across{ 2, 3 } }, attrs = { dims = 1 } },
    { inputs = { apart{ 2, 3 }, plain{ 2, 3 } }, attrs = { dims = 2, keepdim = true, least = true } },
  },
  var = ways{ correction = 0 },
  std = ways(),
  logsumexp = ways(),
  norm = norm,
  cumsum = running(plain),
  cumprod = cumprod,
  linear_scan = {
    { inputs = { plain{ 2, 4 }, plain{ 2, 4 } } },
    { inputs = { across{ 4, 3 }, plain{ 3 } }, attrs = { dim = 1, reverse = true } },
    { inputs = { plain{ 3 }, across{ 2, 3 } }, attrs = { late = true } },
  },
  shift = {
    { inputs = { plain{ 2, 4 } } },
    { inputs = { across{ 4, 3 } }, attrs = { dim = 1, by = -2 } },
    { inputs = { plain{ 3 } }, attrs = { by = 5 } },
  },
}
