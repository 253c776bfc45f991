-- Who may include whom: every #include of the tree against engine/LAYERS.   usage: lua includes.lua SOURCE-ROOT
local root = assert(arg[1], "usage: includes.lua SOURCE-ROOT")

local function exists(path)
  local f = io.open(root .. "/" .. path)
  return f and f:close()
end

-- allowed[room][other] is true where LAYERS lets room include from other.
local allowed = {}
for line in io.lines(root .. "/engine/LAYERS") do
  local room, list = line:match("^([%w-]+):%s*(.*)$")
  if room then
    allowed[room] = { [room] = true }
    for other in list:gmatch("%S+") do allowed[room][other] = true end
  end
end

local function room_of(path)
  if path == "abi/venturi/types.h" then return "abi-types" end
  return path:match("^engine/([%w_]+)/") or path:match("^(kernels)/") or path:match("^(abi)/") or path:match("^(lua)/")
end

-- Where a quoted name is found: beside the file that includes it, then in the folders of the build.
local function resolve(name, from)
  for _, dir in ipairs { from:match("^(.*/)"), "abi/", "engine/", "kernels/" } do
    if exists(dir .. name) then return dir .. name end
  end
end

local C_HEADERS = { ["stddef.h"] = true, ["stdint.h"] = true }
local LUA_HEADERS = { ["lua.h"] = true, ["lauxlib.h"] = true, ["lualib.h"] = true }

-- nil when fine, else what is wrong with "path includes name".
local function check_quoted(path, name)
  local target = resolve(name, path)
  if not target then return "not found" end
  local from, to = room_of(path), room_of(target)
  if not (allowed[from] or {})[to] then return ("room %s is not open to room %s"):format(to, from) end
  if path:find("^abi/.*%.h$") and not target:find("^abi/venturi/") then return "public headers include public headers only" end
  if path:find("^abi/venturi/") and target:find("internal", 1, true) then return "an internal header" end
end

local function check_system(path, name)
  if path:find("^abi/.*%.h$") and not C_HEADERS[name] then return "public headers need <stddef.h> and <stdint.h> only" end
  if LUA_HEADERS[name] and not path:find("^lua/") then return "Lua's headers belong to lua/" end
  if path:find("^kernels/") and (name == "threads.h" or name == "stdio.h") then return "kernels neither print nor make threads" end
  if name == "pthread.h" and path:find("^engine/") and not path:find("^engine/core/") then return "threads belong to core" end
end

-- Bindings see what is installed.
local function check_foreign(name)
  if name:find("venturi", 1, true) and not (name == "venturi.h" or name:find("^venturi/[%w_]+%.h$")) then return "not a public header" end
  if exists("engine/" .. name) or exists("kernels/" .. name) then return "not a public header" end
end

local seen, bad = 0, 0
local files = assert(io.popen(("cd '%s' && find abi engine kernels lua bindings -name '*.[ch]' 2>/dev/null | LC_ALL=C sort"):format(root)))
for path in files:lines() do
  for line in io.lines(root .. "/" .. path) do
    local open, name = line:match('^%s*#%s*include%s+([<"])([^">]+)')
    if name then
      seen = seen + 1
      local wrong
      if path:find("^bindings/") then
        wrong = check_foreign(name)
      else
        wrong = (open == '"' and check_quoted or check_system)(path, name)
      end
      if wrong then
        bad = bad + 1
        io.stderr:write(("%s: #include %s: %s\n"):format(path, name, wrong))
      end
    end
  end
end
files:close()
print(("%d includes checked, %d not allowed"):format(seen, bad))
os.exit(bad == 0 and seen > 0)
