--- Rows of a run in a file: .csv with the columns of the first rows, or an object a line. A run that goes on drops rows of steps that it will do again.
local vt = require "venturi"

local Log = {}
Log.__index = Log

local columns = { "step", "loss", "lr" }

local function csv(row)
  local cells, rest = {}, {}
  for i, name in ipairs(columns) do cells[i] = row[name] and ("%.9g"):format(row[name]) or "" end
  for name, value in pairs(row) do
    if name ~= "step" and name ~= "loss" and name ~= "lr" then rest[#rest + 1] = ("%s=%.9g"):format(name, value) end
  end
  table.sort(rest)
  local measures = table.concat(rest, " ")
  cells[#cells + 1] = measures:find '[,"\n]' and '"' .. measures:gsub('"', '""') .. '"' or measures
  return table.concat(cells, ",")
end

-- JSON has no numbers that are none: they are null.
local function json(row)
  local plain = {}
  for name, value in pairs(row) do plain[name] = value - value == 0 and value or vt.null end
  return vt.json.encode(plain)
end

-- The lines of rows up to `step`.
local function kept(path, step)
  local lines, file = {}, io.open(path, "r")
  if not file then return lines end
  for line in file:lines() do
    local at = tonumber(line:match "^(%d+)," or line:match '"step": ?(%d+)')
    if at and at <= step then lines[#lines + 1] = line end
  end
  file:close()
  return lines
end

-- Whoever is killed in here leaves the old rows or the new ones.
local function write_whole(path, lines)
  local new = path .. ".new"
  local file = assert(io.open(new, "w"))
  for _, line in ipairs(lines) do file:write(line, "\n") end
  assert(file:close())
  assert(os.rename(new, path))
end

function Log:write(row)
  if not self.file then return end
  self.file:write(self.is_csv and csv(row) or json(row), "\n")
  self.file:flush()
end

function Log:close()
  if self.file then self.file:close() end
  self.file = nil
end

return {
  --- open(path or false, first): a log that goes on after step `first`.
  open = function(path, first)
    local self = setmetatable({}, Log)
    if not path then return self end
    self.is_csv = path:find "%.csv$" ~= nil
    if not self.is_csv and not path:find "%.jsonl$" then error("train: a log is a .csv or a .jsonl file", 3) end
    local lines = first > 0 and kept(path, first) or {}
    if self.is_csv then table.insert(lines, 1, "step,loss,lr,measures") end
    write_whole(path, lines)
    self.file = assert(io.open(path, "a"))
    return self
  end,
}
