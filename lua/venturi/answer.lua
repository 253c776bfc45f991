--- Two ways of answering from passages with a session that was fed a prompt up to the assistant's turn. Both stream sentence by sentence.
-- `free`: the model's own words, ended where it begins to repeat itself.
-- `quoted`: the words of the passages. The model weighs how each paragraph would do as the opening of its answer, and says at the end of each
-- sentence whether to go on. Small models invent facts and commands when they speak freely; quoting, they cannot.
local vt = require "venturi"

local M = {}

-- ---- free ----

-- Takes the first whole sentence with the space behind it off a text; nil when there is none yet.
local function take_sentence(text)
  local _, stop = text:find("^.-[.!?][\"')%]]*%s+")
  local _, line = text:find("^.-\n+")
  if line and (not stop or line < stop) then stop = line end
  if not stop or stop == #text then return nil end
  return text:sub(1, stop), text:sub(stop + 1)
end

--- Sentences of a stream of pieces. Ends at a sentence that came before; drops a last one that was cut off, unless it is the only one.
function M.free(pieces, max_tokens)
  local held, seen, n_tokens, told, ended = "", {}, 0, 0, false
  return function()
    while not ended do
      local sentence, rest = take_sentence(held)
      if sentence then
        held = rest
        local key = sentence:gsub("^[%s%d.*-]+", ""):gsub("%s+$", ""):lower()
        if #key > 12 and seen[key] then ended = true return nil end
        seen[key], told = true, told + 1
        return sentence
      end
      local piece = pieces()
      if piece then
        held, n_tokens = held .. piece, n_tokens + 1
      else
        ended = true
        local key = held:gsub("^[%s%d.*-]+", ""):lower()
        local cut_off = n_tokens >= max_tokens and told > 0
        return not cut_off and not seen[key] and held ~= "" and held or nil
      end
    end
  end
end

-- ---- quoted ----

local SENTENCE_WORDS = 6 -- what is shorter is a caption or a command, and opens no answer
local OPENING_TOKENS = 12 -- of a paragraph: as much as it takes to see where it leads

-- What the model's word is weighed with (log-probabilities a token): the place of the passage, its first paragraph, the question's words in it,
-- and a "Yes." or "No." that answers another question.
local RANK, FIRST, COVERAGE, OTHER = 0.7, 0.5, 2.0, 1.0

local asks_yes_or_no = {}
for word in ("am are can could did do does has have is may might must shall should was were will would"):gmatch("%a+") do asks_yes_or_no[word] = true end

local function paragraphs(passages)
  local list = {}
  for rank, passage in ipairs(passages) do
    local place = 0
    for text in (passage.text .. "\n\n"):gmatch("(.-)\n\n+") do
      if text:find("%S") then
        place = place + 1
        list[#list + 1] = { text = text, rank = rank, place = place, passage = passage, coverage = 0 }
      end
    end
  end
  return list
end

-- Share of the question that each paragraph holds, by a search among them alone.
local function cover(list, question)
  local index <close> = vt.index()
  index:put_source("paragraphs", 0)
  for _, p in ipairs(list) do index:add("paragraphs", { title = p.passage.title, text = p.text, index_title = true }) end
  index:commit()
  for _, hit in ipairs(index:search(question, #list)) do list[hit.id + 1].coverage = hit.coverage end
end

-- Mean log-probability of the first tokens of a text as the next ones of the session, which is left as it was.
local function likelihood(session, tok, text, fed)
  local ids = tok:encode(text)
  local n = math.min(#ids, OPENING_TOKENS)
  session:trim(#fed - 1)
  local scores = session:score(table.move(ids, 1, n, 2, { fed[#fed] }))
  local sum = 0
  for i = 2, #scores do sum = sum + scores[i] end
  return n > 0 and sum / n or -math.huge
end

-- No answer ends on these: "as follows:", and the number of a list's item, which looks like a sentence.
local function announces(text)
  return text:find(":[\"')%]]*%s*$") ~= nil or text:find("^%s*%(?%w?%d*[.)]%s*$") ~= nil
end

-- Nothing follows on what the paragraph announces, all of it: it is the last of its passage, and one sentence.
local function dangles(list, i)
  local after = list[i + 1]
  return announces(list[i].text) and #vt.chunk.sentences(list[i].text) == 1 and not (after and after.rank == list[i].rank)
end

local function opening(session, tok, list, fed, question)
  local best, other
  local polar = asks_yes_or_no[(question:match("%a+") or ""):lower()]
  for i, p in ipairs(list) do
    local fits = not dangles(list, i)
    other = other or fits and i
    if fits and vt.chunk.count(p.text) >= SENTENCE_WORDS then
      p.value = likelihood(session, tok, p.text, fed) - RANK * (p.rank - 1) + (p.place == 1 and FIRST or 0) + COVERAGE * p.coverage
      if not polar and (p.text:find("^Yes%f[%A]") or p.text:find("^No%f[%A]")) then p.value = p.value - OTHER end
      if not best or p.value > list[best].value then best = i end
    end
  end
  return best or other or 1
end

-- Would the model rather end here than go on with this text?
local function prefers_end(session, tok, text)
  local logits, eos = session:logits(), tok:eos()
  local id = tok:encode(text)[1]
  return eos and id and logits[eos + 1] > logits[id + 1]
end

-- A text that does not end like a sentence (a caption) calls for what comes next.
local function is_complete(text)
  return text:find("[.!?][\"')%]]*%s*$") ~= nil
end

-- The sentences from a paragraph to the end of its passage, in units that may stand at the end of an answer: what announces comes with what it
-- announces, or not at all. Each unit: { text, begin = its first sentence, words, complete }, with the space before it.
local function units(list, at)
  local rank, queue, joint, told = list[at].rank, {}, "", false
  local function next_sentence()
    while #queue == 0 do
      if not list[at] or list[at].rank ~= rank then return nil end
      queue = vt.chunk.sentences(list[at].text)
      joint, at = told and "\n\n" or "", at + 1
    end
    local piece = joint .. table.remove(queue, 1)
    joint, told = " ", true
    return piece
  end
  return function()
    local parts = {}
    repeat
      local piece = next_sentence()
      if not piece then return nil end
      parts[#parts + 1] = piece
    until not announces(piece)
    local text = table.concat(parts)
    return { text = text, begin = parts[1], words = vt.chunk.count(text), complete = is_complete(text) }
  end
end

--- Sentences of the passages: from the paragraph that the model opens with on, at least `min_words` where there are so many, about `max_words` at most.
-- With max_tokens it ends with the last sentence before that limit; the first sentence is always given.
-- @tparam table opt { question, passages, min_words = 25, max_words = 90, max_tokens = no limit }
function M.quoted(session, tok, opt)
  local fed = session:tokens()
  local list = paragraphs(opt.passages)
  if #list == 0 then return function() return nil end end
  cover(list, opt.question)
  local next_unit = units(list, opening(session, tok, list, fed, opt.question))
  session:trim(#fed - 1):feed{ fed[#fed] }
  local words, tokens, complete = 0, 0, true
  local min_words, max_words, max_tokens = opt.min_words or 25, opt.max_words or 90, opt.max_tokens or math.huge
  return function()
    local unit = next_unit()
    if not unit then return nil end
    local ids = tok:encode(unit.text)
    if words > 0 and (words + unit.words > max_words * (complete and 1 or 1.5) or tokens + #ids > max_tokens) then return nil end
    if words >= min_words and complete and prefers_end(session, tok, unit.begin) then return nil end
    session:feed(ids)
    words, tokens, complete = words + unit.words, tokens + #ids, unit.complete
    return unit.text
  end
end

return M
