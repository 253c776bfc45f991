--- venturi info: what a model file holds, for people.
local info_graph = require "venturi.cli.info_graph"
local inspect = require "venturi.cli.inspect"
local json = require "venturi.cli.json"
local program = require "venturi.program"
local shared = require("venturi.cli.options").shared
local talk = require "venturi.cli.talk"

local M = {
  name = "info",
  summary = "show what a model file holds",
  examples = { "venturi info model.gguf", "venturi info --tensors model.gguf | sort -k3", "venturi info --template model.gguf", "venturi info --json model.gguf | jq .graph" },
  arguments = { { "file", help = "a GGUF file, with or without weights; a saved graph; or the folder of a text encoder" } },
  options = {
    { "keys", kind = "flag", group = "Output", help = "all metadata of the file, a line a key" },
    { "tensors", kind = "flag", group = "Output", help = "list each tensor: type, name, bytes, extents (fastest first)" },
    { "template", kind = "flag", group = "Output", help = "the chat template's text and nothing else" },
    shared.json,
  },
  notes = "Works for models that Venturi cannot run, and says so. Memory of the cache is for 1,000 tokens of all layers.",
}

local function one_line(text, most)
  text = text:gsub("\xc2[\x80-\x9f]", "?"):gsub("%c", function(c) return ({ ["\n"] = "\\n", ["\t"] = "\\t" })[c] or ("\\%d"):format(c:byte()) end)
  return #text > most and text:sub(1, (utf8.offset(text, 0, most - 2) or most - 2) - 1) .. "..." or text
end

local function thousands(n)
  local text = ("%d"):format(n):reverse():gsub("%d%d%d", "%0,"):reverse()
  return (text:gsub("^,", ""))
end

local function mib(n)
  return n >= 2^30 and ("%.2f GiB"):format(n / 2^30) or ("%.1f MiB"):format(n / 2^20)
end

local function line(label, fmt, ...)
  print(("%-15s %s"):format(label, one_line(fmt:format(...), 400)))
end

-- ---- parts of the report ----

local function print_graph(facts)
  local g = facts.graph
  if g.n_layers then
    line("Graph", "%s layers, width %s, feed-forward %s, heads %s (%s of keys and values) of %s", g.n_layers, g.n_embd or "?", g.n_ff or "?", g.n_heads or "?",
      g.n_kv_heads or "?", g.head_dim or "?")
  end
  if g.experts then line("Experts", "%s", g.experts) end
  if g.n_ctx then line("Context", "%s tokens", math.type(g.n_ctx) == "integer" and thousands(g.n_ctx) or g.n_ctx) end
  if g.window and g.window ~= 0 then line("Window", "%s tokens, of local layers%s", g.window, g.window_pattern and ", pattern " .. g.window_pattern or "") end
  if g.rope_base or g.rope_dims then
    line("RoPE", "base %s%s%s%s%s", g.rope_base or "10000 (default)", g.rope_base_local and ", local " .. g.rope_base_local or "",
      g.rope_dims and (", %s dimensions"):format(g.rope_dims) or "", g.rope_scaling and ", scaling " .. g.rope_scaling or "",
      g.rope_factor and (" by %s"):format(g.rope_factor) .. (g.rope_original_ctx and (" from %s tokens"):format(g.rope_original_ctx) or "") or "")
  end
  if g.logit_softcap then line("Soft cap", "%s, of logits", g.logit_softcap) end
end

