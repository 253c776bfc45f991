-- Turns the Lua standard library into one C file at build time, so that no product has to look for it on a disk.
-- usage: embed.lua OUTPUT SOURCE.lua...     module names come from the paths: lua/venturi/x.lua and scripts/pipelines/x.lua
local output = assert(arg[1], "usage: embed.lua OUTPUT SOURCE.lua...")

-- "venturi.nn.linear" for .../lua/venturi/nn/linear.lua; a folder's init.lua is the folder.
local function module_name(path)
  local rest = path:match("^.*/lua/(venturi/.*)%.lua$") or path:match("^.*/scripts/(pipelines/.*)%.lua$")
  assert(rest, path .. ": not below lua/venturi or scripts/pipelines")
  return (rest:gsub("/init$", ""):gsub("/", ".")), rest .. ".lua"
end

local function read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read("a")
  f:close()
  assert(load(text, "@" .. path, "t"))  -- a syntax error fails the build, not the user
  return text
end

-- Numbers instead of a string literal: C compilers need not take literals over 4095 bytes.
local function write_bytes(f, text)
  for i = 1, #text, 32 do
    f:write("    ", table.concat({ text:byte(i, i + 31) }, ","), ",\n")
  end
end

local sources = {}
for i = 2, #arg do
  local name, chunk = module_name((arg[i]:gsub("\\", "/")))
  sources[#sources + 1] = { name = name, chunk = chunk, text = read(arg[i]) }
end
table.sort(sources, function(a, b) return a.name < b.name end)

local f = assert(io.open(output, "wb"))
f:write("/* Made by lua/embed.lua. */\n#include \"lua_stdlib.h\"\n\n")
for i, s in ipairs(sources) do
  f:write(("static const unsigned char text_%d[] = {\n"):format(i))
  write_bytes(f, s.text)
  f:write("    0};\n")
end
f:write("\nconst vt__stdlib_module vt__stdlib_modules[] = {\n")
for i, s in ipairs(sources) do
  f:write(("    {%q, %q, text_%d, %d},\n"):format(s.name, "@" .. s.chunk, i, #s.text))
end
f:write("    {0, 0, 0, 0}};\n")
f:close()
