--- Several texts are gone on with at once: one pass over the weights computes a token of each; each is what it would be alone.
--- venturi run scripts/examples/batch.lua MODEL.gguf "Once upon a time" "The capital of France is" "Two plus two is"
local vt = require "venturi"

local path = arg[1]
if not path or #arg < 2 then error("usage: batch.lua MODEL.gguf TEXT...", 0) end
local most = 48 -- tokens of an answer

local model <close> = vt.model(path)
local tokenizer <close> = model:tokenizer()
local batch <close> = model:batch{}

local running = {}
for i = 2, #arg do
  running[#running + 1] = { text = arg[i], session = model:session{ ctx = 512 }, ids = tokenizer:encode(arg[i], { bos = true }), answer = {} }
end
local all = table.move(running, 1, #running, 1, {})

while #running > 0 do
  for _, r in ipairs(running) do batch:add(r.session, { ids = r.ids }) end
  local going = {}
  for i, result in ipairs(batch:step()) do
    local r = running[i]
    r.ids = nil -- the text is computed; from now on only what is drawn
    if result.error then error(r.text .. ": " .. result.message, 0) end
    local ended = tokenizer:is_eog(result.id)
    if not ended then r.answer[#r.answer + 1] = result.id end
    if not ended and #r.answer < most then going[#going + 1] = r end
  end
  running = going
end

for _, r in ipairs(all) do print(r.text .. tokenizer:decode(r.answer)) end
