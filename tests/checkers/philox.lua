--- philox4x32: known answers of Philox4x32-10 and the word, uniform and normal streams that are made of them. Keys carry what they hold:
-- words_seed7, words_seed7_stream3, uniform_seed7, normal_seed7, mean_var_100k_seed11.
local vt = require "venturi"

local M = {}

local tolerances = { words = 0, uniform = 0, normal = 1e-12, mean_var = 1e-12 }

local function word(text)
  local v = type(text) == "string" and #text == 8 and tonumber(text, 16)
  if not v then error("a word is 8 hexadecimal digits", 0) end
  return v
end

local function block(words, n)
  if type(words) ~= "table" or #words ~= n then error(("%d words wanted"):format(n), 0) end
  local out = {}
  for i = 1, n do out[i] = word(words[i]) end
  return out
end

local function check_answers(report, list)
  for i, answer in ipairs(list) do
    report:case(("kat[%d]"):format(i - 1), function()
      report:same("out", vt.experimental.philox_block(block(answer.ctr, 4), block(answer.key, 2)), block(answer.out, 4))
    end)
  end
end

local draws = { words = vt.random.words, uniform = vt.random.uniform, normal = vt.random.normal }

local function mean_and_variance(seed, n)
  local x = vt.random.normal(seed, n)
  local sum, squares = 0, 0
  for _, v in ipairs(x) do sum = sum + v end
  for _, v in ipairs(x) do squares = squares + (v - sum / n) ^ 2 end
  return { sum / n, squares / n }
end

local function check_key(file, key, want)
  local report, tol = file.report, file.get(file.data, "tol") or {}
  local kind, seed, stream = key:match("^(%a+)_seed(%d+)_stream(%d+)$")
  if not kind then
    kind, seed = key:match("^(%a+)_seed(%d+)$")
  end
  if draws[kind] then
    report:case(key, function()
      local limit = tol[kind] or tolerances[kind]
      report:close(key, draws[kind](math.tointeger(tonumber(seed)), #want, { stream = math.tointeger(tonumber(stream or "0")) }), want, limit)
    end)
    return
  end
  local thousands, of_seed = key:match("^mean_var_(%d+)k_seed(%d+)$")
  if thousands then
    report:case(key, function()
      local got = mean_and_variance(math.tointeger(tonumber(of_seed)), 1000 * math.tointeger(tonumber(thousands)))
      report:close(key, got, want, tol.mean_var or tolerances.mean_var)
    end)
  end
end

function M.check(file)
  local keys = {}
  for key in pairs(file.data) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  if file.get(file.data, "kat") then check_answers(file.report, file.data.kat) end
  for _, key in ipairs(keys) do
    local want = file.get(file.data, key)
    if want ~= nil then check_key(file, key, want) end
  end
end

return M
