--- venturi ask: questions answered from a folder of documents, with sources.
local json = require "venturi.cli.json"
local library = require "venturi.cli.library"
local models = require "venturi.cli.model"
local profile = require "venturi.cli.profile"
local program = require "venturi.program"
local rag = require "pipelines.rag"
local options = require "venturi.cli.options"
local sampling = require "venturi.cli.sampling"
local talk = require "venturi.cli.talk"
local shared = options.shared

-- Below so many weights a model does better to quote than to speak for itself: it invents facts.
local SMALL_MODEL = 500 * 1000 * 1000

local M = {
  name = "ask",
  summary = "answer questions from the documents of a folder",
  examples = {
    "venturi ask /usr/share/doc/debian/FAQ 'What is a virtual package?'",
    "venturi ask --style free -m larger-model.gguf ~/notes 'When does my passport expire?'",
    "venturi ask -i ~/notes",
  },
  arguments = {
    { "folder", help = "text, Markdown and HTML files in it and below are read; also one such file, or an index file" },
    { "question", count = "*", help = "one or more questions" },
  },
  options = profile.join(sampling.join({
    { "interactive", short = "i", kind = "flag", group = "Questions", help = "read questions line by line from stdin" },
    { "style", arg = "STYLE", kind = "choice", choices = { "auto", "quoted", "free" }, default = "auto", group = "Answer",
      help = "quoted: the model chooses among the documents' own sentences; free: it speaks in its own words; "
        .. "auto: quoted with models under 500 million weights, else free" },
    { "max-tokens", short = "n", arg = "N", kind = "integer", min = 1, default = rag.defaults.max_tokens, group = "Answer",
      help = "most tokens of an answer; a quoted one ends with the last sentence before, and has one at least" },
    { "passages", short = "k", arg = "N", kind = "integer", min = 1, max = 100, default = rag.defaults.k, group = "Retrieval", help = "most passages that the model reads" },
    { "min-coverage", arg = "SHARE", kind = "number", min = 0, max = 1, default = rag.defaults.min_coverage, group = "Retrieval",
      help = "share of the question's weight that a passage must hold to be relevant" },
    { "index", arg = "FILE", kind = "string", group = "Retrieval", help = "index file (default: one in the cache)" },
    shared.model, { "ctx-size", short = "c", arg = "N", kind = "integer", min = 256, default = rag.defaults.n_ctx, group = "Model", help = "most tokens of prompt and answer" },
    shared.threads, shared.exact,
  }, { shared.json }, { temp = 0 })),
  notes = "Small models (under 500 million weights) choose among the documents' own sentences, since they invent facts when they speak for themselves;\n"
    .. "--style free lets the model speak. Options of sampling need a model that speaks.\n"
    .. "Sources come from the search, never from the model's words. When no passage is relevant the answer is 'Nothing relevant found', with exit code 0\n"
    .. "(--json: \"relevant\": false). Several questions, or -i, share one model and one index.",
}

-- A quoted answer is chosen, not sampled: an option that would do nothing is refused.
local function refuse_sampling(opt)
  for _, option in ipairs(sampling.options) do
    if opt.typed[option[1]:gsub("-", "_")] then error({ usage = ("option '--%s' needs --style free"):format(option[1]) }, 0) end
  end
end

local function options_of(opt, info)
  local style = opt.style ~= "auto" and opt.style or info.n_params < SMALL_MODEL and "quoted" or "free"
  if style == "quoted" then refuse_sampling(opt) end
  return rag.options{ k = opt.passages, min_coverage = opt.min_coverage, n_ctx = math.min(opt.ctx_size, info.n_ctx), max_tokens = opt.max_tokens, style = style }
end

local function sources_of(passages)
  local list = {}
  for i, p in ipairs(passages) do list[i] = { file = p.source, title = p.title, score = p.score, coverage = p.coverage } end
  return list
end

local function answer_json(world, question, settings)
  local passages, pieces = rag.ask(world, question, settings)
  local text = {}
  if pieces then
    for piece in pieces do text[#text + 1] = piece end
  end
  print(json.encode{ schema = 1, question = question, relevant = pieces ~= nil, answer = table.concat(text), sources = sources_of(passages), style = settings.style })
end

local function answer_text(world, question, settings, folder)
  local start = program.clock()
  local passages, pieces = rag.ask(world, question, settings)
  if not pieces then
    print(("Nothing relevant found in %s."):format(folder))
    return
  end
  for piece in pieces do
    io.write(piece)
    io.flush()
  end
  io.write("\n\n")
  for i, p in ipairs(passages) do print(("[%d] %s: %s"):format(i, p.source, p.title)) end
  talk.detail("answered in %.2f s", program.clock() - start)
end

-- Iterator over the questions.
local function questions_of(opt)
  local i, live = 0, opt.interactive and program.tty(0)
  return function()
    i = i + 1
    if opt.question[i] then return opt.question[i] end
    if not opt.interactive then return nil end
    if live and program.readline then return program.readline("? ") end
    if live then io.stderr:write("? ") end
    return io.read("l")
  end
end

function M.run(opt)
  if #opt.question == 0 and not opt.interactive then error({ usage = "missing argument 'question'" }, 0) end
  if opt.style == "quoted" then refuse_sampling(opt) end
  for _, question in ipairs(opt.question) do options.text("the question", question) end
  local index = library.place(opt.folder, opt.index)
  profile.start(opt)
  local model, tok, session = models.open(opt, opt.given.ctx_size and opt.ctx_size or 0)
  local settings = options_of(opt, model:info())
  local world = { index = index, tok = tok, session = session }
  if settings.style == "free" then world.sampler = sampling.sampler(opt, world.tok) end
  local asked = 0
  for question in questions_of(opt) do
    if options.text("the question", question):find("%S") then
      asked = asked + 1
      if opt.json then
        answer_json(world, question, settings)
      else
        if asked > 1 then print("") end
        answer_text(world, question, settings, opt.folder)
      end
    end
  end
  profile.finish(opt)
  return 0
end

return M
