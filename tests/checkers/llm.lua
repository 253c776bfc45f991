--- llm_*: a real model on real prompts. Exact mode against `float`, tightly; fast mode against `q8act`, loosely, since the peer rounds its
-- activations in another way: top-10 logits of the two numerics were measured up to 0.72 apart and a token's log-likelihood likewise, so that
-- 1.5 (1.0 for what is summed over the vocabulary) tells a wrong model from a rounding, and the mean log-likelihood, at most 0.04 apart, is
-- held to 0.05. Greedy ids are compared until they part, which they may only where the best tokens are too close to call, by the file's
-- margin and by our own logits.
local vt = require "venturi"

local M = {}

local EXACT = { logit = 1e-3, nll = 2e-3 }         -- the file prints the log-likelihoods to 3 decimals
local EXACT_OF = { gemma3 = { logit = 0.02, nll = 0.03 } } -- the peer looks GELU up in a table of halves
local PRINTED = 1e-3                               -- margins too
local TIES = 10                                    -- exact mode: greedy ids may part below so many tolerances
local FAST = { logit = 1.5, summed = 1.0, nll = 1.5, nll_mean = 0.05, overlap = 8, tie = 1.0 }
local TOP = 10

local function list_of(what, list, n)
  if type(list) ~= "table" or #list == 0 then error(what .. ": no list", 0) end
  if n and #list ~= n then error(("%s: %d values instead of %d"):format(what, #list, n), 0) end
  return list
end

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

