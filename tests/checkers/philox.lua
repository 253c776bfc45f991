--- philox4x32: known answers of Philox4x32-10 and the word, uniform and normal streams that are made of them. Keys carry what they hold:
-- words_seed7, words_seed7_stream3, uniform_seed7, normal_seed7, mean_var_100k_seed11.
local vt = require "venturi"

local M = {}

local tolerances = { words = 0, uniform = 0, normal = 1e-12, mean_var = 1e-12 }
local constants = { M0 = 0xD2511F53, M1 = 0xCD9E8D57, W0 = 0x9E3779B9, W1 = 0xBB67AE85 }
local ROUNDS = 10
local MOST_NUMBERS = 10000000  -- in a mean; a list of them must fit in memory

local function word(text)
  local v = type(text) == "string" and text:find("^%x%x%x%x%x%x%x%x$") and tonumber(text, 16)
  if not v then error("a word is 8 hexadecimal digits", 0) end
  return v
end

-- Number of elements of a list; 0 for what is none.
local function length(list)
  if type(list) ~= "table" then return 0 end
  local n = 0
  for _ in pairs(list) do n = n + 1 end
  return n == #list and n or 0
end

local function block(words, n)
  if length(words) ~= n then error(("%d words wanted"):format(n), 0) end
  local out = {}
  for i = 1, n do out[i] = word(words[i]) end
  return out
end

local function check_answers(report, list)
  if length(list) == 0 then error("kat: no list of known answers", 0) end
  for i, answer in ipairs(list) do
    report:case(("kat[%d]"):format(i - 1), function()
      report:same("out", vt.experimental.philox_block(block(answer.ctr, 4), block(answer.key, 2)), block(answer.out, 4))
    end)
  end
end

local function check_constants(file, given)
  file.report:case("constants", function()
    for name, value in pairs(constants) do
      local v = file.get(given, name)
      if v ~= nil then file.report:same(name, value, math.type(v) == "integer" and v or word(v)) end
    end
    local rounds = file.get(given, "rounds")
    if rounds ~= nil then file.report:same("rounds", ROUNDS, rounds) end
  end)
end

local draws = { words = vt.random.words, uniform = vt.random.uniform, normal = vt.random.normal }

local function mean_and_variance(seed, n, options)
  local x = vt.random.normal(seed, n, options)
  local sum, squares = 0, 0
  for _, v in ipairs(x) do sum = sum + v end
  for _, v in ipairs(x) do squares = squares + (v - sum / n) ^ 2 end
  return { sum / n, squares / n }
end

-- A whole number of a key. Seeds have 64 bits: above 2^63 - 1 they are negative in Lua.
local function number(digits)
  local v = 0
  for digit in digits:gmatch("%d") do
    local d = tonumber(digit)
    if math.ult(0x1999999999999999, v) or math.ult(-1 - d, v * 10) then error(digits .. " has more than 64 bits", 0) end
    v = v * 10 + d
  end
  return v
end

-- What a key says: kind, how many thousands (mean_var alone), seed, stream. Nil for keys that hold no stream.
local function parse(key)
  if not (key:find("^words_seed") or key:find("^uniform_seed") or key:find("^normal_seed") or key:find("^mean_var_")) then return nil end
  local rest, stream = key:match("^(.*)_stream(%d+)$")
  rest, stream = rest or key, number(stream or "0")
  local kind, seed = rest:match("^(%a+)_seed(%d+)$")
  if draws[kind] then return { kind = kind, seed = number(seed), stream = stream } end
  local thousands, of_seed = rest:match("^mean_var_(%d+)k_seed(%d+)$")
  local n = thousands and #thousands <= 9 and 1000 * number(thousands) or 0
  if n < 1 or n > MOST_NUMBERS then error("the key does not say what it holds", 0) end
  return { kind = "mean_var", n = n, seed = number(of_seed), stream = stream }
end

local function check_key(file, key, want, tol)
  local known, what = pcall(parse, key)
  if known and not what then return end
  file.report:case(key, function()
    if not known then error(what, 0) end
    if length(want) == 0 then error("no list of numbers", 0) end
    local got
    local options = { stream = what.stream }
    if what.n then
      got = mean_and_variance(what.seed, what.n, options)
    else
      got = draws[what.kind](what.seed, #want, options)
    end
    file.report:close(key, got, want, tol[what.kind] or tolerances[what.kind])
  end)
end

-- Tolerances of the file: all of them must be some, whether they are used or not.
local function read_tolerances(file)
  local given, tol = file.get(file.data, "tol"), {}
  if given == nil then return tol end
  if type(given) ~= "table" then error("tol: no object", 0) end
  for key in pairs(given) do
    local v = file.get(given, key)
    if type(key) ~= "string" or (v ~= nil and not (math.type(v) and v >= 0 and v < math.huge)) then
      error(("tolerance '%s' is no number >= 0"):format(tostring(key)), 0)
    end
    tol[key] = v
  end
  return tol
end

function M.check(file)
  local keys, tol = {}, read_tolerances(file)
  for key in pairs(file.data) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  local answers, given = file.get(file.data, "kat"), file.get(file.data, "constants")
  if answers ~= nil then check_answers(file.report, answers) end
  if given ~= nil then check_constants(file, given) end
  for _, key in ipairs(keys) do
    local want = file.get(file.data, key)
    if want ~= nil then check_key(file, key, want, tol) end
  end
end

return M
