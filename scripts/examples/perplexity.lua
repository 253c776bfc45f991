--- How well a model predicts a text: perplexity, and the tokens that surprised it most.
--- venturi run scripts/examples/perplexity.lua MODEL.gguf FILE
local vt = require "venturi"

local path, file = arg[1], arg[2]
if not file then error("usage: perplexity.lua MODEL.gguf FILE", 0) end

local model <close> = vt.model(path)
local tok <close> = model:tokenizer()
local ids = tok:encode(assert(io.open(file, "rb")):read("a"))
ids = table.move(ids, 1, math.min(#ids, model:info().n_ctx), 1, {})

local session <close> = model:session()
local scores = session:score(ids)
local sum, ranked = 0, {}
for i = 2, #ids do -- nothing comes before the first token
  sum = sum - scores[i]
  ranked[#ranked + 1] = { surprise = -scores[i], text = tok:decode{ ids[i - 1], ids[i] } }
end
if #ranked == 0 then error(file .. ": too short", 0) end
print(("%d tokens, perplexity %.2f"):format(#ids, math.exp(sum / #ranked)))

table.sort(ranked, function(a, b) return a.surprise > b.surprise end)
for i = 1, math.min(5, #ranked) do print(("%6.2f nats  %q"):format(ranked[i].surprise, ranked[i].text)) end
