--- The command line: finds the verb, parses its options, runs it, turns errors into an exit code and a line on stderr.
-- Exit codes: 0 ok, 1 failed, 2 usage, 3 input not found or unreadable, 4 format or version mismatch, 5 out of memory or device, 130 interrupted.
local talk = require "venturi.cli.talk"
local program = require "venturi.program"

local M = {}

--- The verbs in the order in which help lists them.
M.verbs = { "ask", "chat", "generate", "index", "search", "cluster", "encode", "tokenize", "info", "sample", "data",
  "bench", "quantize", "kv", "run", "repl", "doctor", "help", "version" }

local known = {}
for _, name in ipairs(M.verbs) do known[name] = true end

--- The module of a verb, or nil.
function M.verb(name)
  return known[name] and require("venturi.cli." .. name) or nil
end

local exit_of = {
  VT_ERR_NOT_FOUND = 3, VT_ERR_IO = 3, VT_ERR_FORMAT = 4, VT_ERR_UNSUPPORTED = 4, VT_ERR_DTYPE = 4, VT_ERR_CONFLICT = 4,
  VT_ERR_NOMEM = 5, VT_ERR_DEVICE = 5, VT_ERR_CANCELLED = 130,
}

local hint_of = {
  VT_ERR_NOMEM = "Use a smaller model or context (-c N).",
  VT_ERR_CONFLICT = "Somebody else changed the file, or it was made with other settings; run again, or remove it to make it anew.",
}

-- Results: exit code, message, hint. Message nil: nothing to say.
local function explain(err, verb)
  if type(err) ~= "table" then return 1, tostring(err) end
  if err.usage then return 2, err.usage, (err.meant and err.meant .. " " or "") .. ("Try 'venturi %shelp'."):format(verb and verb .. " --" or "") end
  if err.exit then return err.exit, err.message, err.hint end
  if err.name == "VT_ERR_CANCELLED" then return 130, "interrupted" end
  if err.message then return exit_of[err.name] or 1, err.message, hint_of[err.name] end
  local meta = getmetatable(err)
  return 1, type(meta) == "table" and meta.__tostring and tostring(err) or "error object is a table"
end

-- A traceback only for what is no named failure.
local function handler(err)
  if type(err) == "table" or not talk.verbose then return err end
  return debug.traceback(tostring(err), 2)
end

local function run_verb(name, argv)
  local verb = M.verb(name)
  if not verb then error({ usage = ("unknown verb '%s'"):format(name) }, 0) end
  local options = require "venturi.cli.options"
  local opt = options.parse(verb, argv)
  talk.setup(opt)
  program.start{ threads = opt.threads or 0 }
  return verb.run(opt) or 0
end

-- Results that did not reach stdout (a full disk) are a failure, whatever the verb thinks.
local function delivered(verb)
  local ok, message = talk.delivered()
  if not ok then talk.complain(verb, message) end
  return ok and 0 or 1
end

--- Runs the program. argv[0] is its name.
-- @treturn integer exit code
function M.main(argv)
  _G.print = talk.print
  local name = argv[1]
  local words = table.move(argv, 2, #argv, 1, {})
  if name == nil then
    if not program.tty(0) then
      io.stderr:write(require("venturi.cli.help").overview(M))
      return 2
    end
    name = "repl"
  elseif name == "-" then
    name, words = "run", table.move(argv, 1, #argv, 1, {})
  elseif name == "-h" or name == "--help" then
    name = "help"
  elseif name == "--version" then
    name = "version"
  end
  local verb = known[name] and name or nil
  local ok, result = xpcall(run_verb, handler, name, words)
  talk.clear()
  if ok then return result ~= 0 and result or delivered(verb) end
  if type(result) == "table" and result.help then
    local written, message = io.stdout:write(require("venturi.cli.options").help(M.verb(name))) -- more than one buffer of it
    if written then return delivered(verb) end
    talk.complain(verb, "stdout: " .. message)
    return 1
  end
  talk.abandon()
  local exit, message, hint = explain(result, verb)
  if message then talk.complain(verb, message, hint) end
  return exit
end

return M
