--- venturi run: a Lua script with the library, free or in a sandbox.
local vt = require "venturi"
local input = require "venturi.cli.input"
local talk = require "venturi.cli.talk"

local M = {
  name = "run",
  summary = "run a Lua script with the library",
  rest = true,
  examples = {
    "venturi run report.lua 2026 --fast",
    "echo 'print(vt.isa())' | venturi -",
    "venturi run --sandbox --memory 64 --time 10 --folder docs untrusted.lua",
  },
  arguments = { { "script", help = "file, or - for stdin; what follows is the script's" } },
  options = {
    { "sandbox", kind = "flag", group = "Sandbox",
      help = "no files, no programs, limits; the arguments are in arg and ..., as without it; given on the command line, the options below imply it" },
    { "memory", arg = "MIB", kind = "integer", min = 1, max = 1048576, default = 256, group = "Sandbox", help = "most memory of Lua objects" },
    { "instructions", arg = "N", kind = "integer", min = 0, default = 0, group = "Sandbox", help = "most virtual machine instructions; 0: no limit" },
    { "time", arg = "SECONDS", kind = "number", min = 0, max = 1e6, default = 0, group = "Sandbox", help = "most wall clock time; 0: no limit" },
    { "folder", arg = "DIR", kind = "string", group = "Sandbox", help = "what vt.folder() may read" },
    { "models", kind = "flag", group = "Sandbox", help = "may open models, tokenizers and indexes by path" },
    require("venturi.cli.options").shared.threads,
  },
}

local function read(path)
  local text = input.read(path)
  if path == "-" then return text, "=stdin" end
  return text:gsub("^#[^\n]*", ""), "@" .. path
end

-- Runs in the sandbox: takes the script's text, then its arguments, and is gone when the script begins.
local START = [[
vt = require "venturi"
local main
function compile(text, name)
  local message
  main, message = load(text, name, "t")
  return message
end
function start(script, list)
  arg, compile, start = list, nil, nil
  local n = #list
  list[0] = script
  main(table.unpack(list, 1, n))
end
]]

local function sandboxed(text, name, opt)
  local script <close> = vt.script{
    memory = opt.memory << 20, instructions = opt.instructions, time_ms = math.ceil(opt.time * 1000),
    folder = opt.folder and vt.folder(opt.folder), models = opt.models,
    print = talk.print,
  }
  script:load("start", START)
  local message = script:call("compile", text, name)
  if message then talk.fail(4, message) end
  local _, err = vt.try(script.call, script, "start", opt.script, table.move(opt.rest, 1, #opt.rest, 1, {}))
  if err and err.name == "VT_ERR_NOMEM" then
    talk.fail(5, err.message, ("The script may use %d MiB for its Lua objects; give it more with --memory MIB."):format(opt.memory))
  elseif err then
    error(err, 0)
  end
end

-- Any option of the sandbox asks for it.
local function wants_sandbox(opt)
  for _, name in ipairs{ "sandbox", "memory", "instructions", "time", "folder", "models" } do
    if opt.typed[name] then return true end
  end
  return false
end

-- The script's part of the traceback: what lies below its main chunk is the program's.
local function traceback(err)
  if type(err) == "table" then return err end
  return (debug.traceback(tostring(err), 2):gsub("\n%s*%[C%]: in function 'xpcall'\n[^\n]*venturi/cli/run%.lua.*$", ""))
end

function M.run(opt)
  local text, name = read(opt.script)
  if wants_sandbox(opt) then
    sandboxed(text, name, opt)
    return 0
  end
  local chunk, message = load(text, name, "t")
  if not chunk then talk.fail(4, message) end
  _G.vt, _G.arg = vt, table.move(opt.rest, 1, #opt.rest, 1, { [0] = opt.script })
  local ok, err = xpcall(chunk, traceback, table.unpack(opt.rest))
  if not ok then error(err, 0) end
  return 0
end

return M
