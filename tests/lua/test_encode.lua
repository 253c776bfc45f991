-- Text encoders: what they tell of themselves, dense and sparse results in every form, what is refused.
local t = require "support"
local tiny_encoder = require "tiny_encoder"
local vt = require "venturi"

local function folder(sparse) return tiny_encoder.write(t.folder(), sparse) end

local dense_folder, sparse_folder = folder(false), folder(true)
local dense, sparse = vt.encoder(dense_folder), vt.encoder(sparse_folder)
local texts = { "a cat sat.", "dogs", "" }

t.test("an encoder tells what it is", function()
  local info = dense:info()
  t.equal({ info.kind, info.numerics, info.pooling, info.dim, info.max_tokens, info.n_layers }, { "dense", "f32", "mean", 8, 16, 2 })
  t.equal({ sparse:info().kind, sparse:info().dim }, { "sparse", #tiny_encoder.pieces })
  t.equal(dense:tokenizer():encode("dogs", { bos = true, eos = true }), { 2, 8, 10, 3 })
  t.equal(t.raises("No such file", vt.encoder, "/no/such").name, "VT_ERR_NOT_FOUND")
  t.equal(t.raises("unknown option 'int'", vt.encoder, dense_folder, { int = true }).name, "VT_ERR_INVALID")
end)

t.test("a text, texts and their ids give the same vectors", function()
  local all = dense:encode(texts)
  t.equal({ #all, #all[1] }, { 3, 8 })
  for i, text in ipairs(texts) do
    t.equal(dense:encode(text), all[i])
    t.equal(dense:encode({ dense:tokenizer():encode(text, { bos = true, eos = true }) })[1], all[i])
  end
  local packed = dense:encode(texts, { packed = true })
  t.equal({ packed.dtype, packed.shape[1], packed.shape[2] }, { "f32", 3, 8 })
  t.equal((("<f"):unpack(packed.data)), all[1][1])
  t.equal(dense:encode({}), {})
  local sum = 0
  for _, x in ipairs(all[2]) do sum = sum + x * x end
  assert(math.abs(sum - 1) < 1e-6)
end)

t.test("pooling and length are options", function()
  local tokens = dense:encode(texts, { pooling = "tokens", raw = true })
  t.equal({ #tokens[2], #tokens[2][1] }, { 4, 8 })
  t.equal(dense:encode("dogs", { pooling = "cls", raw = true }), tokens[2][1])
  t.raises("pooling", dense.encode, dense, "a", { pooling = "sum" })
  t.raises("packed", dense.encode, dense, "a", { packed = true })
  t.raises("choice", sparse.encode, sparse, "a", { pooling = "cls" })
end)

t.test("a sparse encoder gives terms, largest first", function()
  local terms = sparse:encode(texts)
  assert(#terms == 3 and #terms[1] > 0)
  for _, list in ipairs(terms) do
    for i = 2, #list do assert(list[i - 1][2] >= list[i][2] and list[i][2] > 0) end
  end
  t.equal(sparse:encode("dogs"), terms[2])
end)

t.test("integers come close to floats", function()
  local a, b, dot = dense:encode("a cat sat."), vt.encoder(dense_folder, { int8 = true }):encode("a cat sat."), 0
  for i = 1, #a do dot = dot + a[i] * b[i] end
  assert(dot > 0.99, dot)
end)

t.test("what is no text is refused", function()
  t.raises("list of texts", dense.encode, dense, { true })
  t.raises("item 2", dense.encode, dense, { "a", 1 })
  t.raises("id 99", dense.encode, dense, { { 99 } })
  dense:close()
  t.raises("closed", dense.encode, dense, "a")
end)

t.done()
