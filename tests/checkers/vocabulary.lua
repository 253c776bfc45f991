--- tok_bpe_*: small real vocabularies. Ids exact; `words` are the pre-tokenizer's pieces in the byte-level alphabet; `decoded` is the text of
-- the ids, special tokens written out.
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

local function check_case(file, tok, case, special)
  local report, ids, words, decoded = file.report, file.get(case, "ids"), file.get(case, "words"), file.get(case, "decoded")
  if type(case.text) ~= "string" then error("no text", 0) end
  if ids then report:same("ids", tok:encode(case.text, { special = special }), ids) end
  if words then
    local pieces = tok:pieces(case.text, { special = special })
    for i, piece in ipairs(pieces) do pieces[i] = piece:gsub(".", alphabet) end
    report:same("words", pieces, words)
  end
  if decoded then report:same("decoded", tok:decode(ids or tok:encode(case.text, { special = special }), { special = true }), decoded) end
end

function M.check(file)
  local tok <close> = vt.tokenizer(file.beside(file.get(file.data, "vocab_file")))
  local special = file.get(file.data, "parse_special") or false
  if type(file.data.cases) ~= "table" then error("no cases", 0) end
  for i, case in ipairs(file.data.cases) do
    file.report:case(("case %d"):format(i - 1), function() check_case(file, tok, case, special) end)
  end
end

return M