-- Whether the file's text is its ids; a code point that the last id leaves unfinished may be there as U+FFFD.
local function check_text(report, tok, ids, text)
  if type(text) ~= "string" then error("greedy_text: no text", 0) end
  local decoded = tok:decode(ids, { special = true })
  local whole = text:gsub("\u{FFFD}+$", "")
  report:holds("greedy_text is the text of greedy", decoded == text or (decoded:sub(1, #whole) == whole and #decoded - #whole < 4))
end

-- Ids are compared up to the first that differs. There the file's id must be within `tie` of our best, and the file's margin below it.
local function check_greedy(file, tok, session, want, tie, margin_tolerance)
  local report, ids, margins = file.report, file.get(want, "greedy"), file.get(want, "greedy_margin")
  if ids == nil then
    if margins ~= nil then error("greedy_margin without greedy", 0) end
    return
  end
  list_of("greedy", ids)
  if margins ~= nil then
    for i, margin in ipairs(list_of("greedy_margin", margins, #ids)) do
      if not math.type(margin) or not (margin >= 0 and margin < math.huge) then error(("greedy_margin[%d]: no number >= 0"):format(i - 1), 0) end
    end
  end
  local text = file.get(want, "greedy_text")
  if text ~= nil then check_text(report, tok, ids, text) end
  for i, id in ipairs(ids) do
    local best, margin = session:top(2), margins and margins[i]
    if math.tointeger(id) ~= best[1][1] then
      local theirs = math.tointeger(id) and session:logits()[id + 1] or -math.huge
      local tied = best[1][2] - theirs < tie and (not margin or margin < tie)
      if not tied then report:same(("greedy[%d]"):format(i - 1), best[1][1], id) end
      return
    end
    report:same(("greedy[%d]"):format(i - 1), session:next(), id)
    if margin and margin_tolerance then report:close(("greedy_margin[%d]"):format(i - 1), best[1][2] - best[2][2], margin, margin_tolerance) end
  end
end

-- Log-likelihoods of the prompt's tokens but the first, which nothing comes before.
local function score(session, tokens)
  local scores = session:score(tokens)
  for i = 1, #scores do scores[i] = -scores[i] end
  return table.move(scores, 2, #scores, 1, {})
end

-- The file's ten best tokens: ids that differ, with their logits.
local function read_top10(list, logits)
  local seen = {}
  if #list_of("top10", list) < TOP then error(("top10: %d pairs"):format(#list), 0) end
  for i, pair in ipairs(list) do
    local id = type(pair) == "table" and #pair == 2 and math.tointeger(pair[1])
    if not id or not logits[id + 1] or seen[id] then error(("top10[%d]: no pair of a token and its logit"):format(i - 1), 0) end
    seen[id] = true
  end
  return list
end

local function check_top10(report, session, logits, top10, tol)
  local ours = session:top(#read_top10(top10, logits))
  for i, pair in ipairs(top10) do
    report:close(("top10[%d]"):format(i - 1), logits[pair[1] + 1], pair[2], tol)
    report:close(("top10[%d] by rank"):format(i - 1), ours[i][2], pair[2], tol)
  end
end

local function check_overlap(report, session, top10)
  local theirs, shared = {}, 0
  for i = 1, TOP do theirs[math.tointeger(top10[i][1])] = true end
  for _, pair in ipairs(session:top(TOP)) do shared = shared + (theirs[pair[1]] and 1 or 0) end
  report:holds(("top10: %d shared"):format(shared), shared >= FAST.overlap)
end

-- What is known after the prompt, within the limits of a mode; the logits.
local function check_prompt(file, session, tokens, want, limits)
  local nll = score(session, tokens)
  local logits = session:logits()
  local lse, average, rms = statistics(logits)
  local function close(key, got, limit)
    local v = file.get(want, key)
    if v == nil then return end
    if type(v) ~= type(got) then error(("%s: a %s"):format(key, type(v)), 0) end
    file.report:close(key, got, v, limit)
  end
  close("prompt_nll", nll, limits.nll)
  close("prompt_nll_mean", mean(nll, 1), limits.nll_mean)
  close("logsumexp", lse, limits.summed)
  close("logit_mean", average, limits.summed)
  close("logit_rms", rms, limits.summed)
  local top10 = file.get(want, "top10")
  if top10 ~= nil then check_top10(file.report, session, logits, top10, limits.logit) end
  return top10
end

local function check_exact(file, model, tok, tokens, want)
  local limits = EXACT_OF[model:info().architecture] or EXACT
  local tol = file.tolerance({ "tolerance" }, limits.logit)
  local session <close> = model:session{ exact = true }
  check_prompt(file, session, tokens, want, { logit = tol, summed = tol, nll = limits.nll, nll_mean = limits.nll })
  check_greedy(file, tok, session, want, TIES * tol, 2 * tol + PRINTED)
end

local function check_fast(file, model, tok, tokens, want)
  local session <close> = model:session{}
  local top10 = check_prompt(file, session, tokens, want, FAST)
  if top10 then check_overlap(file.report, session, top10) end
  check_greedy(file, tok, session, want, FAST.tie, nil)
end

local function check_case(file, model, tok, case)
  local tokens, text, n = file.get(case, "tokens"), file.get(case, "text"), file.get(case, "n_tokens")
  if tokens ~= nil then list_of("tokens", tokens) end
  if text ~= nil then
    if type(text) ~= "string" then error("text: no text", 0) end
    local ids = tok:encode(text, { special = file.get(case, "parse_special") or false, bos = true })
    if tokens then file.report:same("tokens", ids, tokens) end
    tokens = tokens or ids
  end
  if not tokens or #tokens < 2 then error("neither text nor tokens", 0) end
  if n ~= nil then file.report:same("n_tokens", #tokens, n) end
  local float, q8act = file.get(case, "float"), file.get(case, "q8act")
  if not float and not q8act then error("neither 'float' nor 'q8act'", 0) end
  if float then check_exact(file, model, tok, tokens, float) end
  if q8act then check_fast(file, model, tok, tokens, q8act) end
end

function M.check(file)
  list_of("cases", file.data.cases)
  local model <close> = vt.model(file.model(file.get(file.data, "model")))
  local tok <close> = model:tokenizer()
  for _, case in ipairs(file.data.cases) do
    file.report:case(tostring(case.name), function() check_case(file, model, tok, case) end)
  end
end

return M
