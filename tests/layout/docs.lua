-- Every public function has a doc comment: its own, or that of the paragraph it stands in (retain and release lean on create).
-- usage: lua docs.lua SOURCE-ROOT
local root = assert(arg[1], "usage: docs.lua SOURCE-ROOT")
local seen, bad = 0, 0

local files = assert(io.popen(("cd '%s' && find abi -name '*.h' | LC_ALL=C sort"):format(root)))
for path in files:lines() do
  local documented = false -- a doc comment stands above in this paragraph
  local n = 0
  for line in io.lines(root .. "/" .. path) do
    n = n + 1
    if line:find("^%s*$") then documented = false end
    if line:find("^/%*%*") then documented = true end
    local name = line:find("^VT_API") and line:match("(vt_[%w_]+)%s*%(")
    if name then
      seen = seen + 1
      if not documented and not (name:find("_retain$") or name:find("_release$")) then
        bad = bad + 1
        io.stderr:write(("%s:%d: %s has no doc comment\n"):format(path, n, name))
      end
    end
    if line:find("TODO", 1, true) then
      bad = bad + 1
      io.stderr:write(("%s:%d: a public header with a TODO\n"):format(path, n))
    end
  end
end
files:close()
print(("%d public functions checked, %d without a doc comment"):format(seen, bad))
os.exit(bad == 0 and seen > 0)
