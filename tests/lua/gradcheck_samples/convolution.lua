--- Convolution, pooling, resampling.
local function plain(...) return { shape = { ... } } end
local function across(...) return { shape = { ... }, layout = "transposed" } end
local function distinct(...) return { shape = { ... }, distinct = true, range = { -1, 1 } } end
local function inside(...) return { shape = { ... }, range = { -0.83, 0.91 } } end

local linear_maps = {
  { inputs = { plain(1, 2, 3, 4) }, attrs = { kind = "bilinear", size = { 5, 7 }, kernel = 1, stride = 1, padding = 0 } },
  { inputs = { across(2, 1, 4, 3) }, attrs = { kind = "bicubic_corners", size = { 2, 5 }, kernel = 1, stride = 1, padding = 0 } },
  { inputs = { plain(1, 1, 5, 6) }, attrs = { kind = "average_inside", size = { 3, 3 }, kernel = 3, stride = 2, padding = 1 } },
}
local transposed_maps = {
  { inputs = { plain(1, 2, 5, 7) }, attrs = { kind = "bilinear", size = { 3, 4 }, kernel = 1, stride = 1, padding = 0 } },
  { inputs = { across(2, 1, 2, 5) }, attrs = { kind = "bicubic_corners", size = { 4, 3 }, kernel = 1, stride = 1, padding = 0 } },
  { inputs = { plain(1, 1, 3, 3) }, attrs = { kind = "average_inside", size = { 5, 6 }, kernel = 3, stride = 2, padding = 1 } },
}

return {
  conv2d = {
    { inputs = { plain(2, 3, 6, 5), plain(4, 3, 3, 3), plain(4) }, attrs = { stride = 2, padding = 1 } },
    { inputs = { across(1, 4, 5, 6), across(6, 2, 3, 2) }, attrs = { padding = { 2, 0 }, dilation = { 2, 1 }, groups = 2 } },
    { inputs = { plain(1, 1, 1, 1), plain(1, 1, 1, 1), plain(1) } },
    { inputs = { plain(1, 2, 5, 5), plain(2, 1, 3, 3) }, attrs = { groups = 2, stride = { 1, 3 }, padding = 2 } },
  },
  conv_transpose2d = {
    { inputs = { plain(1, 2, 3, 3), plain(2, 4, 3, 3), plain(4) }, attrs = { stride = 2, padding = 1, output_padding = 1 } },
    { inputs = { across(2, 4, 4, 3), plain(4, 3, 2, 3) }, attrs = { stride = 3, padding = 2, output_padding = { 1, 2 }, dilation = 2, groups = 2 } },
    { inputs = { plain(1, 1, 2, 2), across(1, 1, 2, 3) }, attrs = { padding = { 0, 1 } } },
  },
  conv2d_weight = {
    { inputs = { plain(2, 3, 6, 5), plain(2, 4, 3, 3) }, attrs = { kernel = 3, stride = 2, padding = 1, dilation = 1, groups = 1 } },
    { inputs = { across(1, 4, 6, 5), plain(1, 6, 6, 4) }, attrs = { kernel = { 3, 2 }, stride = 1, padding = { 2, 0 }, dilation = { 2, 1 }, groups = 2 } },
    { inputs = { plain(1, 1, 3, 3), across(1, 1, 3, 3) }, attrs = { kernel = 1, stride = 1, padding = 0, dilation = 1, groups = 1 } },
  },
  conv1d = {
    { inputs = { plain(2, 3, 7), plain(3, 1, 3) }, attrs = { groups = 3, padding = 1 } },
    { inputs = { across(1, 2, 9), plain(4, 2, 3), plain(4) }, attrs = { stride = 2, dilation = 2 } },
    { inputs = { plain(1, 2, 4), across(1, 2, 4) } },
  },
  conv_transpose1d = {
    { inputs = { plain(2, 4, 5), plain(4, 3, 3) }, attrs = { stride = 2, padding = 1, output_padding = 1 } },
    { inputs = { across(1, 2, 3), plain(2, 1, 2), plain(2) }, attrs = { groups = 2, dilation = 2 } },
    { inputs = { plain(1, 1, 1), across(1, 2, 3) } },
  },
  max_pool2d = {
    { inputs = { distinct(1, 2, 6, 6) }, attrs = { kernel = 3, stride = 2, padding = 1 } },
    { inputs = { { shape = { 2, 1, 4, 5 }, distinct = true, layout = "transposed" } }, attrs = { kernel = { 2, 1 } } },
    { inputs = { distinct(1, 1, 7, 7) }, attrs = { kernel = 2, stride = 1, dilation = { 2, 3 } } },
  },
  avg_pool2d = {
    { inputs = { plain(1, 2, 6, 6) }, attrs = { kernel = 3, stride = 2, padding = 1 } },
    { inputs = { across(2, 1, 4, 6) }, attrs = { kernel = { 2, 3 }, padding = { 1, 0 }, count_include_pad = false } },
    { inputs = { plain(1, 1, 1, 1) }, attrs = { kernel = 1 } },
  },
  adaptive_avg_pool2d = {
    { inputs = { plain(2, 3, 4, 4) }, attrs = { size = 1 } },
    { inputs = { across(1, 2, 5, 7) }, attrs = { size = { 3, 2 } } },
    { inputs = { plain(1, 1, 2, 3) }, attrs = { size = { 4, 3 } } },
  },
  interpolate = {
    { inputs = { plain(1, 2, 3, 2) }, attrs = { size = { 6, 4 } } },
    { inputs = { across(1, 1, 3, 4) }, attrs = { size = { 5, 7 }, mode = "bilinear" } },
    { inputs = { plain(1, 1, 6, 5) }, attrs = { size = { 4, 9 }, mode = "bicubic" } },
    { inputs = { plain(1, 1, 3, 4) }, attrs = { size = { 1, 6 }, mode = "bilinear", align_corners = true } },
  },
  resample2d = linear_maps,
  resample2d_grad = transposed_maps,
  grid_sample = {
    { inputs = { plain(1, 2, 3, 4), inside(1, 2, 3, 2) } },
    { inputs = { across(2, 1, 4, 3), inside(2, 2, 2, 2) }, attrs = { padding_mode = "border", align_corners = true } },
    { inputs = { plain(1, 1, 5, 5), { shape = { 1, 1, 3, 2 }, range = { -1.7, 1.9 } } } },
    { inputs = { plain(1, 2, 3, 4), inside(1, 2, 3, 2) }, attrs = { mode = "nearest" } },
  },
  pixel_shuffle = {
    { inputs = { plain(1, 8, 2, 3) }, attrs = { factor = 2 } },
    { inputs = { across(9, 1, 2) }, attrs = { factor = 3 } },
    { inputs = { plain(2, 2, 1, 1, 1) }, attrs = { factor = 1 } },
  },
  pixel_unshuffle = {
    { inputs = { plain(1, 2, 4, 6) }, attrs = { factor = 2 } },
    { inputs = { across(1, 3, 6) }, attrs = { factor = 3 } },
    { inputs = { plain(2, 2, 1, 1, 1) }, attrs = { factor = 1 } },
  },
}
