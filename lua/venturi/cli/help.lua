--- venturi help: the list of verbs, or the help text of one.
local options = require "venturi.cli.options"

local M = {
  name = "help",
  summary = "list the verbs, or explain one",
  examples = { "venturi help", "venturi help ask", "venturi help generate | less" },
  arguments = { { "verb", count = "?", help = "the verb to explain" } },
}

--- The text without arguments.
function M.overview(cli)
  local out = { "Venturi: language models, search and Lua scripts in one program.", "", "Usage: venturi VERB [options] [arguments]", "" }
  for _, name in ipairs(cli.verbs) do out[#out + 1] = ("  %-10s %s"):format(name, cli.verb(name).summary) end
  out[#out + 1] = ""
  out[#out + 1] = "'venturi VERB --help' explains a verb. 'venturi' alone on a terminal is the interactive prompt, 'venturi -' runs a script from stdin."
  out[#out + 1] = "Exit codes: 0 ok, 1 failed, 2 usage, 3 input not found, 4 wrong format or version, 5 out of memory, 130 interrupted."
  return table.concat(out, "\n") .. "\n"
end

function M.run(opt)
  local cli = require "venturi.cli"
  if not opt.verb then
    io.stdout:write(M.overview(cli))
    return 0
  end
  local verb = cli.verb(opt.verb)
  if not verb then error({ usage = ("unknown verb '%s'"):format(opt.verb) }, 0) end
  io.stdout:write(options.help(verb))
  return 0
end

return M
