--- Makes a complete small chat model: the real vocabulary of tok_bpe_smollm.gguf, ChatML, a llama of two layers with random weights. It talks
-- nonsense, but all of a real model's way is gone. Used where a test needs a model that can always be had.
local vt = require "venturi"

local M = {}

local N_VOCAB, N_EMBD, N_FF, N_HEADS, N_KV_HEADS, N_LAYERS, N_CTX = 900, 32, 64, 4, 2, 2, 1024
local U32, F32, STRING = 4, 6, 8
local TEMPLATE = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
  .. "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

local function key(name, kind, value)
  local form = ({ [U32] = "<s8I4I4", [F32] = "<s8I4f", [STRING] = "<s8I4s8" })[kind]
  return string.pack(form, name, kind, value)
end

local function weights(n, stream, scale)
  local x = vt.random.normal(5, n + n % 2, { stream = stream })
  local parts = {}
  for i = 1, n do parts[i] = string.pack("<f", x[i] * scale) end
  return table.concat(parts)
end

local function tensors()
  local list, head = {}, N_EMBD // N_HEADS
  local function add(name, ...)
    local n = 1
    for _, extent in ipairs{ ... } do n = n * extent end
    local norm = name:find("norm")
    list[#list + 1] = { name = name .. ".weight", shape = { ... }, data = norm and string.pack("<f", 1):rep(n) or weights(n, #list, 0.2) }
  end
  add("token_embd", N_EMBD, N_VOCAB)
  add("output_norm", N_EMBD)
  for layer = 0, N_LAYERS - 1 do
    local block = ("blk.%d."):format(layer)
    add(block .. "attn_norm", N_EMBD)
    add(block .. "attn_q", N_EMBD, N_EMBD)
    add(block .. "attn_k", N_EMBD, N_KV_HEADS * head)
    add(block .. "attn_v", N_EMBD, N_KV_HEADS * head)
    add(block .. "attn_output", N_EMBD, N_EMBD)
    add(block .. "ffn_norm", N_EMBD)
    add(block .. "ffn_gate", N_EMBD, N_FF)
    add(block .. "ffn_up", N_EMBD, N_FF)
    add(block .. "ffn_down", N_FF, N_EMBD)
  end
  return list
end

--- Writes the model.
-- @tparam string vocabulary path of tok_bpe_smollm.gguf
-- @tparam string path where to
-- @tparam[opt] string template another chat template; "": none
function M.write(vocabulary, path, template)
  local file = assert(io.open(vocabulary, "rb"))
  local source = file:read("a")
  file:close()
  local magic, version, n_tensors, n_keys = string.unpack("<c4I4I8I8", source)
  assert(magic == "GGUF" and n_tensors == 0)
  local more = {
    key("general.name", STRING, "tiny-chat"), key("llama.block_count", U32, N_LAYERS),
    key("llama.context_length", U32, N_CTX), key("llama.embedding_length", U32, N_EMBD), key("llama.feed_forward_length", U32, N_FF),
    key("llama.attention.head_count", U32, N_HEADS), key("llama.attention.head_count_kv", U32, N_KV_HEADS), key("llama.vocab_size", U32, N_VOCAB),
    key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5), key("llama.rope.freq_base", F32, 1e4),
    key("llama.rope.dimension_count", U32, N_EMBD // N_HEADS),
  }
  if template ~= "" then more[#more + 1] = key("tokenizer.chat_template", STRING, template or TEMPLATE) end
  local list, infos, data, offset = tensors(), {}, {}, 0
  for i, t in ipairs(list) do
    local extents = string.pack("<" .. ("I8"):rep(#t.shape), table.unpack(t.shape))
    infos[i] = string.pack("<s8I4", t.name, #t.shape) .. extents .. string.pack("<I4I8", 0, offset)
    data[i] = t.data .. ("\0"):rep(-#t.data % 32)
    offset = offset + #data[i]
  end
  local keys = source:sub(25, M.keys_end(source, n_keys))
  local head = string.pack("<c4I4I8I8", magic, version, #list, n_keys + #more) .. keys .. table.concat(more) .. table.concat(infos)
  local out = assert(io.open(path, "wb"))
  assert(out:write(head, ("\0"):rep(-#head % 32), table.concat(data)))
  assert(out:close())
end

local sizes = { [0] = 1, 1, 2, 2, 4, 4, 4, 1, [10] = 8, [11] = 8, [12] = 8 }

-- Position behind a value of a kind at `at`.
local function skip(source, at, kind)
  if kind == 8 then return select(2, string.unpack("<s8", source, at)) end
  if kind ~= 9 then return at + sizes[kind] end
  local of, count, here = string.unpack("<I4I8", source, at)
  if sizes[of] then return here + count * sizes[of] end
  for _ = 1, count do here = skip(source, here, of) end
  return here
end

--- Last byte of the keys of a GGUF file.
function M.keys_end(source, n_keys)
  local at = 25
  for _ = 1, n_keys do
    local _, kind, here = string.unpack("<s8I4", source, at)
    at = skip(source, here, kind)
  end
  return at - 1
end

return M
