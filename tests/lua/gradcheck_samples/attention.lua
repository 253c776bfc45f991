--- Attention, its merge, rotary embedding.
local function plain(...) return { shape = { ... } } end
local function across(...) return { shape = { ... }, layout = "transposed" } end
local function lse(...) return { shape = { ... }, range = { 0.5, 2 } } end
local function bounds(...) return { dtype = "i64", value = { ... } } end

local blocks = { dtype = "bool", value = { { 1, 0, 1 }, { 0, 1, 1 } } }
local slopes = { dtype = "f32", value = { 0.5, 0.25 } } -- f32: passed on, they have no gradient
local keys = { dtype = "bool", value = { 1, 0, 1, 1, 1, 0, 1 } }

return {
  attention = {
    { inputs = { plain(2, 4, 3, 4), plain(2, 2, 5, 4), plain(2, 2, 5, 3) }, attrs = { causal = true } },
    { inputs = { across(1, 2, 5, 4), across(1, 1, 7, 4), across(1, 1, 7, 4), plain(2, 1, 7) }, attrs = { softcap = 2, left = 3, scale = 0.7 } },
    { inputs = { plain(1, 2, 4, 2), plain(1, 2, 7, 2), plain(1, 2, 7, 2), keys, slopes }, attrs = { right = 2 } },
    { inputs = { plain(1, 2, 4, 2), plain(1, 2, 6, 2), plain(1, 2, 6, 2), plain(1, 2, 4, 6), false, blocks }, attrs = { block = 2, dropout = 0.3, seed = 5 } },
    { inputs = { plain(1, 2, 5, 2), plain(1, 1, 6, 2), plain(1, 1, 6, 2), false, false, false, bounds(0, 2, 5), bounds(0, 4, 6) } },
    { inputs = { plain(1, 2, 5, 2), plain(1, 2, 7, 2), plain(1, 2, 7, 2), false, slopes, false, bounds(0, 2, 2, 5), bounds(0, 2, 3, 7) },
      attrs = { causal = true, left = 2, dropout = 0.2, seed = 3, softcap = 3 } },
    { inputs = { plain(2, 2, 3, 2), plain(2, 1, 5, 2), plain(2, 1, 5, 2), false, false, blocks }, attrs = { block = { 2, 2 }, causal = true } },
  },
  attention_probs = {
    { inputs = { plain(2, 2, 3, 4), plain(2, 1, 5, 4) }, attrs = { causal = true } },
    { inputs = { across(1, 2, 5, 4), across(1, 1, 7, 4), plain(2, 1, 7) }, attrs = { softcap = 2, left = 3, scale = 0.7 } },
    { inputs = { plain(1, 2, 4, 2), plain(1, 2, 7, 2), keys, slopes }, attrs = { right = 2 } },
  },
  attention_merge = {
    { inputs = { plain(2, 3, 4), lse(2, 3), plain(2, 3, 4), lse(2, 3) } },
    { inputs = { across(2, 3, 2), lse(2, 3), plain(2, 3, 2), { shape = { 2, 3 }, range = { 0.5, 2 }, layout = "transposed" } } },
    { inputs = { plain(1), lse(), plain(1), lse() } },
  },
  rope = {
    { inputs = { plain(2, 3, 4) } },
    { inputs = { across(2, 3, 6), { dtype = "i64", value = { 5, 0, 1000 } } }, attrs = { interleaved = true, base = 100 } },
    { inputs = { plain(2, 2, 5), { dtype = "i64", value = { { 3 }, { 4 } } } }, attrs = { width = 2, offset = 7, inverse = true } },
  },
}
