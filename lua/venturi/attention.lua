--- Masks of blocks for `vt.op.attention{ block = ... }`, keys and values in pages, and how many numbers attention moves.
-- A mask has a row for each block of queries and a column for each block of keys; where it is false the block is skipped. Of fewer queries than keys the
-- last block of queries is beside the last block of keys, as the operation aligns them.
-- Sources: Dao et al. 2022 (FlashAttention), sections 3.2 and 3.3; Dao 2023 (FlashAttention-2).
local vt = require "venturi"

local M = {}

local function whole(what, x, least)
  local i = math.tointeger(x)
  if not i or i < least then error(("attention: %s must be an integer from %d on"):format(what, least), 3) end
  return i
end

-- sees(i, j): does block of queries i, counted as blocks of keys are, see block of keys j? From 0.
local function build(rows, columns, sees)
  rows = whole("the number of blocks of queries", rows, 1)
  columns = whole("the number of blocks of keys", columns or rows, 1)
  local mask = {}
  for i = 1, rows do
    mask[i] = {}
    for j = 1, columns do mask[i][j] = sees(i - 1 + columns - rows, j - 1) and 1 or 0 end
  end
  return vt.tensor(mask, { dtype = "bool" })
end

--- Blocks at most `reach` blocks away.
function M.local_mask(rows, columns, reach)
  reach = whole("the reach", reach or 1, 0)
  return build(rows, columns, function(i, j) return math.abs(i - j) <= reach end)
end

--- The own block and every stride-th one before and behind it.
function M.strided_mask(rows, columns, stride)
  stride = whole("the stride", stride, 1)
  return build(rows, columns, function(i, j) return (i - j) % stride == 0 end)
end

--- The own block and those whose number differs in one bit: log2 of their number a row.
function M.butterfly_mask(rows, columns)
  return build(rows, columns, function(i, j)
    local bits = i ~ j
    return bits & (bits - 1) == 0
  end)
end

--- The first `n` blocks see all and are seen by all; others see themselves.
function M.global_mask(rows, columns, n)
  n = whole("the number of global blocks", n or 1, 0)
  return build(rows, columns, function(i, j) return i == j or i < n or j < n end)
end

--- Is a block seen by one of the masks?
function M.either(mask, ...)
  for _, other in ipairs{ ... } do mask = vt.op.logical_or(mask, other) end
  return mask
end

