--- Rewrites a GGUF file of float32 tensors: queries, keys and values of each layer become one tensor, as newer converters write them, and the
-- number of key/value heads a list.
local M = {}

local SIZES = { [0] = 1, 1, 2, 2, 4, 4, 4, 1, [10] = 8, [11] = 8, [12] = 8 }
local STRING, ARRAY, U32 = 8, 9, 4

local function value_end(data, kind, at)
  if kind == STRING then return select(2, string.unpack("<s8", data, at)) end
  if kind ~= ARRAY then return at + SIZES[kind] end
  local of, n, next_at = string.unpack("<I4I8", data, at)
  for _ = 1, n do next_at = value_end(data, of, next_at) end
  return next_at
end

local function read_keys(data, count, at)
  local keys = {}
  for _ = 1, count do
    local key, kind, value_at = string.unpack("<s8I4", data, at)
    at = value_end(data, kind, value_at)
    keys[#keys + 1] = { key = key, kind = kind, value = data:sub(value_at, at - 1) }
  end
  return keys, at
end

local function read_tensors(data, count, at)
  local tensors = {}
  for i = 1, count do
    local name, n_dims, next_at = string.unpack("<s8I4", data, at)
    local t = { name = name }
    for d = 1, n_dims do t[d], next_at = string.unpack("<I8", data, next_at) end
    t.kind, t.offset, at = string.unpack("<I4I8", data, next_at)
    tensors[i] = t
  end
  local base = (at - 1 + 31) // 32 * 32 + 1
  for _, t in ipairs(tensors) do
    assert(t.kind == 0, "float32 only")
    t.data = data:sub(base + t.offset, base + t.offset + 4 * t[1] * (t[2] or 1) - 1)
  end
  return tensors
end

local function fuse(tensors)
  local by_name, out = {}, {}
  for _, t in ipairs(tensors) do by_name[t.name] = t end
  for _, t in ipairs(tensors) do
    local layer, which, rest = t.name:match "^(blk%.%d+%.attn_)([qkv])(%.%a+)$"
    if which == "q" then
      local k, v = by_name[layer .. "k" .. rest], by_name[layer .. "v" .. rest]
      local rows = #t
      out[#out + 1] = { name = layer .. "qkv" .. rest, data = t.data .. k.data .. v.data, table.unpack(t, 1, rows - 1) }
      out[#out][rows] = t[rows] + k[rows] + v[rows]
    elseif not which then
      out[#out + 1] = t
    end
  end
  return out
end

local function put_keys(out, keys, n_layers)
  for _, k in ipairs(keys) do
    local kind, value = k.kind, k.value
    if k.key:find "head_count_kv$" then kind, value = ARRAY, string.pack("<I4I8", U32, n_layers) .. value:rep(n_layers) end
    out[#out + 1] = string.pack("<s8I4", k.key, kind) .. value
  end
end

--- The bytes of the new file.
function M.fuse(data, n_layers)
  local magic, version, n_tensors, n_keys, at = string.unpack("<c4I4I8I8", data)
  local keys, tensors
  keys, at = read_keys(data, n_keys, at)
  tensors = fuse(read_tensors(data, n_tensors, at))
  local out, body, size = { string.pack("<c4I4I8I8", magic, version, #tensors, #keys) }, {}, 0
  put_keys(out, keys, n_layers)
  for _, t in ipairs(tensors) do
    out[#out + 1] = string.pack("<s8I4", t.name, #t)
    for _, extent in ipairs(t) do out[#out + 1] = string.pack("<I8", extent) end
    out[#out + 1] = string.pack("<I4I8", 0, size)
    body[#body + 1] = t.data .. ("\0"):rep(-#t.data % 32)
    size = size + #body[#body]
  end
  local head = table.concat(out)
  return head .. ("\0"):rep(-#head % 32) .. table.concat(body)
end

return M