local function tokens_text(list)
  local parts = {}
  for _, token in ipairs(list) do parts[#parts + 1] = ("%s%d %s"):format(token.name and token.name .. " " or "", token.id, token.text) end
  return #parts > 0 and table.concat(parts, ", ") or "none"
end

local function print_vocabulary(facts)
  local v = facts.vocabulary
  if not v then
    line("Vocabulary", "%s", facts.vocabulary_why_not)
    return
  end
  line("Vocabulary", "%s tokens, %s%s", thousands(v.count), v.family, v.pre and ", pre-tokenizer " .. v.pre or "")
  line("Special", "%s%s", tokens_text(v.special), v.begins and "; texts begin with bos" or "")
  if not facts.encoder then line("End of answer", "%s", tokens_text(v.eog)) end
end

local function print_template(facts)
  if not facts.template then
    line("Chat template", "none")
  elseif facts.form == "ChatML" then
    line("Chat template", "ChatML")
  else
    line("Chat template", "%d bytes (--template prints it): %s", #facts.template, one_line(facts.template, 80))
  end
end

local function print_memory(facts)
  if facts.sums.size == 0 then return end
  local cache = {}
  for _, type in ipairs{ "f16", "q8", "f32" } do
    if facts.cache[type] then cache[#cache + 1] = ("%s %s"):format(mib(facts.cache[type]), type) end
  end
  line("Memory", "weights %s%s", mib(facts.sums.size), #cache > 0 and "; cache of 1,000 tokens " .. table.concat(cache, ", ") or "")
end

local function print_types(facts)
  print(("\n%-8s %8s %18s %18s %12s"):format("type", "tensors", "weights", "bytes", "bits/weight"))
  local function row(name, count, of)
    print(("%-8s %8d %18s %18s %12.4f"):format(name, count, thousands(of.n_params), thousands(of.size), of.bits))
  end
  for _, of in ipairs(facts.types) do row(of.dtype, of.count, of) end
  row("all", #facts.tensors, facts.sums)
end

local function print_encoder(e)
  line("Encoder", "%s vectors of %s numbers%s, of texts up to %s tokens", e.kind, thousands(e.dim), e.pooling and ", pooling " .. e.pooling or "", thousands(e.max_tokens))
end

local function print_folder(facts)
  local e = facts.encoder
  line("Folder", "%s", facts.file)
  print_encoder(e)
  line("Weights", "%s", thousands(e.n_params))
  line("Graph", "%d layers, width %d, feed-forward %d, heads %d, %d positions", e.n_layers, e.n_embd, e.n_ff, e.n_heads, e.n_positions)
  print_vocabulary(facts)
end

local function print_report(facts)
  line("File", "%s%s", facts.file, facts.parts and facts.parts > 1 and (" (of %d parts)"):format(facts.parts) or "")
  for _, item in ipairs(facts.about) do line(item.key:sub(1, 1):upper() .. item.key:sub(2, 15):gsub("[._]", " "), "%s", item.value) end
  line("Architecture", "%s; %s", facts.architecture ~= "" and facts.architecture or "not named",
    facts.runs and "Venturi runs it" or "Venturi does not run it: " .. facts.why_not)
  if facts.encoder then print_encoder(facts.encoder) end
  if facts.sums.n_params > 0 then
    line("Weights", "%s in %d tensors, %s, %.2f bits a weight%s", thousands(facts.sums.n_params), #facts.tensors, mib(facts.sums.size), facts.sums.bits,
      facts.file_type and "; mostly " .. facts.file_type or "")
  else
    line("Weights", "none: 0 tensors")
  end
  print_graph(facts)
  print_vocabulary(facts)
  print_template(facts)
  print_memory(facts)
  if #facts.tensors > 0 then print_types(facts) end
end

local function print_json(facts)
  local metadata = {}
  for i, pair in ipairs(facts.meta) do metadata[i] = { key = pair[1], value = pair[2] } end
  print(json.encode{
    schema = 1, file = facts.file, parts = facts.parts, architecture = facts.architecture, runs = facts.runs, why_not = facts.why_not,
    encoder = facts.encoder, about = facts.about, graph = facts.graph,
    file_type = facts.file_type, types = facts.types, n_params = facts.sums.n_params, size = facts.sums.size, bits_per_weight = facts.sums.bits,
    vocabulary = facts.vocabulary, chat_template = facts.template, chat_form = facts.form, cache_bytes_per_1000_tokens = facts.cache,
    metadata = metadata, tensors = facts.tensors,
  })
end

-- --template and --json print one thing each.
local function check_forms(opt)
  if opt.template and (opt.keys or opt.tensors or opt.json) then error({ usage = "--template excludes --keys, --tensors and --json" }, 0) end
  if opt.json and (opt.keys or opt.tensors) then error({ usage = "--json holds all that --keys and --tensors print: give it alone" }, 0) end
end

local function check_is_gguf(opt)
  if opt.keys or opt.tensors or opt.template then error({ usage = "--keys, --tensors and --template are for GGUF files" }, 0) end
end

function M.run(opt)
  check_forms(opt)
  if program.kind(opt.file) == "folder" then
    if not program.kind(opt.file .. "/config.json") then talk.fail(3, opt.file .. ": is a folder, and holds no text encoder") end
    check_is_gguf(opt)
    local facts = inspect.folder(opt.file)
    facts.schema = 1
    if opt.json then print(json.encode(facts)) else print_folder(facts) end
    return 0
  end
  if info_graph.is_graph(opt.file) then
    check_is_gguf(opt)
    info_graph.run(opt.file, opt.json)
    return 0
  end
  local facts = inspect.file(opt.file)
  if opt.json then
    print_json(facts)
    return 0
  end
  if opt.template then
    if not facts.template then talk.fail(1, opt.file .. ": no chat template") end
    print(program.tty(1) and talk.plain(facts.template) or facts.template)
    return 0
  end
  if not (opt.keys or opt.tensors) then print_report(facts) end
  if opt.keys then
    for _, pair in ipairs(facts.meta) do print(("%-40s %s"):format(pair[1], one_line(pair[2], 100))) end
  end
  if opt.tensors then
    for _, t in ipairs(facts.tensors) do print(("%-6s %-32s %12d  [%s]"):format(t.dtype, t.name, t.size, table.concat(t.shape, ", "))) end
  end
  return 0
end

return M