--- Attention of packed sequences to keys and values that lie in pages, as a cache hands them out: sequence i has lengths[i] rows in the pages of tables[i].
-- The rows are gathered, then attended to in tiles; gradients reach the pages. The caches of language models are read through their tables without gathering.
-- @tparam tensor q          [1, heads, rows of all sequences, width]
-- @tparam table opt         { k =, v = (tensors [pages, heads, rows of a page, width]), tables = (lists of page numbers from 0), lengths =, queries = (rows of
--                           q a sequence has, 1 each by default), attrs = (of vt.op.attention) }
-- @treturn tensor,tensor the result and lse, as of vt.op.attention
function M.paged(q, opt)
  local page = opt.k.shape[3]
  local function gather(pages)
    local parts = {}
    for i, list in ipairs(opt.tables) do
      if opt.lengths[i] > #list * page then
        error(("attention: sequence %d has %d rows, its %d pages hold %d"):format(i, opt.lengths[i], #list, #list * page), 3)
      end
      local rows = pages[vt.tensor(list, { dtype = "i64" })]:transpose(1, 2)
      parts[i] = rows:reshape(1, pages.shape[2], #list * page, pages.shape[4])[{ {}, {}, { 1, opt.lengths[i] } }]
    end
    return vt.op.cat(parts, { dim = 3 })
  end
  local ends_q, ends_k = { 0 }, { 0 }
  for i = 1, #opt.tables do
    ends_q[i + 1] = ends_q[i] + (opt.queries and opt.queries[i] or 1)
    ends_k[i + 1] = ends_k[i] + opt.lengths[i]
  end
  return vt.op.attention(q, gather(opt.k), gather(opt.v), nil, nil, nil, vt.tensor(ends_q), vt.tensor(ends_k), opt.attrs or {})
end

--- Elements that one head moves between memory and an on-chip store of `store` elements, for m queries, n keys and width d.
-- v1 (keys in the outer loop), v2 (queries in the outer loop, what this library does), dense (scores and weights written and read once each).
-- share: the share of blocks that a mask leaves, 1 by default; causal halves.
function M.moved(opt)
  local m, n, d = whole("m", opt.m, 1), whole("n", opt.n or opt.m, 1), whole("d", opt.d, 1)
  local store = whole("store", opt.store, 4 * d)
  local share = (opt.share or 1) * (opt.causal and 0.5 or 1)
  local key_tile = (store + 4 * d - 1) // (4 * d)
  local query_tile = math.min(key_tile, d)
  local query_tiles, key_tiles = (m + query_tile - 1) // query_tile, (n + key_tile - 1) // key_tile
  return {
    key_tile = key_tile, query_tile = query_tile,
    v1 = 2 * n * d + share * key_tiles * (3 * m * d + 4 * m),
    v2 = 2 * m * d + m + share * query_tiles * 2 * n * d,
    dense = 2 * m * d + 2 * n * d + 4 * m * n,
  }
end

-- Scores of two tiles, minus infinity where a key lies behind its query.
local function scores(q, k, scale, far, causal)
  local s = q:matmul(k:transpose()) * scale
  if not causal or far >= k.shape[1] - 1 then return s end
  return s:masked_fill(vt.ones(q.shape[1], k.shape[1]):triu(far + 1), -math.huge)
end

local function tiles(n, size)
  local i = -1
  return function()
    i = i + 1
    if i * size < n then return { i * size + 1, math.min(n, (i + 1) * size) } end
  end
end

--- Attention of one head, q [m, d], k and v [n, d], tile by tile through an on-chip store of `store` elements as the papers write it, and how many elements went
-- between that and memory: for studying; vt.op.attention is for use. schedule: "v1" (keys in the outer loop; sums and results go back and forth) or
-- "v2" (queries in the outer loop).
-- @treturn tensor,tensor,integer the result, the logarithms of sums, elements moved
function M.by_tiles(q, k, v, opt)
  local m, d, n = q.shape[1], q.shape[2], k.shape[1]
  local plan, moved = M.moved{ m = m, n = n, d = d, store = opt.store }, 0
  local o, max, sum = vt.zeros(m, d, { dtype = q.dtype }), vt.full({ m, 1 }, -math.huge, { dtype = q.dtype }), vt.zeros(m, 1, { dtype = q.dtype })
  -- From memory into the store, or back, or both; the one who counts sees the tile.
  local function move(t, times) moved = moved + t:count() * (times or 1) return t end
  local function join(q_tile, rows, columns, k_tile, v_tile, acc)
    local far = rows[1] + n - m - columns[1]
    if opt.causal and rows[2] + n - m < columns[1] then return acc end
    local s = scores(q_tile, k_tile, opt.scale or d ^ -0.5, far, opt.causal)
    local top = vt.op.maximum(acc.max, s:max(2, true))
    local shift = top:masked_fill(top:isinf(), 0)
    local p, shrink = (s - shift):exp(), (acc.max - shift):exp()
    return { max = top, sum = acc.sum * shrink + p:sum(2, true), o = acc.o * shrink + p:matmul(v_tile) }
  end
  local function divided(acc) return acc.o / acc.sum:masked_fill(acc.sum:eq(0), 1) end
  if opt.schedule == "v1" then
    for columns in tiles(n, plan.key_tile) do
      local k_tile, v_tile = move(k[{ columns }]), move(v[{ columns }])
      for rows in tiles(m, plan.query_tile) do
        local old = move(o[{ rows }], 2)
        local acc = { max = move(max[{ rows }], 2), sum = move(sum[{ rows }], 2) }
        acc.o = old * acc.sum
        acc = join(move(q[{ rows }]), rows, columns, k_tile, v_tile, acc)
        o[{ rows }], max[{ rows }], sum[{ rows }] = divided(acc), acc.max, acc.sum
      end
    end
  elseif opt.schedule == "v2" then
    for rows in tiles(m, plan.query_tile) do
      local q_tile, acc = move(q[{ rows }]), { o = o[{ rows }], max = max[{ rows }], sum = sum[{ rows }] }
      for columns in tiles(n, plan.key_tile) do
        if not opt.causal or rows[2] + n - m >= columns[1] then acc = join(q_tile, rows, columns, move(k[{ columns }]), move(v[{ columns }]), acc) end
      end
      o[{ rows }], max[{ rows }], sum[{ rows }] = move(divided(acc)), acc.max, acc.sum
      move(acc.max) -- lse
    end
  else
    error("attention: schedule must be \"v1\" or \"v2\"", 2)
  end
  return o, (max + sum:log()):reshape(m), moved
end

return M
