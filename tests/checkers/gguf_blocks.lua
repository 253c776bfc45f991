--- gguf_blocks_*: rows of quantised blocks. y is what the blocks mean, to one unit in the last place of float32; where x is given, our own
-- quantiser must make the same bytes, or, where quantisers search for scales (Q2_K to Q6_K), a root mean square error at most 5 % above the
-- reference's. max_err describes the reference quantiser: not compared.
local vt = require "venturi"

local M = {}

local MAX_ULP = 1
local MAX_RMSE = 1.05 -- of the reference's
local exact_bytes = { f16 = true, bf16 = true, q4_0 = true, q4_1 = true, q5_0 = true, q5_1 = true, q8_0 = true, q8_k = true }
local searched = { q2_k = true, q3_k = true, q4_k = true, q5_k = true, q6_k = true }

-- Types that a GGUF file may have. A case of one that this version lacks is skipped; any other name is misspelt and fails.
local gguf_types = {}
for name in ([[f32 f16 bf16 f64 i8 i16 i32 i64 q4_0 q4_1 q5_0 q5_1 q8_0 q8_1 q2_k q3_k q4_k q5_k q6_k q8_k iq2_xxs iq2_xs iq3_xxs iq1_s iq4_nl
  iq3_s iq2_s iq4_xs iq1_m tq1_0 tq2_0 mxfp4 nvfp4 q1_0 q2_0]]):gmatch("%S+") do
  gguf_types[name] = true
end

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

local function compare_error(report, dtype, x, want)
  if type(want) ~= "number" or want ~= want or want <= 0 then error("rmse: no positive number", 0) end
  local y, sum = vt.experimental.quant_decode(dtype, vt.experimental.quant_encode(dtype, x)), 0
  for i = 1, #x do sum = sum + (y[i] - x[i]) ^ 2 end
  local rmse = math.sqrt(sum / #x)
  report:measured("rmse", rmse, MAX_RMSE * want, rmse, want)
end

local function check_case(file, dtype, case, x)
  local report, bytes = file.report, file.get(case, "bytes")
  local y = file.get(case, "y")
  if y then compare(report, vt.experimental.quant_decode(dtype, unhex(bytes)), y) end
  if x and bytes and exact_bytes[dtype] then report:same("bytes", hex(vt.experimental.quant_encode(dtype, x)), bytes:lower()) end
  local rmse = file.get(case, "rmse")
  if x and rmse ~= nil and searched[dtype] then compare_error(report, dtype, x, rmse) end
end

-- Whether this version lacks a type; raises for what is no type.
local function not_done(dtype, case)
  if not gguf_types[dtype] then error(("unknown block type '%s'"):format(dtype), 0) end
  if not vt.try(vt.experimental.quant_block, dtype) then return true end
  local row, err = vt.try(vt.experimental.quant_decode, dtype, unhex(case.bytes))
  return not row and err.name == "VT_ERR_UNSUPPORTED"
end

local function check_section(file, key, x)
  local section, names = file.get(file.data, key), {}
  if section == nil then return end
  if type(section) ~= "table" or next(section) == nil then error(key .. ": no cases", 0) end
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
  check_section(file, "cases", file.get(file.data, "x"))
  check_section(file, "random_bytes", nil)
end

return M
