--- venturi repl: an interactive prompt with the library as `vt`.
local vt = require "venturi"
local models = require "venturi.cli.model"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"

local M = {
  name = "repl",
  summary = "interactive Lua prompt with the library as vt",
  examples = { "venturi", "venturi repl -t 4", "rlwrap venturi repl" },
  options = { require("venturi.cli.options").shared.threads },
  notes = "Results are printed. A line that is not complete goes on in the next one. A table shows its fields. Ctrl-D leaves.\n"
    .. "$XDG_CONFIG_HOME/venturi/init.lua is run first when it exists; history is kept in the cache where the program has line editing.",
}

local MOST_FIELDS = 20

local function key_text(key)
  return type(key) == "string" and key:find("^[%a_][%w_]*$") and key or ("[%s]"):format(type(key) == "string" and ("%q"):format(key) or tostring(key))
end

--- A value as the prompt shows it: strings quoted inside of tables, tables one level deep.
function M.show(value, inside)
  if type(value) == "string" and inside then return ("%q"):format(value):gsub("\\\n", "\\n") end
  local meta = getmetatable(value)
  if type(value) ~= "table" or inside or (type(meta) == "table" and meta.__tostring) then return tostring(value) end
  local parts, n = {}, 0
  for i, v in ipairs(value) do
    if i > MOST_FIELDS then break end
    parts[i] = M.show(v, true)
  end
  local keys = {}
  for key in pairs(value) do
    n = n + 1
    if math.type(key) ~= "integer" or key < 1 or key > #value then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    if #parts >= MOST_FIELDS then break end
    parts[#parts + 1] = key_text(key) .. " = " .. M.show(value[key], true)
  end
  if n > #parts then parts[#parts + 1] = ("... %d more"):format(n - #parts) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function read_line(prompt, live)
  if live and program.readline then return program.readline(prompt) end
  if live then io.stderr:write(prompt) end
  return io.read("l")
end

-- Reads lines until they are a complete chunk. Results: the function, or nil and a message; nothing at the end of input.
local function read_chunk(live)
  local text = read_line("> ", live)
  if not text then return nil end
  while true do
    local chunk = load("return " .. text, "=stdin", "t")
    if chunk then return chunk end
    local message
    chunk, message = load(text, "=stdin", "t")
    if chunk or not message:find("<eof>$") then return chunk, message end
    local more = read_line(">> ", live)
    if not more then return nil, message end
    text = text .. "\n" .. more
  end
end

local function print_results(ok, ...)
  if not ok then
    local err = ...
    talk.complain(nil, tostring(err))
    return
  end
  local n = select("#", ...)
  local parts = {}
  for i = 1, n do parts[i] = M.show((select(i, ...))) end
  if n > 0 then print(table.concat(parts, "\t")) end
end

local function run_init()
  local base = os.getenv("XDG_CONFIG_HOME")
  if not base or base == "" then base = (os.getenv("HOME") or "") .. "/.config" end
  local path = base .. "/venturi/init.lua"
  if program.kind(path) == "file" then print_results(pcall(dofile, path)) end
end

function M.run()
  local live = program.tty(0)
  local history = models.cache() .. "/history"
  _G.vt = vt
  if live then
    talk.say("Venturi %s, %s, kernels %s, %d threads. Ctrl-D leaves.", vt.version(), _VERSION, vt.isa(), vt.threads())
    if program.history then program.history(history, "read") end
  end
  run_init()
  while true do
    local ok, chunk, message = pcall(read_chunk, live)
    if not ok or program.interrupted() then
      program.rearm()
      io.stderr:write("\n")
    elseif chunk then
      print_results(pcall(chunk))
      if program.interrupted() then program.rearm() end
    elseif message then
      talk.complain(nil, message)
    else
      break
    end
  end
  if live and program.history and pcall(program.mkdirs, models.cache()) then program.history(history, "write") end
  return 0
end

return M
