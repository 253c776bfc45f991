--- A model goes on with a text, token by token.
--- venturi run scripts/examples/generate.lua MODEL.gguf "Once upon a time"
local vt = require "venturi"

local path, text = arg[1], arg[2] or "Once upon a time"
if not path then error("usage: generate.lua MODEL.gguf [TEXT]", 0) end

local model <close> = vt.model(path)
local tok <close> = model:tokenizer()
local session <close> = model:session{ ctx = 512 }
session:feed(tok:encode(text, { bos = true }))

io.write(text)
for piece in session:generate{ max_tokens = 64, sampler = vt.sampler{ temperature = 0.8, top_p = 0.95, seed = 1 } } do
  io.write(piece)
  io.flush()
end
print()
