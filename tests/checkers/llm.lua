--- llm_*: a real model on real prompts. Exact mode against `float`, tightly; fast mode against `q8act`, loosely, since the peer rounds its
-- activations in another way. Greedy text is compared up to the first step at which the two best tokens are too close to call.
local vt = require "venturi"

local M = {}

local LOGIT_TOLERANCE, NLL_TOLERANCE = 1e-3, 2e-3  -- exact mode; the file prints the log-likelihoods to 3 decimals
local FAST_NLL, FAST_OVERLAP, FAST_MARGIN = 0.05, 8, 1.0

local function mean(list, first)
  local sum = 0
  for i = first, #list do sum = sum + list[i] end
  return sum / (#list - first + 1)
end

local function statistics(logits)
  local top, sum, squares, exps = -math.huge, 0, 0, 0
  for _, x in ipairs(logits) do
    top, sum, squares = math.max(top, x), sum + x, squares + x * x
  end
  for _, x in ipairs(logits) do exps = exps + math.exp(x - top) end
  return top + math.log(exps), sum / #logits, math.sqrt(squares / #logits)
end

-- Steps are compared while the margin is clear: at least `margin` between the two best logits.
local function check_greedy(file, session, want, margin)
  local ids, margins = file.get(want, "greedy"), file.get(want, "greedy_margin")
  if not ids then return end
  for i, id in ipairs(ids) do
    if not margins or type(margins[i]) ~= "number" then error("greedy without its margins", 0) end
    if margins[i] < margin then return end
    file.report:same(("greedy[%d]"):format(i - 1), session:next(), id)
  end
end

-- Log-likelihoods of the prompt's tokens but the first, which nothing comes before.
local function score(session, tokens)
  local scores = session:score(tokens)
  for i = 1, #scores do scores[i] = -scores[i] end
  return table.move(scores, 2, #scores, 1, {})
end

local function check_top10(report, session, logits, top10, tol)
  local ours = session:top(#top10)
  for i, pair in ipairs(top10) do
    local id, logit = math.tointeger(pair[1]), pair[2]
    report:close(("top10[%d]"):format(i - 1), id and logits[id + 1], logit, tol)
    report:close(("top10[%d] by rank"):format(i - 1), ours[i][2], logit, tol)
  end
end

local function check_exact(file, model, tokens, want)
  local report = file.report
  local tol = file.tolerance({ "tolerance" }, LOGIT_TOLERANCE)
  local session <close> = model:session{ exact = true }
  local nll = score(session, tokens)
  local logits = session:logits()
  local lse, average, rms = statistics(logits)
  local function close(key, got, limit)
    local v = file.get(want, key)
    if v ~= nil then report:close(key, got, v, limit) end
  end
  close("prompt_nll", nll, NLL_TOLERANCE)
  close("prompt_nll_mean", mean(nll, 1), NLL_TOLERANCE)
  close("logsumexp", lse, tol)
  close("logit_mean", average, tol)
  close("logit_rms", rms, tol)
  if file.get(want, "top10") then check_top10(report, session, logits, want.top10, tol) end
  check_greedy(file, session, want, 2 * tol)
end

local function check_fast(file, model, tokens, want)
  local report = file.report
  local session <close> = model:session{}
  local nll = mean(score(session, tokens), 1)
  if file.get(want, "prompt_nll_mean") then report:close("fast prompt_nll_mean", nll, want.prompt_nll_mean, FAST_NLL) end
  if file.get(want, "top10") then
    local theirs, shared = {}, 0
    for _, pair in ipairs(want.top10) do theirs[pair[1]] = true end
    for _, pair in ipairs(session:top(#want.top10)) do shared = shared + (theirs[pair[1]] and 1 or 0) end
    report:holds(("fast top10: %d shared"):format(shared), shared >= FAST_OVERLAP)
  end
  check_greedy(file, session, want, FAST_MARGIN)
end

local function check_case(file, model, tok, case)
  local tokens = file.get(case, "tokens")
  if type(case.text) == "string" then
    local ids = tok:encode(case.text, { special = file.get(case, "parse_special") or false, bos = true })
    if tokens then file.report:same("tokens", ids, tokens) end
    tokens = tokens or ids
  end
  if type(tokens) ~= "table" or #tokens < 2 then error("neither text nor tokens", 0) end
  local float, q8act = file.get(case, "float"), file.get(case, "q8act")
  if not float and not q8act then error("neither 'float' nor 'q8act'", 0) end
  if float then check_exact(file, model, tokens, float) end
  if q8act then check_fast(file, model, tokens, q8act) end
end

function M.check(file)
  if type(file.data.cases) ~= "table" then error("no cases", 0) end
  local model <close> = vt.model(file.model(file.get(file.data, "model")))
  local tok <close> = model:tokenizer()
  for _, case in ipairs(file.data.cases) do
    file.report:case(tostring(case.name), function() check_case(file, model, tok, case) end)
  end
end

return M
