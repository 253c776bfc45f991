--- A text encoder of two layers with made-up weights, as a folder: config.json, model.safetensors, vocab.txt.
local M = {}

local DIM, WIDE, POSITIONS = 8, 12, 16
M.pieces = { "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "cat", "dog", "sat", "##s", "." }

-- Numbers in (-1, 1), the same at every run.
local function numbers(n, seed)
  local out, state = {}, seed
  for i = 1, n do
    state = (state * 1103515245 + 12345) % 0x80000000
    out[i] = ("<f"):pack(state / 0x40000000 - 1)
  end
  return table.concat(out)
end

local function names(sparse)
  local list, n_vocab = {}, #M.pieces
  local function add(name, rows, cols) list[#list + 1] = { "bert." .. name, rows, cols } end
  local function dense(name, rows, cols)
    add(name .. ".weight", rows, cols)
    add(name .. ".bias", nil, rows)
  end
  local function norm(name)
    add(name .. ".gamma", nil, DIM)
    add(name .. ".beta", nil, DIM)
  end
  add("embeddings.word_embeddings.weight", n_vocab, DIM)
  add("embeddings.position_embeddings.weight", POSITIONS, DIM)
  add("embeddings.token_type_embeddings.weight", 2, DIM)
  norm("embeddings.LayerNorm")
  for layer = 0, 1 do
    local at = ("encoder.layer.%d."):format(layer)
    for _, part in ipairs{ "query", "key", "value" } do dense(at .. "attention.self." .. part, DIM, DIM) end
    dense(at .. "attention.output.dense", DIM, DIM)
    norm(at .. "attention.output.LayerNorm")
    dense(at .. "intermediate.dense", WIDE, DIM)
    dense(at .. "output.dense", DIM, WIDE)
    norm(at .. "output.LayerNorm")
  end
  if sparse then
    list[#list + 1] = { "cls.predictions.transform.dense.weight", DIM, DIM }
    list[#list + 1] = { "cls.predictions.transform.dense.bias", nil, DIM }
    list[#list + 1] = { "cls.predictions.transform.LayerNorm.gamma", nil, DIM }
    list[#list + 1] = { "cls.predictions.transform.LayerNorm.beta", nil, DIM }
    list[#list + 1] = { "cls.predictions.bias", nil, n_vocab }
  end
  return list
end

local function put(path, bytes)
  local file = assert(io.open(path, "wb"))
  assert(file:write(bytes))
  assert(file:close())
end

--- Writes the files into a folder that is there.
function M.write(folder, sparse)
  local entries, blob, size = {}, {}, 0
  for i, item in ipairs(names(sparse)) do
    local n = (item[2] or 1) * item[3]
    local shape = item[2] and ("%d,%d"):format(item[2], item[3]) or item[3]
    entries[i] = ('"%s":{"dtype":"F32","shape":[%s],"data_offsets":[%d,%d]}'):format(item[1], shape, size, size + 4 * n)
    blob[i], size = numbers(n, i), size + 4 * n
  end
  put(folder .. "/model.safetensors", ("<s8"):pack("{" .. table.concat(entries, ",") .. "}") .. table.concat(blob))
  put(folder .. "/config.json", ('{"model_type":"bert","hidden_act":"gelu","hidden_size":%d,"intermediate_size":%d,"layer_norm_eps":1e-12,'
    .. '"max_position_embeddings":%d,"num_attention_heads":2,"num_hidden_layers":2,"vocab_size":%d}'):format(DIM, WIDE, POSITIONS, #M.pieces))
  put(folder .. "/vocab.txt", table.concat(M.pieces, "\n") .. "\n")
  return folder
end

return M
