--- Masks of blocks for `vt.op.attention{ block = ... }`, and how many numbers attention moves.
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

return M
