--- venturi encode: texts to vectors, or to weighted terms.
local input = require "venturi.cli.input"
local json = require "venturi.cli.json"
local options = require "venturi.cli.options"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"
local vt = require "venturi"
local shared = options.shared

local M = {
  name = "encode",
  summary = "turn texts into vectors or weighted terms",
  examples = {
    "venturi encode ~/.cache/venturi/models/all-MiniLM-L6-v2 'a cat' 'a kitten' 'a car' --similarity",
    "venturi encode model-folder --file sentences.txt --npy -o vectors.npy",
    "venturi encode splade-folder 'how do I install a package' --top 10",
  },
  arguments = {
    { "encoder", help = "a folder with config.json and model.safetensors, or a GGUF file of architecture bert" },
    { "texts", count = "*", help = "the texts; without them, and without --file, stdin, a text a line" },
  },
  options = {
    { "file", short = "f", arg = "FILE", kind = "string", group = "Texts", env = false, help = "a text a line from a file, - for stdin" },
    { "max-tokens", arg = "N", kind = "integer", min = 3, group = "Texts", help = "cut texts to N tokens (default: as the model says)" },
    { "int8", kind = "flag", group = "Model", help = "weights and activations as 8-bit integers: faster, a little less exact" },
    { "pooling", arg = "NAME", kind = "choice", choices = { "model", "mean", "cls", "max" }, default = "model", group = "Model",
      help = "how a text's tokens become one vector: model, mean, cls or max" },
    { "raw", kind = "flag", group = "Model", help = "vectors keep their length" },
    { "batch-tokens", arg = "N", kind = "integer", min = 1, max = 1 << 20, group = "Model", help = "most tokens at once (default: 1024)" },
    shared.threads,
    { "top", short = "n", arg = "N", kind = "integer", min = 1, group = "Output",
      help = "sparse: the N largest terms of each text; with --similarity the N most similar texts" },
    { "similarity", kind = "flag", group = "Output", help = "cosines between the texts in place of vectors" },
    { "npy", kind = "flag", group = "Output", help = "write the vectors as a NumPy array [texts, dim] of float32" },
    shared.json, shared.output, shared.force,
  },
  notes = "Without --json each vector is a line of numbers, each text of a sparse encoder a line of terms with their weights.",
}

local function usage(message, ...) error({ usage = message:format(...) }, 0) end

