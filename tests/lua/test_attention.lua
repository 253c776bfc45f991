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

local function near(a, b, tol)
  a, b = a:reshape{ -1 }:totable(), b:reshape{ -1 }:totable()
  t.equal(#a, #b)
  for i = 1, #a do assert(a[i] == b[i] or math.abs(a[i] - b[i]) <= tol, ("%g and %g"):format(a[i], b[i])) end
end

local function uniform(seed, ...)
  return vt.op.uniform(vt.zeros(..., { dtype = "f64" }), { low = -1, high = 1, seed = seed })
end

t.test("both schedules give attention, and move what the formulas say", function()
  for _, size in ipairs{ { 40, 40 }, { 7, 40 }, { 33, 5 } } do
    local m, n, d = size[1], size[2], 8
    local q, k, v = uniform(1, { m, d }), uniform(2, { n, d }), uniform(3, { n, d })
    for _, causal in ipairs{ false, true } do
      local o, lse = vt.op.attention(q:reshape(1, 1, m, d), k:reshape(1, 1, n, d), v:reshape(1, 1, n, d), { causal = causal })
      for _, schedule in ipairs{ "v1", "v2" } do
        for _, store in ipairs{ 32, 160, 1000 } do
          local got, got_lse, moved = vt.attention.by_tiles(q, k, v, { schedule = schedule, store = store, causal = causal })
          near(got, o:reshape(m, d), 1e-13)
          near(got_lse, lse:reshape(m), 1e-12)
          local want = vt.attention.moved{ m = m, n = n, d = d, store = store }[schedule]
          if schedule == "v1" or not causal then t.equal(moved, want) else assert(moved <= want) end
        end
      end
    end
  end
  t.raises("schedule must be", vt.attention.by_tiles, uniform(1, { 2, 2 }), uniform(1, { 2, 2 }), uniform(1, { 2, 2 }), { store = 8, schedule = "v3" })
end)

t.test("four times the store moves about a fourth; more is saved the longer the rows", function()
  local function counted(n, store)
    local x = uniform(n, { n, 16 })
    return (select(3, vt.attention.by_tiles(x, x, x, { schedule = "v1", store = store })))
  end
  local small, large = counted(256, 512), counted(256, 2048)
  assert(small / large > 3.5 and small / large < 4.5, small / large)
  local function saved(n) return vt.attention.moved{ m = n, d = 16, store = 2048 }.dense / counted(n, 2048) end
  assert(saved(512) > saved(128))
end)

t.test("keys and values in pages", function()
  local k, v = uniform(1, { 6, 2, 4, 8 }), uniform(2, { 6, 2, 4, 8 })
  k.requires_grad = true
  local q = uniform(3, { 1, 4, 4, 8 })
  local opt = { k = k, v = v, tables = { { 5, 0, 2 }, { 3 } }, lengths = { 9, 4 }, queries = { 3, 1 }, attrs = { causal = true } }
  local o, lse = vt.attention.paged(q, opt)
  t.equal({ o.shape, lse.shape }, { { 1, 4, 4, 8 }, { 1, 4, 4 } })
  local at = 0
  for i, pages in ipairs(opt.tables) do
    local function gathered(x)
      local parts = {}
      for j, page in ipairs(pages) do parts[j] = x[{ { page + 1, page + 1 } }] end
      return vt.op.cat(parts, { dim = 3 })[{ {}, {}, { 1, opt.lengths[i] } }]
    end
    local want = vt.op.attention(q[{ {}, {}, { at + 1, at + opt.queries[i] } }], gathered(k), gathered(v), { causal = true })
    near(o[{ {}, {}, { at + 1, at + opt.queries[i] } }], want, 1e-14)
    at = at + opt.queries[i]
  end
  o:sum():backward()
  t.equal(k.grad[2]:abs():sum():item(), 0) -- a page of nobody
  assert(k.grad[6]:abs():sum():item() > 0)
  opt.lengths[2] = 5
  t.raises("sequence 2 has 5 rows, its 1 pages hold 4", vt.attention.paged, q, opt)
end)

t.done()
