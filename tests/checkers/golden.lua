--- Checks the reference files of a folder, each by its family's checker (families.lua), on the public and experimental API.
local program = require "venturi.program"
local vt = require "venturi"
local families = require "families"
local report = require "report"

local M = {}

local here = package.searchpath("golden", package.path):match("^(.*)/[^/]*$") or "."

-- Data of other files, no cases of their own.
local function is_data(name)
  return name:find("%-params%.json$") or name:find("^%d%d%-xT%.json$")
end

--- The checker module for a file name, or nil.
function M.checker(name)
  local best
  for prefix in pairs(families) do
    if name:sub(1, #prefix) == prefix and (not best or #prefix > #best) then best = prefix end
  end
  return best and require(families[best]) or nil
end

local function readable(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- A name out of a reference file may not lead out of its folder.
local function plain_name(name)
  if type(name) ~= "string" or not name:find("^[%w_][%w._%-]*$") then error("the file does not name its model", 0) end
  return name
end

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function case_file(dir, name, data)
  local file = { dir = dir, name = name, data = data, report = report.new(), temporary = {} }

  --- Value of a key; nil where the file lacks it (or says null): such keys are not compared.
  function file.get(t, key)
    local v = t[key]
    if v == nil or v == vt.json.null then return nil end
    return v
  end

  --- Tolerance of the file, or of an object in it, else the family's.
  function file.tolerance(keys, default, object)
    for _, key in ipairs(keys) do
      local v = file.get(object or data, key)
      if v ~= nil then
        if type(v) ~= "number" or not (v >= 0 and v < math.huge) then error(("tolerance '%s' is no number >= 0"):format(key), 0) end
        return v
      end
    end
    return default
  end

  --- Path of a file beside this one.
  function file.beside(other)
    local path = dir .. "/" .. plain_name(other)
    if not readable(path) then error(path .. ": no such file", 0) end
    return path
  end

  --- Path of a file beside this one; of a packed one ("x.gz") the path of what is in it.
  function file.unpacked(other)
    local plain = dir .. "/" .. plain_name(other):gsub("%.gz$", "")
    if readable(plain) then return plain end
    local packed = file.beside(other)
    local temp = os.tmpname()
    file.temporary[#file.temporary + 1] = temp
    local function quote(path) return "'" .. path:gsub("'", "'\\''") .. "'" end
    if not os.execute(("gzip -dc %s > %s"):format(quote(packed), quote(temp))) then error(packed .. ": does not unpack", 0) end
    return temp
  end

  --- Bytes of a data file that is beside this one, or among the reference files of this tree.
  function file.bytes(other)
    for _, path in ipairs{ dir .. "/" .. plain_name(other), here .. "/../golden/" .. other } do
      if readable(path) then return read(path) end
    end
    error(other .. ": no such file", 0)
  end

  --- Path of a model that may be beside this file or in the cache; raises { skip = reason } when it is in neither, or when VENTURI_ONLY_MODEL
  -- names another one.
  function file.model(other)
    local only = os.getenv("VENTURI_ONLY_MODEL") or ""
    if only ~= "" and only ~= other then error({ skip = other .. ": only with VT_CI_FULL=1 or when asked for" }, 0) end
    local cache = os.getenv("VENTURI_MODELS") or (os.getenv("XDG_CACHE_HOME") or (os.getenv("HOME") or "") .. "/.cache") .. "/venturi/models"
    for _, path in ipairs{ dir .. "/" .. plain_name(other), cache .. "/" .. other } do
      if readable(path) then return path end
    end
    error({ skip = other .. " is not in the model cache" }, 0)
  end

  return file
end

--- Checks one file.
-- @treturn table { status = "passed" | "failed" | "skipped", line = account, complaints = list of strings }
function M.check(dir, name)
  local checker = M.checker(name)
  if not checker then return { status = "failed", line = name .. ": failed: no checker", complaints = {} } end
  local file
  local ok, err = pcall(function()
    local data = vt.json.decode(read(dir .. "/" .. name))
    if type(data) ~= "table" then error("no JSON object", 0) end
    file = case_file(dir, name, data)
    checker.check(file)
  end)
  for _, path in ipairs(file and file.temporary or {}) do os.remove(path) end
  if ok then
    local r = file.report
    return { status = r:status(), line = r:line(name), complaints = r.complaints }
  end
  if type(err) == "table" and err.skip then return { status = "skipped", line = ("%s: skipped: %s"):format(name, err.skip), complaints = {} } end
  if type(err) == "table" and err.name == "VT_ERR_CANCELLED" then error(err, 0) end
  return { status = "failed", line = ("%s: failed: %s"):format(name, tostring(err)), complaints = file and file.report.complaints or {} }
end

--- Names of the reference files of a folder, sorted.
function M.files(dir)
  local names = {}
  for _, name in ipairs(program.list(dir)) do
    if name:find("%.json$") and not name:find("^%.") and not is_data(name) then names[#names + 1] = name end
  end
  return names
end

return M