local function lines_of(path)
  local list = {}
  for line in input.read(path):gmatch("([^\n]*)\n?") do list[#list + 1] = (line:gsub("\r$", "")) end
  if list[#list] == "" then list[#list] = nil end -- what follows the last line end
  return list
end

local function texts_of(opt)
  if opt.file and #opt.texts > 0 then usage("give either texts or --file") end
  local list = #opt.texts > 0 and opt.texts or lines_of(opt.file or "-")
  for i, text in ipairs(list) do options.text(("text %d"):format(i), text) end
  if #list == 0 then usage("there is no text") end
  return list
end

local function check_forms(opt, info)
  if opt.raw and opt.similarity then usage("option '--raw' does not change cosines (--similarity)") end
  if opt.npy and (opt.json or opt.similarity) then usage("--npy excludes --json and --similarity") end
  if info.kind == "dense" then
    if opt.top and not opt.similarity then usage("option '--top' is for sparse encoders and for --similarity") end
    return
  end
  if opt.npy then usage("option '--npy' is for dense encoders") end
  if opt.raw or opt.pooling ~= "model" then usage("options '--raw' and '--pooling' are for dense encoders") end
end

-- ---- similarity ----

local function dot_dense(a, b)
  local sum = 0.0
  for i = 1, #a do sum = sum + a[i] * b[i] end
  return sum
end

local function dot_sparse(a, b)
  local of, sum = {}, 0.0
  for _, pair in ipairs(a) do of[pair[1]] = pair[2] end
  for _, pair in ipairs(b) do sum = sum + (of[pair[1]] or 0.0) * pair[2] end
  return sum
end

local function similarity(vectors, dot)
  local length, rows = {}, {}
  for i, v in ipairs(vectors) do length[i] = math.sqrt(dot(v, v)) end
  for i, a in ipairs(vectors) do
    rows[i] = {}
    for j, b in ipairs(vectors) do rows[i][j] = length[i] * length[j] > 0 and dot(a, b) / (length[i] * length[j]) or 0.0 end
  end
  return rows
end

-- The other texts, most similar first: { { index, cosine }, ... }, indices from 0.
local function nearest(row, own, n)
  local list = {}
  for j, cosine in ipairs(row) do
    if j ~= own then list[#list + 1] = { j - 1, cosine } end
  end
  table.sort(list, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] < b[1]) end)
  return table.move(list, 1, math.min(n, #list), 1, {})
end

-- ---- forms of output ----

local function npy(packed)
  local header = ("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }"):format(packed.shape[1], packed.shape[2])
  header = header .. (" "):rep((64 - (10 + #header + 1) % 64) % 64) .. "\n"
  return "\x93NUMPY\1\0" .. string.pack("<I2", #header) .. header .. packed.data
end

local function numbers(list)
  local out = {}
  for i, x in ipairs(list) do out[i] = ("%.7g"):format(x) end
  return table.concat(out, " ")
end

local function terms_of(pairs_of_text, tok, n)
  local out = {}
  for i = 1, math.min(n or #pairs_of_text, #pairs_of_text) do
    local id, weight = pairs_of_text[i][1], pairs_of_text[i][2]
    out[i] = { id = id, term = tok:token(id), weight = weight }
  end
  return out
end

local function line_of_terms(terms)
  local out = {}
  for i, t in ipairs(terms) do out[i] = ("%s:%.4f"):format(t.term, t.weight) end
  return table.concat(out, " ")
end

local function write_similarity(out, opt, texts, rows)
  local near
  if opt.top then
    near = {}
    for i, row in ipairs(rows) do near[i] = nearest(row, i, opt.top) end
  end
  if opt.json then
    out:write(json.encode{ schema = 1, texts = texts, similarity = not near and rows or nil, nearest = near }, "\n")
    return
  end
  for i, row in ipairs(rows) do
    if not near then
      local cells = {}
      for j, cosine in ipairs(row) do cells[j] = ("%7.4f"):format(cosine) end
      out:write(table.concat(cells), "  ", talk.plain((texts[i]:gsub("%s", " "))), "\n")
    else
      out:write(("[%d] %s\n"):format(i - 1, talk.plain((texts[i]:gsub("%s", " ")))))
      for _, pair in ipairs(near[i]) do out:write(("  %7.4f  [%d] %s\n"):format(pair[2], pair[1], talk.plain((texts[pair[1] + 1]:gsub("%s", " "))))) end
    end
  end
end

local function write_dense(out, opt, texts, vectors, info)
  if opt.json then
    out:write(json.encode{ schema = 1, kind = "dense", dim = info.dim, texts = texts, vectors = vectors }, "\n")
    return
  end
  for _, v in ipairs(vectors) do out:write(numbers(v), "\n") end
end

local function write_sparse(out, opt, texts, vectors, tok)
  local lists = {}
  for i, v in ipairs(vectors) do lists[i] = terms_of(v, tok, opt.top) end
  if opt.json then
    out:write(json.encode{ schema = 1, kind = "sparse", texts = texts, terms = lists }, "\n")
    return
  end
  for _, list in ipairs(lists) do out:write(line_of_terms(list), "\n") end
end

function M.run(opt)
  if not program.kind(opt.encoder) then talk.fail(3, opt.encoder .. ": no such model", "In a source tree './dev encoder all-MiniLM-L6-v2' fetches one.") end
  local start = program.clock()
  local encoder <close> = vt.encoder(opt.encoder, { int8 = opt.int8 })
  local info = encoder:info()
  talk.detail("%s: %s, %d layers, %d elements, opened in %.2f s; %d threads, %s kernels", opt.encoder, info.kind, info.n_layers, info.dim,
    program.clock() - start, vt.threads(), vt.isa())
  check_forms(opt, info)
  local texts = texts_of(opt)
  local out = talk.open(opt)
  start = program.clock()
  local vectors = encoder:encode(texts, { raw = opt.raw, packed = opt.npy, max_tokens = opt.max_tokens, batch_tokens = opt.batch_tokens,
    pooling = opt.pooling })
  talk.detail("%d texts in %.3f s", #texts, program.clock() - start)
  if opt.npy then out:write(npy(vectors))
  elseif opt.similarity then write_similarity(out, opt, texts, similarity(vectors, info.kind == "dense" and dot_dense or dot_sparse))
  elseif info.kind == "dense" then write_dense(out, opt, texts, vectors, info)
  else write_sparse(out, opt, texts, vectors, encoder:tokenizer()) end
  talk.finish(out, opt)
  return 0
end

return M
