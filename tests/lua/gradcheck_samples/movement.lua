--- Movement: the same elements in another place.
local function plain(shape) return { shape = shape } end
local function across(shape) return { shape = shape, layout = "transposed" } end
local function index(value) return { value = value, dtype = "i64" } end

return {
  reshape = {
    { inputs = { plain{ 2, 3 } }, attrs = { shape = { 3, 2 } } },
    { inputs = { across{ 2, 3 } }, attrs = { shape = { -1 } } },
    { inputs = { plain{} }, attrs = { shape = { 1, 1 } } },
  },
  expand = {
    { inputs = { plain{ 2, 1 } }, attrs = { shape = { 2, 3 } } },
    { inputs = { across{ 3, 1 } }, attrs = { shape = { 2, 3, 2 } } },
    { inputs = { plain{} }, attrs = { shape = { 2 } } },
  },
  permute = {
    { inputs = { plain{ 2, 3 } }, attrs = { dims = { 2, 1 } } },
    { inputs = { across{ 2, 3, 2 } }, attrs = { dims = { 3, 1, 2 } } },
    { inputs = { plain{ 2, 1, 3 } }, attrs = { dims = { -1, 1, 2 } } },
  },
  transpose = {
    { inputs = { plain{ 2, 3 } } },
    { inputs = { across{ 2, 3, 2 } }, attrs = { dim0 = 1, dim1 = 3 } },
    { inputs = { plain{ 1, 2 } } },
  },
  slice = {
    { inputs = { plain{ 4, 3 } }, attrs = { dim = 1, start = 1, stop = 3 } },
    { inputs = { across{ 2, 5 } }, attrs = { dim = -1, start = 0, stop = 5, step = 2 } },
    { inputs = { plain{ 5 } }, attrs = { dim = 1, start = -3 } },
  },
  select = {
    { inputs = { plain{ 2, 3 } }, attrs = { dim = 1, index = 1 } },
    { inputs = { across{ 2, 3, 2 } }, attrs = { dim = 2, index = -1 } },
    { inputs = { plain{ 3 } }, attrs = { dim = 1, index = 0 } },
  },
  unsqueeze = {
    { inputs = { plain{ 2, 3 } }, attrs = { dim = 1 } },
    { inputs = { across{ 2, 3 } }, attrs = { dim = -1 } },
    { inputs = { plain{} }, attrs = { dim = 1 } },
  },
  squeeze = {
    { inputs = { plain{ 1, 3, 1 } } },
    { inputs = { across{ 1, 3, 1 } }, attrs = { dims = 3 } },
    { inputs = { plain{ 1 } }, attrs = { dims = { 1 } } },
  },
  diagonal = {
    { inputs = { plain{ 3, 3 } } },
    { inputs = { across{ 3, 4 } }, attrs = { offset = 1 } },
    { inputs = { plain{ 2, 3, 2 } }, attrs = { offset = -1, dim0 = 2, dim1 = 3 } },
  },
  unfold = {
    { inputs = { plain{ 6 } }, attrs = { dim = 1, size = 3 } },
    { inputs = { across{ 5, 2 } }, attrs = { dim = 1, size = 2, step = 2 } },
    { inputs = { plain{ 2, 5 } }, attrs = { dim = 2, size = 4, step = 1 } },
  },
  flatten = {
    { inputs = { plain{ 2, 3, 2 } } },
    { inputs = { across{ 2, 3, 2 } }, attrs = { start = 2, stop = 3 } },
    { inputs = { plain{ 3 } } },
  },
  slice_grad = {
    { inputs = { plain{ 2, 3 } }, attrs = { dim = 1, start = 1, step = 2, size = 5 } },
    { inputs = { across{ 2, 3 } }, attrs = { dim = 2, start = 0, step = 1, size = 4 } },
    { inputs = { plain{ 2 } }, attrs = { dim = 1, start = 0, step = 1, size = 2 } },
  },
  diagonal_grad = {
    { inputs = { plain{ 3 } }, attrs = { offset = 0, dim0 = 0, dim1 = 1, size0 = 3, size1 = 3 } },
    { inputs = { across{ 2, 2 } }, attrs = { offset = 1, dim0 = 1, dim1 = 2, size0 = 3, size1 = 3 } },
    { inputs = { plain{ 2 } }, attrs = { offset = -1, dim0 = 0, dim1 = 1, size0 = 3, size1 = 2 } },
  },
  unfold_grad = {
    { inputs = { plain{ 4, 3 } }, attrs = { dim = 0, step = 1, size = 6 } },
    { inputs = { across{ 2, 2, 2 } }, attrs = { dim = 1, step = 2, size = 5 } },
    { inputs = { plain{ 1, 2 } }, attrs = { dim = 0, step = 1, size = 2 } },
  },
  diag_embed = {
    { inputs = { plain{ 3 } } },
    { inputs = { across{ 2, 3 } }, attrs = { offset = 1 } },
    { inputs = { plain{ 1, 2 } }, attrs = { offset = -1 } },
  },
  flip = {
    { inputs = { plain{ 2, 3 } }, attrs = { dims = 2 } },
    { inputs = { across{ 2, 3 } }, attrs = { dims = { 1, 2 } } },
    { inputs = { plain{ 3 } }, attrs = { dims = -1 } },
  },
  roll = {
    { inputs = { plain{ 2, 3 } }, attrs = { shifts = 1, dims = 2 } },
    { inputs = { across{ 2, 3 } }, attrs = { shifts = { 1, -2 }, dims = { 1, 2 } } },
    { inputs = { plain{ 4 } }, attrs = { shifts = 7, dims = 1 } },
  },
  pad = {
    { inputs = { plain{ 2, 3 } }, attrs = { pads = { 1, 2 } } },
    { inputs = { across{ 3, 4 } }, attrs = { pads = { 2, 1, 1, 0 }, mode = "reflect" } },
    { inputs = { plain{ 2, 3 } }, attrs = { pads = { 1, 2, 0, 1 }, mode = "replicate" } },
    { inputs = { plain{ 4 } }, attrs = { pads = { 1, 2 }, mode = "circular" } },
    { inputs = { plain{ 4 } }, attrs = { pads = { -1, 1 }, value = 0.5 } },
  },
  pad_grad = {
    { inputs = { plain{ 2, 6 } }, attrs = { pads = { 1, 2 }, mode = "constant", shape = { 2, 3 } } },
    { inputs = { across{ 4, 7 } }, attrs = { pads = { 2, 1, 1, 0 }, mode = "reflect", shape = { 3, 4 } } },
    { inputs = { plain{ 7 } }, attrs = { pads = { 1, 2 }, mode = "circular", shape = { 4 } } },
  },
  cat = {
    { inputs = { { list = { plain{ 2, 3 }, plain{ 1, 3 } } } }, attrs = { dim = 1 } },
    { inputs = { { list = { plain{ 2, 2 }, across{ 2, 3 }, plain{ 2, 1 } } } }, attrs = { dim = 2 } },
    { inputs = { { list = { plain{ 2 } } } } },
  },
  stack = {
    { inputs = { { list = { plain{ 2, 3 }, plain{ 2, 3 } } } }, attrs = { dim = 1 } },
    { inputs = { { list = { across{ 2, 3 }, plain{ 2, 3 } } } }, attrs = { dim = -1 } },
    { inputs = { { list = { plain{}, plain{} } } } },
  },
  tile = {
    { inputs = { plain{ 2, 3 } }, attrs = { repeats = { 2, 1 } } },
    { inputs = { across{ 2, 3 } }, attrs = { repeats = { 1, 2 } } },
    { inputs = { plain{ 2 } }, attrs = { repeats = { 3 } } },
  },
  tril = {
    { inputs = { plain{ 3, 3 } } },
    { inputs = { across{ 2, 3, 4 } }, attrs = { diagonal = 1 } },
    { inputs = { plain{ 3, 2 } }, attrs = { diagonal = -1 } },
  },
  triu = {
    { inputs = { plain{ 3, 3 } } },
    { inputs = { across{ 2, 3, 4 } }, attrs = { diagonal = 1 } },
    { inputs = { plain{ 3, 2 } }, attrs = { diagonal = -1 } },
  },
  index_select = {
    { inputs = { plain{ 3, 2 }, index{ 2, 0, 2 } }, attrs = { dim = 1 } },
    { inputs = { across{ 3, 4 }, index{ 1 } }, attrs = { dim = 2 } },
    { inputs = { plain{ 4 }, index{ 0, 0, 3 } }, attrs = { dim = -1 } },
  },
  index_add = {
    { inputs = { plain{ 3, 2 }, index{ 2, 0, 2 }, plain{ 3, 2 } }, attrs = { dim = 1 } },
    { inputs = { across{ 3, 4 }, index{ 1 }, plain{ 3, 1 } }, attrs = { dim = 2 } },
    { inputs = { plain{ 4 }, index{ 0, 0, 3 }, plain{ 3 } }, attrs = { dim = 1 } },
  },
  embedding = {
    { inputs = { plain{ 4, 3 }, index{ 1, 3, 1 } } },
    { inputs = { across{ 4, 3 }, index{ { 0, 2 }, { 2, 2 } } } },
    { inputs = { plain{ 2, 2 }, { value = 1, dtype = "i64" } } },
  },
  gather = {
    { inputs = { plain{ 2, 3 }, index{ { 2, 0 }, { 1, 1 } } }, attrs = { dim = 2 } },
    { inputs = { across{ 3, 2 }, index{ { 0, 2 } } }, attrs = { dim = 1 } },
    { inputs = { plain{ 4 }, index{ 3, 3 } }, attrs = { dim = 1 } },
  },
  scatter = {
    { inputs = { plain{ 2, 3 }, index{ { 2, 0 }, { 1, 1 } }, plain{ 2, 2 } }, attrs = { dim = 2 } },
    { inputs = { across{ 3, 2 }, index{ { 0, 2 } }, plain{ 1, 2 } }, attrs = { dim = 1 } },
    { inputs = { plain{ 4 }, index{ 3, 3 }, plain{ 2 } }, attrs = { dim = 1 } },
  },
  scatter_add = {
    { inputs = { plain{ 2, 3 }, index{ { 2, 0 }, { 1, 1 } }, plain{ 2, 2 } }, attrs = { dim = 2 } },
    { inputs = { across{ 3, 2 }, index{ { 0, 2 } }, plain{ 1, 2 } }, attrs = { dim = 1 } },
    { inputs = { plain{ 4 }, index{ 3, 3 }, plain{ 2 } }, attrs = { dim = 1 } },
  },
  scatter_last = {
    { inputs = { plain{ 2, 3 }, index{ { 2, 0 }, { 1, 1 } } }, attrs = { dim = 2 } },
    { inputs = { across{ 3, 2 }, index{ { 0, 2 } } }, attrs = { dim = 1 } },
    { inputs = { plain{ 4 }, index{ 3, 3 } }, attrs = { dim = 1 } },
  },
  sort = {
    { inputs = { { shape = { 2, 4 }, distinct = true } } },
    { inputs = { { shape = { 3, 2 }, distinct = true, layout = "transposed" } }, attrs = { dim = 1, descending = true } },
    { inputs = { { shape = { 5 }, distinct = true } }, attrs = { dim = 1 } },
  },
  topk = {
    { inputs = { { shape = { 2, 4 }, distinct = true } }, attrs = { k = 2 } },
    { inputs = { { shape = { 3, 2 }, distinct = true, layout = "transposed" } }, attrs = { k = 1, dim = 1, largest = false } },
    { inputs = { { shape = { 5 }, distinct = true } }, attrs = { k = 5 } },
  },
  dropout = {
    { inputs = { plain{ 3, 4 } }, attrs = { p = 0.5, seed = 1 } },
    { inputs = { across{ 3, 4 } }, attrs = { p = 0.2, seed = 2, stream = 1 } },
    { inputs = { plain{ 5 } }, attrs = { p = 0, seed = 3 } },
  },
}
