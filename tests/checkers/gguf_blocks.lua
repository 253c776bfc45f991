--- gguf_blocks_*: rows of quantised blocks. y is what the blocks mean, to one unit in the last place of float32; where x is given, our own
-- quantiser must make the same bytes (Q4_0, Q4_1, Q5_0, Q5_1, Q8_0). max_err and rmse describe the reference quantiser: not compared.
local vt = require "venturi"

local M = {}

local MAX_ULP = 1
local exact_bytes = { q4_0 = true, q4_1 = true, q5_0 = true, q5_1 = true, q8_0 = true }

-- Types that GGUF tools know and this version may not: a case of such a type is skipped, a misspelt one fails.
local foreign = { "^iq%d_%a+$", "^tq%d_0$", "^mxfp4$", "^q%d_%d$", "^q%d_k$" }

local function unhex(text)
  if type(text) ~= "string" or #text % 2 ~= 0 or text:find("%X") then error("bytes: not hexadecimal", 0) end
  return (text:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- Place of a float32 on the number line: neighbours differ by one, and so do 0 and the smallest denormal.
local function place(x)
  local bits = string.unpack("<i4", string.pack("<f", x))
  return bits >= 0 and bits or -(bits & 0x7fffffff)
end

local function compare(report, got, want)
  if type(want) ~= "table" or #want == 0 or #got ~= #want then error(("y: %d values, the file has %s"):format(#got, type(want) == "table" and #want or "none"), 0) end
  for i = 1, #want do
    if type(want[i]) ~= "number" or want[i] - want[i] ~= 0 then error(("y[%d]: no number"):format(i - 1), 0) end
    local ulps = got[i] == got[i] and math.abs(place(got[i]) - place(want[i])) or math.huge
    report:measured(("y[%d]"):format(i - 1), ulps, MAX_ULP, got[i], want[i])
  end
end

-- nil when the type is there; "skip" when it is known but not done; raises for what no tool knows
local function missing(dtype)
  if vt.try(vt.experimental.quant_block, dtype) then return nil end
  for _, pattern in ipairs(foreign) do
    if dtype:find(pattern) then return "skip" end
  end
  error(("unknown block type '%s'"):format(dtype), 0)
end

local function check_case(file, dtype, case, x)
  local report, bytes = file.report, file.get(case, "bytes")
  local y = file.get(case, "y")
  if y then compare(report, vt.experimental.quant_decode(dtype, unhex(bytes)), y) end
  if x and bytes and exact_bytes[dtype] then report:same("bytes", hex(vt.experimental.quant_encode(dtype, x)), bytes:lower()) end
end

local function not_done(dtype, case)
  if missing(dtype) then return true end
  local row, err = vt.try(vt.experimental.quant_decode, dtype, unhex(case.bytes))
  return not row and err.name == "VT_ERR_UNSUPPORTED"
end

local function check_section(file, section, x)
  local names = {}
  for name in pairs(section) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do
    local case, dtype = section[name], name:lower()
    local known, skip = pcall(not_done, dtype, type(case) == "table" and case or {})
    if known and skip then
      file.report:skip(name)
    else
      file.report:case(name, function()
        if not known then error(skip, 0) end
        check_case(file, dtype, case, x)
      end)
    end
  end
end

function M.check(file)
  local cases, random = file.get(file.data, "cases"), file.get(file.data, "random_bytes")
  if cases then check_section(file, cases, file.get(file.data, "x")) end
  if random then check_section(file, random, nil) end
end

return M
