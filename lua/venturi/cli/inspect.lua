--- What a person wants to know of a GGUF file, as one table: `venturi info` prints it.
-- Facts come from the file's keys and tensors; the library is asked whether it can run the model and read the vocabulary, and says why not.
local vt = require "venturi"

local M = {}

local BLOCK = { f32 = { 1, 4 }, f16 = { 1, 2 }, q8 = { 32, 34 } } -- elements and bytes of a cache's types

local file_types = { ["0"] = "F32", ["1"] = "F16", ["2"] = "Q4_0", ["3"] = "Q4_1", ["7"] = "Q8_0", ["8"] = "Q5_0", ["9"] = "Q5_1", ["10"] = "Q2_K", ["11"] = "Q3_K_S",
  ["12"] = "Q3_K_M", ["13"] = "Q3_K_L", ["14"] = "Q4_K_S", ["15"] = "Q4_K_M", ["16"] = "Q5_K_S", ["17"] = "Q5_K_M", ["18"] = "Q6_K", ["32"] = "BF16" }

--- Tensors by type, largest first: list of { dtype, count, n_params, size, bits = bits per weight }, and their sums.
function M.types(tensors)
  local by_name, list, sums = {}, {}, { n_params = 0, size = 0 }
  for _, t in ipairs(tensors) do
    local params = 1
    for _, extent in ipairs(t.shape) do params = params * extent end
    local of = by_name[t.dtype]
    if not of then
      of = { dtype = t.dtype, count = 0, size = 0, n_params = 0 }
      by_name[t.dtype], list[#list + 1] = of, of
    end
    of.count, of.size, of.n_params = of.count + 1, of.size + t.size, of.n_params + params
    sums.size, sums.n_params = sums.size + t.size, sums.n_params + params
  end
  for _, of in ipairs(list) do of.bits = of.n_params > 0 and 8 * of.size / of.n_params or 0 end
  table.sort(list, function(a, b) return a.size > b.size or (a.size == b.size and a.dtype < b.dtype) end)
  sums.bits = sums.n_params > 0 and 8 * sums.size / sums.n_params or 0
  return list, sums
end

-- Keys of the architecture that a graph is made of: name here -> name in the file.
local graph_keys = { n_layers = "block_count", n_ctx = "context_length", n_embd = "embedding_length", n_ff = "feed_forward_length",
  n_heads = "attention.head_count", n_kv_heads = "attention.head_count_kv", key_length = "attention.key_length", value_length = "attention.value_length",
  rope_dims = "rope.dimension_count", rope_base = "rope.freq_base", rope_base_local = "rope.freq_base_swa", rope_scaling = "rope.scaling.type",
  rope_factor = "rope.scaling.factor", rope_original_ctx = "rope.scaling.original_context_length", window = "attention.sliding_window",
  window_pattern = "attention.sliding_window_pattern", logit_softcap = "final_logit_softcapping", experts = "expert_count", pooling = "pooling_type" }

local function graph_of(keys, architecture)
  local graph = {}
  for name, key in pairs(graph_keys) do
    local text = keys[architecture .. "." .. key]
    graph[name] = text and (tonumber(text) or text)
  end
  graph.n_kv_heads = graph.n_kv_heads or graph.n_heads
  local per_head = math.type(graph.n_embd) == "integer" and math.type(graph.n_heads) == "integer" and graph.n_heads > 0 and graph.n_embd // graph.n_heads
  graph.head_dim = graph.key_length or per_head or nil
  return graph
end

--- Bytes of keys and values of n tokens in a cache of this type; nil where the file does not say enough.
function M.cache_size(graph, type, n)
  local k = graph.key_length or graph.head_dim
  local v = graph.value_length or k
  for _, x in ipairs{ graph.n_layers or "", graph.n_kv_heads or "", k or "", v or "" } do
    if math.type(x) ~= "integer" or x < 1 or x > 1 << 20 then return nil end
  end
  local elements, bytes = table.unpack(BLOCK[type])
  if k % elements ~= 0 or v % elements ~= 0 then return nil end
  return graph.n_layers * graph.n_kv_heads * (k + v) // elements * bytes * n
end

-- ---- vocabulary ----

local special_names = { "bos", "eos", "unk", "sep", "pad", "cls", "mask", "eot", "eom" }

local function vocabulary_of(tok, keys)
  local v = { family = tok:family(), pre = keys["tokenizer.ggml.pre"], count = tok:count(), special = {}, eog = {} }
  for _, name in ipairs(special_names) do
    local id = tok:special(name)
    if id then v.special[#v.special + 1] = { name = name, id = id, text = tok:token(id) } end
  end
  for id = 0, v.count - 1 do
    if tok:is_eog(id) then v.eog[#v.eog + 1] = { id = id, text = tok:token(id) } end
  end
  v.begins = #tok:encode("", { bos = true }) > 0
  return v
end

local about = { "general.name", "general.basename", "general.size_label", "general.version", "general.finetune", "general.author", "general.organization",
  "general.license", "general.license.name", "general.license.link", "general.url", "general.repo_url", "general.source.url", "general.source.huggingface.repository",
  "general.base_model.0.name", "general.base_model.0.repo_url", "general.description", "general.languages", "general.tags", "general.quantized_by" }

--- Everything about a file. Raises what the reader says of a file that is no GGUF.
-- @treturn table { architecture, runs, why_not, about, graph, quantisation, types, sums, vocabulary, vocabulary_why_not, template, form, cache, meta, tensors }
function M.file(path)
  local gguf <close> = vt.experimental.gguf(path)
  local facts = { file = path, meta = gguf:meta(), tensors = gguf:tensors(), about = {}, cache = {} }
  local keys = {}
  for _, pair in ipairs(facts.meta) do keys[pair[1]] = pair[2] end
  facts.architecture = keys["general.architecture"] or ""
  for _, key in ipairs(about) do
    if keys[key] then facts.about[#facts.about + 1] = { key = key:gsub("^general%.", ""), value = keys[key] } end
  end
  facts.parts = math.tointeger(tonumber(keys["split.count"] or "1"))
  facts.graph = graph_of(keys, facts.architecture)
  facts.types, facts.sums = M.types(facts.tensors)
  facts.file_type = file_types[keys["general.file_type"] or ""]
  local model, err = vt.try(vt.model, path, { mapped = true })
  facts.runs, facts.why_not = model ~= nil, err and err.message
  if facts.architecture == "bert" then
    local encoder, problem = vt.try(vt.encoder, path)
    facts.runs, facts.why_not, facts.encoder = encoder ~= nil, problem and problem.message, encoder and encoder:info()
  end
  local tok, problem = vt.try(vt.tokenizer, path)
  if tok then
    facts.vocabulary = vocabulary_of(tok, keys)
    facts.template, facts.form = tok:template(), vt.chat.form(tok)
  else
    facts.vocabulary_why_not, facts.template = problem.message, keys["tokenizer.chat_template"]
    facts.form = facts.template and "template" or "none"
  end
  for type in pairs(BLOCK) do
    -- A model that pools its states reads a text at once and has no cache.
    facts.cache[type] = not facts.graph.pooling and M.cache_size(facts.graph, type, 1000) or nil
  end
  return facts
end

--- The same of a folder with a text encoder. Raises what the library says of one that is none.
-- @treturn table { file, encoder, vocabulary, vocabulary_why_not }
function M.folder(path)
  local encoder <close> = vt.encoder(path)
  local facts = { file = path, encoder = encoder:info() }
  local tok, problem = vt.try(encoder.tokenizer, encoder)
  if tok then facts.vocabulary = vocabulary_of(tok, {}) else facts.vocabulary_why_not = problem.message end
  return facts
end

return M
