--- A small language model of characters trains with attention in tiles as it does with whole matrices, in less memory.
local vt = require "venturi"
local t = require "support"

local ROWS, WIDTH, HEADS, BATCH, STEPS = 32, 32, 2, 4, 200

local text = ([[
Of shoes and ships and sealing wax, of cabbages and kings, and why the sea is boiling hot, and whether pigs have wings. The sun was shining on the sea,
shining with all his might; he did his very best to make the billows smooth and bright, and this was odd, because it was the middle of the night.
]]):lower()

local function ids()
  local seen, list = {}, {}
  local n = 0
  for i = 1, #text do
    local c = text:byte(i)
    if not seen[c] then seen[c], n = n, n + 1 end
    list[i] = seen[c]
  end
  return vt.tensor(list), n
end

local function in_tiles(q, k, v) return (vt.op.attention(q, k, v, { causal = true })) end

local function in_matrices(q, k, v)
  local s = q:matmul(k:transpose()) * (q.shape[4] ^ -0.5)
  local hidden = vt.ones(q.shape[3], q.shape[3]):triu(1)
  return s:masked_fill(hidden, -math.huge):softmax(-1):matmul(v)
end

local function model(n_ids)
  local seed, p = 0, {}
  for _, spec in ipairs{ { "ids", n_ids, WIDTH }, { "places", ROWS, WIDTH }, { "qkv", 3 * WIDTH, WIDTH }, { "out", WIDTH, WIDTH }, { "up", 4 * WIDTH, WIDTH },
    { "down", WIDTH, 4 * WIDTH } } do
    seed = seed + 1
    p[spec[1]] = vt.randn(spec[2], spec[3], { seed = seed, std = 0.08 })
    p[spec[1]].requires_grad = true
  end
  return p
end

local function loss_of(p, x, y, attention)
  local h = vt.op.embedding(p.ids, x) + p.places
  local qkv = h:rms_norm():linear(p.qkv):reshape(BATCH, ROWS, 3, HEADS, WIDTH // HEADS):permute(3, 1, 4, 2, 5)
  local a = attention(qkv[1], qkv[2], qkv[3]):transpose(2, 3):reshape(BATCH, ROWS, WIDTH)
  h = h + a:linear(p.out)
  h = h + h:rms_norm():linear(p.up):gelu():linear(p.down)
  return h:rms_norm():linear(p.ids):reshape(BATCH * ROWS, -1):cross_entropy(y:reshape(-1))
end

local function train(attention)
  local list, n_ids = ids()
  local p, state, losses = model(n_ids), {}, {}
  for name, w in pairs(p) do state[name] = { vt.zeros(w.shape), vt.zeros(w.shape) } end
  for step = 1, STEPS do
    local starts, xs, ys = vt.randint(BATCH, { seed = 9, stream = step, high = #text - ROWS - 1 }):totable(), {}, {}
    for i, at in ipairs(starts) do
      xs[i], ys[i] = list[{ { at + 1, at + ROWS } }], list[{ { at + 2, at + ROWS + 1 } }]
    end
    local loss = loss_of(p, vt.op.stack(xs), vt.op.stack(ys), attention)
    loss:backward()
    vt.no_grad(function()
      for name, w in pairs(p) do
        local s = state[name]
        vt.op.adam_step(w, w.grad, s[1], s[2], { lr = 3e-3, step = step, out = { w, s[1], s[2] } })
        w.grad = nil
      end
    end)
    losses[step] = loss:item()
  end
  return losses
end

t.test("200 steps with tiles lose what 200 steps with matrices lose", function()
  local tiles, matrices, worst = train(in_tiles), train(in_matrices), 0
  for i = 1, STEPS do worst = math.max(worst, math.abs(tiles[i] - matrices[i])) end
  assert(tiles[STEPS] < 0.7 * tiles[1], ("the loss went from %g to %g"):format(tiles[1], tiles[STEPS]))
  assert(worst < 1e-4, ("losses differ by %g"):format(worst))
end)

t.test("eight times as many rows fit with tiles, forward and backward", function()
  local function needed(attention, rows)
    collectgarbage() collectgarbage()
    local x = vt.randn(1, 1, rows, 16, { seed = 1 })
    x.requires_grad = true
    local before = vt.memory()
    local y = attention(x, x, x)
    local kept = vt.memory() - before
    y:sum():backward()
    return kept
  end
  local tiles, matrices = needed(in_tiles, 2048), needed(in_matrices, 256)
  assert(tiles < matrices, ("%d bytes for 2048 rows in tiles, %d for 256 in matrices"):format(tiles, matrices))
end)

t.done()
