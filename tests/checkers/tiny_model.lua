--- tiny_{llama,qwen2,gemma3}*: a complete small model with the logits after every token, by an independent float64 forward pass. Exact mode.
local vt = require "venturi"

local M = {}

local TOLERANCE = 1e-5

local function largest(row)
  local best = 1
  for i = 2, #row do
    if row[i] > row[best] then best = i end
  end
  return best - 1
end

function M.check(file)
  local data, report = file.data, file.report
  local tol = file.tolerance({ "tolerance_abs_fp32_engine", "tolerance_abs", "tolerance" }, TOLERANCE)
  report:case("logits", function()
    local model <close> = vt.model(file.beside(file.get(data, "model_file")))
    local session <close> = model:session{ exact = true }
    local rows = session:feed_logits(data.ids)
    local logits, argmax = file.get(data, "logits"), file.get(data, "argmax")
    if logits then report:close("logits", rows, logits, tol) end
    if argmax then
      if #argmax ~= #rows then error("argmax: not one a position", 0) end
      for i, row in ipairs(rows) do
        local id = math.tointeger(argmax[i])
        -- A tie within the tolerance may fall either way.
        report:holds(("argmax[%d]"):format(i - 1), id and row[id + 1] and row[id + 1] >= row[largest(row) + 1] - 2 * tol)
      end
    end
  end)
end

return M
