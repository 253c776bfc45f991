--- venturi chat: a conversation with a model, on the terminal or from stdin.
local dialogue = require "venturi.cli.dialogue"
local json = require "venturi.cli.json"
local models = require "venturi.cli.model"
local options = require "venturi.cli.options"
local profile = require "venturi.cli.profile"
local program = require "venturi.program"
local sampling = require "venturi.cli.sampling"
local talk = require "venturi.cli.talk"
local vt = require "venturi"
local shared = options.shared

local M = {
  name = "chat",
  summary = "talk with a model",
  examples = {
    "venturi chat",
    "venturi chat --system 'Answer in one sentence.' model.gguf",
    "venturi chat -p 'Name three Unix shells.' --temp 0",
    "venturi chat -p - <question.txt",
  },
  arguments = { { "file", count = "?", help = "GGUF model file (default: as -m)" } },
  options = profile.join(sampling.join({
    { "prompt", short = "p", arg = "TEXT", kind = "string", group = "Text", env = false, help = "one message; print the answer and leave. -: all of stdin" },
    { "system", arg = "TEXT", kind = "string", group = "Text", help = "system message (default: the model's own)" },
    { "load", arg = "FILE", kind = "string", group = "Text", env = false, help = "go on with a conversation that /save wrote" },
    { "form", arg = "FORM", kind = "choice", choices = { "plain", "chatml", "gemma" }, default = "plain", group = "Text",
      help = "for a model without a chat template: a transcript, ChatML or Gemma's turns" },
    { "max-tokens", short = "n", arg = "N", kind = "integer", min = 0, default = 512, group = "Text", help = "most tokens of one answer; 0: until the model ends" },
    { "stop", arg = "TEXT", kind = "list", group = "Text", env = false, help = "end an answer before this text; may come several times" },
    { "template-json", arg = "JSON", kind = "string", group = "Text", help = 'more variables for the model\'s template, {"enable_thinking": false}, say' },
    shared.model, shared.ctx, shared.threads, shared.exact,
  }, { shared.json })),
  notes = "Without -p each line of stdin is a message, on a terminal and from a pipe. A line that ends with \\ goes on in the next one, and lines between\n"
    .. '""" and """ are one message. A line that begins with / is a command; // sends a text that begins with /. /help lists them.\n'
    .. "Ctrl-C stops an answer, which is kept as far as it came; at the prompt it leaves, as Ctrl-D and /exit do. When the context is full the oldest\n"
    .. "turns are forgotten. A model without a chat template is given a transcript, with a notice, and what it writes after the next \"User:\" is dropped.",
}

-- ---- input ----

local function read_line(live, prompt)
  if live and program.readline then return program.readline(prompt) end
  if live then io.stderr:write(prompt) end
  return io.read("l")
end

