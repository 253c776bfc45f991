--- JSON as the verbs print it: keys in a fixed order (schema first, the others by name), so that two runs can be compared.
local vt = require "venturi"

local M = {}

local function before(a, b)
  if a == "schema" or b == "schema" then return a == "schema" and b ~= "schema" end
  return a < b
end

--- Text of a value. A table with string keys is an object, any other one a list.
function M.encode(value)
  if type(value) ~= "table" then return vt.json.encode(value) end
  local parts, keys = {}, {}
  for key in pairs(value) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  if #keys == 0 then
    for i, item in ipairs(value) do parts[i] = M.encode(item) end
    return "[" .. table.concat(parts, ", ") .. "]"
  end
  table.sort(keys, before)
  for i, key in ipairs(keys) do parts[i] = vt.json.encode(key) .. ": " .. M.encode(value[key]) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

return M
