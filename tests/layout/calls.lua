-- Calls that belong to one room: memory, files, threads, time and output are core's, and a library never prints or ends its host.
-- usage: lua calls.lua SOURCE-ROOT
local root = assert(arg[1], "usage: calls.lua SOURCE-ROOT")

local function set(words)
  local s = {}
  for w in words:gmatch("%S+") do s[w] = true end
  return s
end

local NOWHERE = set "printf puts putchar perror abort exit _exit quick_exit system fork signal sigaction srand rand random setlocale vprintf"
local CORE_ONLY = set [[malloc calloc realloc free aligned_alloc posix_memalign strdup strndup asprintf fopen open openat creat read write mmap munmap
  unlink rename fsync pthread_create clock_gettime time nanosleep usleep sleep]]

-- Code of a C file without comments and strings; line breaks stay.
local function bare(text)
  text = text:gsub("/%*.-%*/", function(c) return c:gsub("[^\n]", " ") end)
  text = text:gsub("\\.", "  ")
  return (text:gsub('"[^"\n]*"', '""'):gsub("//[^\n]*", ""))
end

-- A file may have a function or a function pointer of its own under such a name.
local function is_own(text, name)
  return text:find("%(%*" .. name .. "%)") or text:find("[%w_] " .. name .. "[,)]") or text:find("\n[^\n;=]*static[^\n;=]*%f[%w]" .. name .. "%s*%(")
end

local seen, bad = 0, 0
local files = assert(io.popen(("cd '%s' && find abi engine kernels -name '*.[ch]' | LC_ALL=C sort"):format(root)))
for path in files:lines() do
  seen = seen + 1
  local n = 0
  local f = assert(io.open(root .. "/" .. path))
  local text = bare(f:read("a")) .. "\n"
  for line in text:gmatch("(.-)\n") do
    n = n + 1
    for before, name in line:gmatch("([%w_>%.]?)%f[%w_]([%a_][%w_]*)%s*%(") do
      local member = before == ">" or before == "."
      if not member and not is_own(text, name) and (NOWHERE[name] or (CORE_ONLY[name] and not path:find("^engine/core/"))) then
        bad = bad + 1
        io.stderr:write(("%s:%d: calls %s\n"):format(path, n, name))
      end
    end
  end
  f:close()
end
files:close()
print(("%d files checked, %d forbidden calls"):format(seen, bad))
os.exit(bad == 0 and seen > 0)
