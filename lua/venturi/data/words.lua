--- Words of captions: tokens, the rule that holds captions out, vocabularies, ids of one length.
-- Not here: subword vocabularies (vt.tokenizer), where captions come from.
local vt = require "venturi"

local M = {}

--- Words of a text: lower case, 's dropped, runs of letters a to z, and digits one by one.
-- @treturn table list of strings
function M.tokens(text)
  text = text:lower():gsub("\u{2019}", "'"):gsub("'s%f[^%w]", "")
  local list = {}
  for letters, digit in text:gmatch("([a-z]*)(%d?)") do
    if letters ~= "" then list[#list + 1] = letters end
    if digit ~= "" then list[#list + 1] = digit end
  end
  return list
end

local tones = { "medium%-light skin tone", "medium%-dark skin tone", "light skin tone", "medium skin tone", "dark skin tone" }

--- The words of a caption without its skin tones: the same for all pictures of one concept.
function M.concept(caption)
  local text = caption:lower()
  for _, tone in ipairs(tones) do text = text:gsub(tone, "") end
  return table.concat(M.tokens(text), " ")
end

--- FNV-1a of 64 bits.
function M.fnv1a(text)
  local h = 0xcbf29ce484222325
  for i = 1, #text do h = (h ~ text:byte(i)) * 0x100000001b3 end
  return h
end

--- Whether a caption belongs to the twentieth part of all concepts that no training sees: by its words alone, so that it is held out in every style
-- and skin tone, in every release.
function M.is_held_out(caption)
  local h = M.fnv1a(M.concept(caption)) -- unsigned: a multiple of 20 is one of 4, and then of 5
  return h & 3 == 0 and (h >> 2) % 5 == 0
end

--- Words that occur in at least `at_least` of the texts.
-- @tparam table texts list of lists of captions: all the captions of one picture
-- @tparam table opt { at_least = 2, special = list of words that come first }
-- @treturn table { words = list, id = word -> id from 0, counts = word -> number of pictures }
function M.vocabulary(texts, opt)
  opt = vt.options("words.vocabulary", { at_least = 2, special = {} }, opt)
  local counts = {}
  for _, captions in ipairs(texts) do
    local seen = {}
    for _, caption in ipairs(captions) do
      for _, word in ipairs(M.tokens(caption)) do
        if not seen[word] then seen[word], counts[word] = true, (counts[word] or 0) + 1 end
      end
    end
  end
  local words, ids = {}, {}
  for word, n in pairs(counts) do
    if n >= opt.at_least then words[#words + 1] = word end
  end
  table.sort(words)
  words = table.move(words, 1, #words, #opt.special + 1, table.move(opt.special, 1, #opt.special, 1, {}))
  for i, word in ipairs(words) do ids[word] = i - 1 end
  return { words = words, id = ids, counts = counts }
end

--- Ids of a caption's known words, `length` of them: first the ids of `before` (special words), at the end padding.
-- @tparam table vocabulary of M.vocabulary
-- @tparam table opt { length = 12, before = list of words, pad = word ("<null>") }
function M.ids(vocabulary, caption, opt)
  opt = vt.options("words.ids", { length = 12, before = {}, pad = "<null>" }, opt)
  local pad = vocabulary.id[opt.pad] or vt.fail("VT_ERR_NOT_FOUND", ("words: the vocabulary has no '%s'"):format(opt.pad))
  local list = {}
  for _, word in ipairs(opt.before) do list[#list + 1] = vocabulary.id[word] end
  for _, word in ipairs(M.tokens(caption)) do list[#list + 1] = vocabulary.id[word] end
  for i = #list + 1, opt.length do list[i] = pad end
  for i = #list, opt.length + 1, -1 do list[i] = nil end
  return list
end

return M
