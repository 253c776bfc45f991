--- venturi chat: a conversation with a model, on the terminal or line by line from stdin.
local json = require "venturi.cli.json"
local models = require "venturi.cli.model"
local program = require "venturi.program"
local prompts = require "venturi.prompt"
local options = require "venturi.cli.options"
local sampling = require "venturi.cli.sampling"
local talk = require "venturi.cli.talk"
local shared = options.shared

local M = {
  name = "chat",
  summary = "talk with a model",
  examples = {
    "venturi chat",
    "venturi chat -p 'Name three Unix shells.' --temp 0",
    "venturi chat --system 'Answer in one sentence.' -m model.gguf",
  },
  options = sampling.join({
    { "prompt", short = "p", arg = "TEXT", kind = "string", group = "Text", env = false, help = "one message; print the answer and leave" },
    { "system", arg = "TEXT", kind = "string", group = "Text", help = "system message (default: the model's own)" },
    { "max-tokens", short = "n", arg = "N", kind = "integer", min = 0, default = 512, group = "Text", help = "most tokens of one answer; 0: until the model ends" },
    shared.model, shared.ctx, shared.threads, shared.exact,
  }, { shared.json }),
}

-- Ids of the whole conversation; what the session already holds of it is not computed again.
local function feed(session, tok, messages)
  local ids = tok:encode(tok:chat(messages), { special = true })
  local held, same = session:tokens(), 0
  while same < #held and same < #ids - 1 and held[same + 1] == ids[same + 1] do same = same + 1 end
  session:trim(same)
  session:feed(table.move(ids, same + 1, #ids, 1, {}))
end

-- Forgets the oldest question and its answer until the conversation leaves room for `room` tokens in the context.
local function make_room(tok, messages, limit, room)
  local first = messages[1].role == "system" and 2 or 1
  while #messages - first >= 2 and #tok:encode(tok:chat(messages), { special = true }) + room > limit do
    table.remove(messages, first)
    table.remove(messages, first)
  end
end

local function answer(chat, text)
  local messages, opt = chat.messages, chat.opt
  messages[#messages + 1] = { role = "user", content = prompts.plain(text) }
  make_room(chat.tok, messages, chat.limit, math.min(opt.max_tokens > 0 and opt.max_tokens or 512, chat.limit // 2))
  feed(chat.session, chat.tok, messages)
  local pieces, start = {}, program.clock()
  for piece in chat.session:generate{ max_tokens = opt.max_tokens, sampler = chat.sampler } do
    pieces[#pieces + 1] = piece
    if not opt.json then
      io.write(piece)
      io.flush()
    end
  end
  if not opt.json then io.write("\n") end
  models.report_speed("answer", #pieces, program.clock() - start)
  messages[#messages + 1] = { role = "assistant", content = prompts.plain(table.concat(pieces)) }
  return table.concat(pieces), #pieces
end

local function read_line(live)
  if live and program.readline then return program.readline("> ") end
  if live then io.stderr:write("> ") end
  return io.read("l")
end

local function converse(chat)
  local live = program.tty(0) and program.tty(2)
  if live then talk.say("An empty line or Ctrl-D ends the conversation.") end
  while true do
    local line = read_line(live)
    if not line or (line == "" and live) then return end
    if line ~= "" then answer(chat, options.text("the prompt", line)) end
  end
end

function M.run(opt)
  if opt.json and not opt.prompt then error({ usage = "--json needs --prompt" }, 0) end
  if opt.prompt then options.text("the prompt", opt.prompt) end
  if opt.system then options.text("the system message", opt.system) end
  local model, tok, session = models.open(opt)
  local sampler, seed = sampling.sampler(opt)
  local limit = opt.ctx_size > 0 and opt.ctx_size or model:info().n_ctx
  local chat = { opt = opt, tok = tok, session = session, sampler = sampler, messages = {}, limit = limit }
  if opt.system then chat.messages[1] = { role = "system", content = prompts.plain(opt.system) } end
  if not opt.prompt then
    converse(chat)
    return 0
  end
  local text, n = answer(chat, opt.prompt)
  if opt.json then
    print(json.encode{ schema = 1, model = model:info().name, text = text, tokens = n, seed = seed,
      stopped = opt.max_tokens > 0 and n >= opt.max_tokens and "length" or "end" })
  end
  return 0
end

return M
