--- Small test frame: TAP on stdout, temporary folders, a collector that runs all the time when VT_GC_STRESS is set.
local M = { golden = os.getenv("VT_GOLDEN") or "tests/golden" }

local n, failed, folders = 0, 0, {}

if os.getenv("VT_GC_STRESS") then debug.sethook(function() collectgarbage() end, "", 500) end

--- Runs f as the promise `name`.
function M.test(name, f)
  n = n + 1
  local ok, err = xpcall(f, function(e) return debug.traceback(tostring(e), 2) end)
  if not ok then
    failed = failed + 1
    io.stderr:write(name, ": ", err, "\n")
  end
  print(("%s %d - %s"):format(ok and "ok" or "not ok", n, name))
end

function M.skip(name, why)
  n = n + 1
  print(("ok %d - %s # SKIP %s"):format(n, name, why))
end

--- A new folder that `done` removes.
function M.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(os.execute(("mkdir '%s'"):format(path)))
  folders[#folders + 1] = path
  return path
end

function M.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

function M.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

--- f(...) raises something whose text has `part`; its name is `status` where given.
function M.raises(part, f, ...)
  local ok, err = pcall(f, ...)
  if ok then error(("no error, want one with '%s'"):format(part), 2) end
  if not tostring(err):find(part, 1, true) then error(("want an error with '%s', got '%s'"):format(part, tostring(err)), 2) end
  return err
end

function M.equal(got, want, what)
  local function same(a, b)
    if a == b then return true end
    if type(a) ~= "table" or type(b) ~= "table" then return false end
    for k, v in pairs(a) do
      if not same(v, b[k]) then return false end
    end
    for k in pairs(b) do
      if a[k] == nil then return false end
    end
    return true
  end
  if not same(got, want) then error(("%s: got %s, want %s"):format(what or "differs", tostring(got), tostring(want)), 2) end
end

--- Runs the text of a script with more and more memory until it ends well: until then it says that it has too little.
function M.with_little_memory(text)
  local vt = require "venturi"
  local passed
  for limit = 60000, 2000000, 3001 do
    local script, err = vt.try(vt.script, { memory = limit })
    if script then
      local _, problem = vt.try(script.load, script, "text", text)
      script:close()
      passed, err = not problem, problem
    end
    if passed then break end
    M.equal(err.name, "VT_ERR_NOMEM", err.message)
  end
  assert(passed, "with enough memory it runs")
end

--- Path of the real model, or nil.
function M.real_model()
  local folder = os.getenv("VENTURI_MODELS") or (os.getenv("XDG_CACHE_HOME") or (os.getenv("HOME") or "") .. "/.cache") .. "/venturi/models"
  local path = folder .. "/SmolLM2-135M-Instruct.Q4_1.gguf"
  local file = io.open(path, "rb")
  if file then file:close() end
  return file and path or nil
end

local function readable(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file and path or nil
end

--- Path of Noto's emoji font, from its package or the cache, or nil.
function M.emoji_font()
  local cache = (os.getenv("XDG_CACHE_HOME") or (os.getenv("HOME") or "") .. "/.cache") .. "/venturi/"
  return readable("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf") or readable(cache .. "noto-color-emoji-2.042/NotoColorEmoji.ttf")
end

--- Ends the program: plan, temporary folders, exit code.
function M.done()
  debug.sethook()
  for _, path in ipairs(folders) do os.execute(("rm -rf '%s'"):format(path)) end
  print("1.." .. n)
  os.exit(failed == 0 and n > 0 and 0 or 1, true)
end

return M
