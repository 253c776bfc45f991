--- Losses.
local function plain(shape, range) return { shape = shape, range = range } end
local function across(shape, range) return { shape = shape, range = range, layout = "transposed" } end
local function ids(value) return { value = value, dtype = "i64" } end

-- Pairs whose differences lie away from 0 and 1, where slopes jump.
local function pairs_of()
  return {
    { inputs = { plain({ 2, 3 }, { 0.2, 0.9 }), plain({ 2, 3 }, { -0.05, 0.05 }) } },
    { inputs = { across({ 3, 2 }, { 1.3, 2 }), plain({ 2 }, { -0.1, 0.1 }) }, attrs = { reduction = "sum" } },
    { inputs = { across({ 2, 2 }, { -2, -1.3 }), plain({ 2, 2 }, { -0.1, 0.1 }) }, attrs = { reduction = "none" } },
  }
end

return {
  mse_loss = pairs_of(),
  l1_loss = pairs_of(),
  huber_loss = pairs_of(),
  smooth_l1_loss = pairs_of(),
  bce_with_logits = pairs_of(),
  kl_div = {
    { inputs = { plain{ 2, 3 }, plain({ 2, 3 }, { 0.1, 0.9 }) } },
    { inputs = { across{ 3, 2 }, plain({ 3, 2 }, { 0.1, 0.9 }) }, attrs = { reduction = "batchmean" } },
    { inputs = { plain{ 2, 3 }, across{ 2, 3 } }, attrs = { log_target = true, reduction = "none" } },
  },
  gaussian_nll = {
    { inputs = { plain{ 2, 3 }, plain{ 2, 3 }, plain({ 2, 3 }, { 0.5, 2 }) } },
    { inputs = { across{ 3, 2 }, plain{ 2 }, plain({ 3, 2 }, { 0.5, 2 }) }, attrs = { reduction = "sum" } },
    { inputs = { plain{ 2 }, plain{ 2 }, plain({ 1 }, { 0.5, 2 }) }, attrs = { reduction = "none" } },
  },
  cross_entropy = {
    { inputs = { plain{ 3, 4 }, ids{ 1, -100, 3 } }, attrs = { label_smoothing = 0.1 } },
    { inputs = { across{ 2, 3, 2 }, ids{ { 0, 2 }, { 1, 1 } } }, attrs = { reduction = "none" } },
    { inputs = { plain{ 2, 3 }, plain({ 2, 3 }, { 0.1, 0.9 }) }, attrs = { label_smoothing = 0.2 } },
    { inputs = { plain{ 4 }, { value = 2, dtype = "i64" } }, attrs = { reduction = "sum" } },
  },
  cross_entropy_rows = {
    { inputs = { plain{ 3, 4 }, ids{ 1, 0, 3 } } },
    { inputs = { across{ 3, 4 }, ids{ 1, 5, 3 } }, attrs = { label_smoothing = 0.3, ignore_index = 5 } },
    { inputs = { plain{ 1, 1 }, ids{ 0 } } },
  },
  nll_loss = {
    { inputs = { plain{ 3, 4 }, ids{ 1, 0, 3 } } },
    { inputs = { across{ 2, 3, 2 }, ids{ { 0, 2 }, { -100, 1 } } }, attrs = { reduction = "none" } },
    { inputs = { plain{ 3, 4 }, ids{ 1, 7, 3 } }, attrs = { ignore_index = 7 } },
  },
}
