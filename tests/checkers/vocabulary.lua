--- tok_*: small real vocabularies. Ids exact; `words` are the pre-tokenizer's pieces in the byte-level alphabet; `pieces` are the texts of
-- the ids, unknown ones excepted (the file has what they stand for); `decoded` is the text of the ids, special tokens written out.
local vt = require "venturi"

local M = {}

-- The byte-level alphabet of GPT-2: printable bytes stand for themselves, the others for 256, 257, ... in their order.
local alphabet = {}
do
  local n = 0
  for byte = 0, 255 do
    local printable = (byte >= 33 and byte <= 126) or (byte >= 161 and byte <= 172) or byte >= 174
    alphabet[string.char(byte)] = utf8.char(printable and byte or 256 + n)
    if not printable then n = n + 1 end
  end
end

local function texts(tok, ids, pieces)
  local list = {}
  for i, id in ipairs(ids) do list[i] = id == tok:special("unk") and pieces[i] or tok:token(id) end
  return list
end

local function check_case(file, tok, case, special)
  local report, get = file.report, function(key) return file.get(case, key) end
  local ids, words, pieces, decoded, parsed = get "ids", get "words", get "pieces", get "decoded", get "ids_parse_special"
  if type(case.text) ~= "string" then error("no text", 0) end
  local got = tok:encode(case.text, { special = special })
  if ids then report:same("ids", got, ids) end
  if parsed then report:same("ids_parse_special", tok:encode(case.text, { special = true }), parsed) end
  if pieces then report:same("pieces", texts(tok, got, pieces), pieces) end
  if words then
    local cut = tok:pieces(case.text, { special = special })
    for i, piece in ipairs(cut) do cut[i] = piece:gsub(".", alphabet) end
    report:same("words", cut, words)
  end
  if decoded then report:same("decoded", tok:decode(ids or got, { special = true }), decoded) end
end

function M.check(file)
  local tok <close> = vt.tokenizer(file.unpacked(file.get(file.data, "vocab_file")))
  local special = file.get(file.data, "parse_special") or false
  if type(file.data.cases) ~= "table" then error("no cases", 0) end
  for i, case in ipairs(file.data.cases) do
    file.report:case(("case %d"):format(i - 1), function() check_case(file, tok, case, special) end)
  end
end

return M
