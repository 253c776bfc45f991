-- Sizes and names: long files and functions, rooms without tests, files named after nothing.   usage: lua sizes.lua SOURCE-ROOT
local root = assert(arg[1], "usage: sizes.lua SOURCE-ROOT")
local FILE, HEADER, FUNCTION = 800, 300, 70
local FORBIDDEN = { utils = true, util = true, common = true, misc = true, helpers = true, helper = true }

local bad, seen = 0, 0
local function complain(fmt, ...)
  bad = bad + 1
  io.stderr:write(fmt:format(...), "\n")
end

-- A function's body begins with a line at column 0 that ends in "{" and is no type or table, and ends with "}" at column 0.
-- Kernels may be long: a fused one is one idea.
local function check_functions(path, lines)
  local first, name
  for n, line in ipairs(lines) do
    if not first and line:find("^[%a].*%)%s*{$") then
      first, name = n, line:match("([%w_]+)%s*%(")
    elseif first and line:find("^}") then
      if n - first + 1 > FUNCTION then complain("%s:%d: %s has %d lines, at most %d", path, first, name, n - first + 1, FUNCTION) end
      first = nil
    end
  end
end

local function read_lines(path)
  local lines = {}
  for line in io.lines(root .. "/" .. path) do lines[#lines + 1] = line end
  return lines
end

local rooms = {}
local files = assert(io.popen(("cd '%s' && find abi engine kernels lua scripts tests bindings -name '*.[ch]' -o -name '*.lua' 2>/dev/null | LC_ALL=C sort"):format(root)))
for path in files:lines() do
  seen = seen + 1
  local lines = read_lines(path)
  local base, ext = path:match("([^/]+)%.(%w+)$")
  local limit = ext == "h" and not path:find("^abi/") and HEADER or FILE
  if #lines > limit then complain("%s: %d lines, at most %d", path, #lines, limit) end
  if FORBIDDEN[base] then complain("%s: the name says nothing", path) end
  if ext ~= "lua" and not path:find("^kernels/") then check_functions(path, lines) end
  local room = path:match("^engine/([%w_]+)/.*%.c$")
  if room then rooms[room] = true end
end
files:close()

for room in pairs(rooms) do
  local list = assert(io.popen(("ls '%s'/tests/unit/%s/test_*.c 2>/dev/null"):format(root, room)))
  if not list:read() then complain("engine/%s has no test in tests/unit/%s", room, room) end
  list:close()
end
print(("%d files checked, %d complaints"):format(seen, bad))
os.exit(bad == 0 and seen > 0)
