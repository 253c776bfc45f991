--- Runs the program as a user's shell would, and keeps what it said.
local t = require "support"

local M = { home = t.folder(), program = assert(os.getenv("VT_PROGRAM"), "VT_PROGRAM names the program to test") }

--- A word for sh.
function M.quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

--- Runs a command line of sh in which $V is the program. The caches are a folder of this test's own; no VENTURI_ variable is set but those given.
-- @treturn table { code, out, err }
function M.sh(line, env)
  local words = { "env", "-u", "VENTURI_MODEL", "-u", "NO_COLOR", "XDG_CACHE_HOME=" .. M.quote(M.home), "XDG_CONFIG_HOME=" .. M.quote(M.home),
    "TERM=xterm", "V=" .. M.quote(M.program) }
  for key, value in pairs(env or {}) do words[#words + 1] = key .. "=" .. M.quote(value) end
  local out, err = M.home .. "/out", M.home .. "/err"
  local command = ("%s sh -c %s >%s 2>%s"):format(table.concat(words, " "), M.quote(line), M.quote(out), M.quote(err))
  local _, how, code = os.execute(command)
  return { code = how == "exit" and code or 128 + code, out = t.read(out), err = t.read(err) }
end

--- Runs the program with these words; stdin is empty.
function M.run(...)
  local words = { '"$V"' }
  for _, word in ipairs{ ... } do words[#words + 1] = M.quote(word) end
  return M.sh(table.concat(words, " ") .. " </dev/null")
end

--- Checks exit code and, where given, that stdout and stderr have these texts.
function M.expect(result, code, out, err)
  local function show() return ("exit %s\nstdout: %s\nstderr: %s"):format(result.code, result.out, result.err) end
  if result.code ~= code then error(("want exit %d, got %s"):format(code, show()), 2) end
  if out and not result.out:find(out, 1, true) then error(("want '%s' on stdout, got %s"):format(out, show()), 2) end
  if err and not result.err:find(err, 1, true) then error(("want '%s' on stderr, got %s"):format(err, show()), 2) end
  return result
end

return M
