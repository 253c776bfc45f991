-- Writes a C program that prints every constant and every struct layout of the public headers: the list is read from the headers, so
-- that none can be forgotten.   usage: lua constants.lua OUT.c HEADER...
local out = assert(io.open(assert(arg[1], "usage: constants.lua OUT.c HEADER..."), "w"))
local n_constants, n_structs = 0, 0

local function strip(text)
  return (text:gsub("/%*.-%*/", " "):gsub("\n%s*#[^\n]*", "\n"))
end

local function name_of(path)
  return path:match("(venturi/[%w_]+%.h)$") or path:match("([%w_]+%.h)$")
end

out:write("#define VT_EXPERIMENTAL\n#include <stdio.h>\n")
for i = 2, #arg do out:write(('#include "%s"\n'):format(name_of(arg[i]))) end
out:write [[
#define CONSTANT(c) printf("const %s %lld\n", #c, (long long)(c))
#define STRUCT(t) printf("struct %s %zu\n", #t, sizeof(t))
#define FIELD(t, f) printf("field %s.%s %zu %zu\n", #t, #f, offsetof(t, f), sizeof(((t *)0)->f))

int main(void) {
]]
for i = 2, #arg do
  local f = assert(io.open(arg[i]))
  local text = f:read("a")
  f:close()
  out:write(('    printf("# %s\\n");\n'):format(name_of(arg[i])))
  -- Macros with a plain number count as constants too.
  for name, value in text:gmatch("\n%s*#%s*define%s+(VT_[%u%d_]+)[ \t]+([^\n]+)") do
    if value:find("^%(?%-?%d") then
      out:write(("    CONSTANT(%s);\n"):format(name))
      n_constants = n_constants + 1
    end
  end
  text = strip(text)
  for body in text:gmatch("enum%s*[%w_]*%s*{(.-)}") do
    for name, value in body:gmatch("(VT_[%u%d_]+)%s*(=?)") do
      assert(value == "=", arg[i] .. ": " .. name .. " has no explicit number")
      out:write(("    CONSTANT(%s);\n"):format(name))
      n_constants = n_constants + 1
    end
  end
  for tag, body, name in text:gmatch("struct%s+([%w_]+)%s*(%b{})%s*([%w_]*)%s*;") do
    assert(tag == name, arg[i] .. ": struct " .. tag .. " and its typedef differ in name")
    out:write(("    STRUCT(%s);\n"):format(name))
    n_structs = n_structs + 1
    for list in body:sub(2, -2):gmatch("([^;]+);") do
      for field in list:match("^%s*[%w_%s%*]-([%w_%s,%*%[%]]+)$"):gmatch("[^,]+") do
        field = field:gsub("%b[]", ""):match("([%w_]+)%s*$")
        out:write(("    FIELD(%s, %s);\n"):format(name, field))
      end
    end
  end
end
out:write("    return 0;\n}\n")
out:close()
assert(n_constants > 0 and n_structs > 0, "the headers could not be read")