-- A message: a line, lines that end with a backslash, or lines between triple quotes. Nil at the end of input.
local function read_message(live)
  local line = read_line(live, "> ")
  if not line then return nil end
  local block = line:match('^%s*"""(.*)$')
  if block then
    local lines = { block }
    while not lines[#lines]:find('"""%s*$') do
      line = read_line(live, ". ")
      if not line then break end
      lines[#lines + 1] = line
    end
    lines[#lines] = lines[#lines]:gsub('"""%s*$', "")
    return (table.concat(lines, "\n"):gsub("^\n", ""):gsub("\n$", ""))
  end
  while line:find("\\$") do
    local more = read_line(live, ". ")
    line = line:sub(1, -2) .. "\n" .. (more or "")
    if not more then break end
  end
  return line
end

-- ---- output ----

local ends = { length = "(--max-tokens ends it here)", context = "(the context is full)", user = "(stopped)" }

-- The line behind an answer, and why it ended where that is not plain.
local function close_answer(result)
  if not result then
    talk.say("(stopped before it began)")
    return
  end
  io.write("\n")
  io.flush()
  if ends[result.stopped] then talk.say("%s", ends[result.stopped]) end
end

local function show(piece)
  io.write(piece)
  io.flush()
end

-- ---- commands ----

local commands = {}

commands.help = { "", "this list", function()
  for _, name in ipairs{ "regenerate", "undo", "clear", "system", "save", "load", "help", "exit" } do
    talk.say("  /%-18s %s", name .. (commands[name][1] ~= "" and " " .. commands[name][1] or ""), commands[name][2])
  end
end }
commands.exit = { "", "leave", function() return true end }
commands.regenerate = { "", "answer the last message anew", function(chat)
  local result = chat:regenerate()
  if result == false then talk.complain(nil, "there is no message to answer") else close_answer(result) end
end }
commands.undo = { "", "forget the last message and its answer", function(chat)
  if not chat:undo() then talk.complain(nil, "there is nothing to undo") end
end }
commands.clear = { "", "forget all but the system message", function(chat) chat:clear() end }
commands.system = { "TEXT", "set the system message; without TEXT take it away", function(chat, text)
  chat:set_system(text ~= "" and text or nil)
end }

commands.save = { "FILE", "write the conversation", function(chat, path)
  if path == "" then error({ message = "/save needs a file" }, 0) end
  if program.kind(path) and not chat.files[path] then error({ message = path .. ": exists already" }, 0) end
  local file, message = io.open(path, "wb")
  local ok = file and file:write(chat:to_json())
  if file then
    local closed, why = file:close()
    ok, message = ok and closed, message or why
  end
  if not ok then error({ message = message or path .. ": cannot be written" }, 0) end
  chat.files[path] = true
  talk.say("%d messages in %s", #chat.messages, path)
end }

commands.load = { "FILE", "go on with a conversation that was saved", function(chat, path)
  local file, message = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  if not text then error({ exit = 3, message = message or path .. ": cannot be read" }, 0) end
  chat:from_json(text)
  chat.files[path] = true
  talk.say("%d messages from %s", #chat.messages, path)
end }

-- Runs "/name argument". Results: leave?, and did it fail?
local function command(chat, line)
  local name, argument = line:match("^/(%a*)%s*(.-)%s*$")
  local known = commands[name == "quit" and "exit" or name]
  if not known then
    talk.complain(nil, ("there is no command '%s'; /help lists them, // sends a text that begins with /"):format(line:match("^%S+")))
    return false, true
  end
  local ok, result = pcall(known[3], chat, argument)
  if ok then return result == true, false end
  if type(result) ~= "table" or result.name == "VT_ERR_CANCELLED" then error(result, 0) end
  talk.complain(nil, result.message or tostring(result))
  return false, true
end

-- ---- the verb ----

-- One message of the conversation. Result: did it fail? The conversation goes on after a message that is too long.
local function say(chat, line)
  local text = line:gsub("^//", "/")
  if not utf8.len(text) then
    talk.complain(nil, "the message is not valid UTF-8")
    return true
  end
  local ok, result = pcall(chat.ask, chat, text)
  if ok then
    close_answer(result)
    return false
  end
  if type(result) ~= "table" or (not result.exit and result.name ~= "VT_ERR_INVALID" and result.name ~= "VT_ERR_LIMIT") then error(result, 0) end
  talk.complain(nil, result.message, result.hint)
  return true
end

-- Talks until the end of input. Result: the exit code; a failure counts only where nobody saw it happen.
local function converse(chat)
  local live, failed = program.tty(0) and program.tty(2), false
  if live then talk.say("%s. /help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves.", chat.model:info().name) end
  while true do
    local ok, line = pcall(read_message, live)
    if program.interrupted() then
      program.rearm()
      io.stderr:write("\n")
      return 130
    end
    if not ok then error(line, 0) end
    if not line then break end
    local leave, bad = false, false
    if line:find("^/[^/]") or line == "/" then
      leave, bad = command(chat, line)
    elseif line:find("%S") then
      bad = say(chat, line)
    end
    failed = failed or bad
    if leave then break end
  end
  return failed and not live and 1 or 0
end

-- Variables of --template-json, which only a template reads; --form is for models that have none.
local function variables_of(opt, tok)
  if tok:template() and opt.typed.form then error({ usage = "option '--form' is for models without a chat template; this one has its own" }, 0) end
  if not opt.template_json then return nil end
  if not tok:template() and opt.typed.template_json then error({ usage = "option '--template-json' needs a model with a chat template" }, 0) end
  local ok, variables = pcall(vt.jinja.from_json, opt.template_json)
  if not ok or not vt.jinja.value.is_dict(variables) then error({ usage = "--template-json needs an object of JSON, such as {\"name\": 1}" }, 0) end
  return variables
end

-- The conversation that the options describe; `files` are those that it may overwrite, since it wrote or read them.
local function open(opt)
  local model, tok, session = models.open(opt)
  local sampler, seed = sampling.sampler(opt, tok)
  local variables = variables_of(opt, tok)
  local stop = table.move(opt.stop or {}, 1, #(opt.stop or {}), 1, {})
  if not tok:template() then stop[#stop + 1] = vt.chat.forms[opt.form].stop end
  local chat = dialogue.new{
    model = model, tok = tok, session = session, sampler = sampler, seed = seed, max_tokens = opt.max_tokens, variables = variables and variables.map,
    limit = opt.ctx_size > 0 and opt.ctx_size or model:info().n_ctx, show = opt.json and function() end or show, form = opt.form, stop = stop,
    files = {},
  }
  if not tok:template() then talk.say("The model has no chat template: the form '%s' is used (--form).", opt.form) end
  if opt.load then
    if not program.kind(opt.load) then talk.fail(3, opt.load .. ": no such file") end
    commands.load[3](chat, opt.load)
  end
  if opt.system then chat:set_system(opt.system) end
  return chat
end

-- One message and its answer.
local function once(chat, opt, text)
  local result = chat:ask(text)
  if not result then return 130 end
  if opt.json then
    print(json.encode{ schema = 1, model = chat.model:info().name, text = result.text, tokens = result.tokens, seed = chat.seed, stopped = result.stopped })
  else
    close_answer(result)
  end
  return result.stopped == "user" and 130 or 0
end

function M.run(opt)
  if opt.json and not opt.prompt then error({ usage = "--json needs --prompt" }, 0) end
  if opt.file and opt.typed.model then error({ usage = "name the model once" }, 0) end
  opt.model = opt.file or opt.model
  local text = opt.prompt == "-" and io.read("a"):gsub("\n$", "") or opt.prompt
  if text then options.text("the prompt", text) end
  if text and not text:find("%S") then error({ usage = "the prompt is empty" }, 0) end
  sampling.check(opt)
  if opt.system then options.text("the system message", opt.system) end
  profile.start(opt)
  local chat = open(opt)
  local code = text and once(chat, opt, text) or converse(chat)
  profile.finish(opt)
  return code
end

return M
