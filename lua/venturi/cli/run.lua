--- venturi run: a Lua script with the library, free or in a sandbox.
local vt = require "venturi"
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
    { "sandbox", kind = "flag", group = "Sandbox", help = "no files, no programs, limits; the arguments are in arg, as without it" },
    { "memory", arg = "MIB", kind = "integer", min = 1, max = 1048576, default = 256, group = "Sandbox", help = "most memory of Lua objects" },
    { "instructions", arg = "N", kind = "integer", min = 0, default = 0, group = "Sandbox", help = "most virtual machine instructions; 0: no limit" },
    { "time", arg = "SECONDS", kind = "number", min = 0, max = 1e6, default = 0, group = "Sandbox", help = "most wall clock time; 0: no limit" },
    { "folder", arg = "DIR", kind = "string", group = "Sandbox", help = "what vt.folder() may read" },
    { "models", kind = "flag", group = "Sandbox", help = "may open models, tokenizers and indexes by path" },
    require("venturi.cli.options").shared.threads,
  },
}

local function read(path)
  if path == "-" then return io.read("a"), "=stdin" end
  local file, message = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  if not text then talk.fail(3, message or path .. ": cannot be read") end
  return text:gsub("^#[^\n]*", ""), "@" .. path
end

local function sandboxed(text, name, opt)
  local script <close> = vt.script{
    memory = opt.memory << 20, instructions = opt.instructions, time_ms = math.ceil(opt.time * 1000),
    folder = opt.folder and vt.folder(opt.folder), models = opt.models,
    print = function(line) io.write(line, "\n") end,
  }
  script:load("arguments", "vt = require 'venturi' function set_arg(list) arg, set_arg = list, nil end")
  script:call("set_arg", table.move(opt.rest, 1, #opt.rest, 1, {}))
  script:load(name:sub(2), text)
end

-- The script's part of the traceback: what lies below its main chunk is the program's.
local function traceback(err)
  if type(err) == "table" then return err end
  return (debug.traceback(tostring(err), 2):gsub("\n%s*%[C%]: in function 'xpcall'\n[^\n]*venturi/cli/run%.lua.*$", ""))
end

function M.run(opt)
  local text, name = read(opt.script)
  if opt.sandbox then
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
