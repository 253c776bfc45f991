--- tokenizer_*: ids of strings by the tokenizer of a real model, without the beginning-of-sequence token unless the file says so. Exact.
local vt = require "venturi"

local M = {}

local files = { gemma3 = "gemma-3-270m-q4_k_m.gguf", smollm2 = "SmolLM2-135M-Instruct.Q4_1.gguf" }

function M.check(file)
  local name = files[file.get(file.data, "model")]
  if not name then error(("unknown model '%s'"):format(tostring(file.data.model)), 0) end
  if type(file.data.cases) ~= "table" then error("no cases", 0) end
  local tok <close> = vt.tokenizer(file.model(name))
  for i, case in ipairs(file.data.cases) do
    file.report:case(("case %d"):format(i - 1), function()
      if type(case.text) ~= "string" then error("no text", 0) end
      local tokens = file.get(case, "tokens")
      if not tokens then return end
      local ids = tok:encode(case.text, { special = file.get(case, "parse_special") or false, bos = file.get(file.data, "add_bos") or false })
      file.report:same("tokens", ids, tokens)
    end)
  end
end

return M
