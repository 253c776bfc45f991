--- Masks of blocks, and the account of what attention moves; attention itself is tested in C and by the gradient check.
local vt = require "venturi"
local t = require "support"

local function rows(mask)
  local out = {}
  for i, row in ipairs(mask:totable()) do
    local text = {}
    for j, seen in ipairs(row) do text[j] = (seen == true or seen == 1) and "x" or "." end
    out[i] = table.concat(text)
  end
  return table.concat(out, " ")
end

t.test("masks of blocks have their patterns", function()
  local a = vt.attention
  t.equal(rows(a.local_mask(3, 3)), "xx. xxx .xx")
  t.equal(rows(a.local_mask(2, 4, 0)), "..x. ...x")
  t.equal(rows(a.strided_mask(4, 4, 2)), "x.x. .x.x x.x. .x.x")
  t.equal(rows(a.butterfly_mask(4)), "xxx. xx.x x.xx .xxx")
  t.equal(rows(a.global_mask(3, 3)), "xxx xx. x.x")
  t.equal(rows(a.either(a.local_mask(3, 3, 0), a.global_mask(3, 3))), "xxx xx. x.x")
end)

t.test("a mask of blocks is the mask of its elements", function()
  local function random(seed, n) return vt.tensor(vt.random.uniform(seed, 2 * n * 4), { dtype = "f64" }):reshape{ 1, 2, n, 4 } end
  local q, k, v, mask = random(1, 12), random(2, 12), random(3, 12), vt.attention.butterfly_mask(4)
  local o = vt.op.attention(q, k, v, nil, nil, mask, { block = 3 })
  local elements = mask:reshape{ 4, 1, 4, 1 }:expand{ 4, 3, 4, 3 }:reshape{ 12, 12 }
  local want = vt.op.attention(q, k, v, elements)
  local have = (o - want):reshape{ -1 }:totable()
  for _, x in ipairs(have) do assert(math.abs(x) < 1e-13) end
end)

t.test("weights add up to 1 and give the result", function()
  local x = vt.tensor(vt.random.uniform(5, 40), { dtype = "f64" }):reshape{ 1, 1, 10, 4 }
  local p = vt.op.attention_probs(x, x, { causal = true })
  for _, s in ipairs(p:sum{ dims = 4 }:reshape{ -1 }:totable()) do assert(math.abs(s - 1) < 1e-13) end
  for _, d in ipairs((p:matmul(x) - vt.op.attention(x, x, x, { causal = true })):reshape{ -1 }:totable()) do assert(math.abs(d) < 1e-13) end
end)

t.test("tiles move less the larger the store and the longer the rows", function()
  local function ratio(n) local x = vt.attention.moved{ m = n, d = 64, store = 24576 } return x.dense / x.v1 end
  assert(ratio(1024) > 1 and ratio(8192) > ratio(1024))
  local small, large = vt.attention.moved{ m = 8192, d = 64, store = 6400 }, vt.attention.moved{ m = 8192, d = 64, store = 25600 }
  assert(math.abs(small.v1 / large.v1 - 4) < 0.2)
  t.equal(vt.attention.moved{ m = 8, d = 2, store = 16 }, { key_tile = 2, query_tile = 2, v1 = 32 + 4 * 80, v2 = 40 + 4 * 32, dense = 64 + 256 })
  t.raises("store", vt.attention.moved, { m = 8, d = 64, store = 10 })
end)

t.done()
