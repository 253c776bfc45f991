--- venturi generate: a model goes on with a text.
local input = require "venturi.cli.input"
local json = require "venturi.cli.json"
local models = require "venturi.cli.model"
local profile = require "venturi.cli.profile"
local program = require "venturi.program"
local options = require "venturi.cli.options"
local sampling = require "venturi.cli.sampling"
local talk = require "venturi.cli.talk"
local shared = options.shared

local M = {
  name = "generate",
  summary = "let a model go on with a text",
  examples = {
    "venturi generate -p 'The capital of France is' -n 8 --temp 0",
    "venturi generate -m model.gguf -f story.txt -n 200 --seed 7",
    "echo 'Once upon a time' | venturi generate -f - --json",
  },
  options = profile.join(sampling.join({
    { "prompt", short = "p", arg = "TEXT", kind = "string", group = "Text", env = false, help = "the text to go on with" },
    { "file", short = "f", arg = "FILE", kind = "string", group = "Text", env = false, help = "read it from a file, - for stdin" },
    { "special", kind = "flag", group = "Text", help = "text such as <|im_end|> in the prompt becomes its special token" },
    { "max-tokens", short = "n", arg = "N", kind = "integer", min = 0, default = 256, group = "Text", help = "most tokens to make; 0: to the end of answer or context" },
    { "stop", arg = "TEXT", kind = "list", group = "Text", env = false, help = "end before this text; may come several times" },
    { "logprobs", arg = "N", kind = "integer", min = 0, max = 1000, group = "Text", env = false,
      help = "with --json: log-probability of each token and of the N likeliest" },
    { "ignore-eos", kind = "flag", group = "Text", help = "go on after the model's end of answer" },
    shared.model, shared.ctx, shared.threads, shared.exact,
  }, { shared.json, shared.output, shared.force })),
}

local function prompt_of(opt)
  if (opt.prompt ~= nil) == (opt.file ~= nil) then error({ usage = "give either --prompt or --file" }, 0) end
  if opt.prompt then return opt.prompt end
  return input.read(opt.file)
end

-- A token with its log-probability and the likeliest ones beside it.
local function token_of(tok, sampler, id)
  local list, top = sampler:log_probabilities(), {}
  for i = 2, #list do top[i - 1] = { id = list[i][1], token = tok:token(list[i][1]), logprob = list[i][2] } end
  return { id = id, token = tok:token(id), logprob = list[1][2], top = top }
end

function M.run(opt)
  if opt.logprobs and not opt.json then error({ usage = "option '--logprobs' needs --json" }, 0) end
  sampling.check(opt)
  local prompt = options.text("the prompt", prompt_of(opt))
  if prompt == "" then error({ usage = "the prompt is empty" }, 0) end
  local out = talk.open(opt)
  profile.start(opt)
  local model, tok, session = models.open(opt)
  local sampler, seed = sampling.sampler(opt, tok, opt.logprobs)
  local ids = tok:encode(prompt, { special = opt.special, bos = true })
  local start = program.clock()
  session:feed(ids)
  models.report_speed("prompt", #ids, program.clock() - start)

  sampler:observe(ids)

  local pieces, n, tokens, ending = {}, 0, opt.logprobs and {} or nil, nil
  start = program.clock()
  for piece, id, why in session:generate{ max_tokens = opt.max_tokens, sampler = sampler, ignore_eog = opt.ignore_eos, stop = opt.stop } do
    ending = why
    if id >= 0 then n = n + 1 end -- the rest of a broken code point comes without a token
    if tokens and id >= 0 then tokens[n] = token_of(tok, sampler, id) end
    if opt.json then
      pieces[#pieces + 1] = piece
    else
      out:write(piece)
      out:flush()
    end
  end
  local seconds = program.clock() - start
  if not ending then
    ending = opt.max_tokens > 0 and n >= opt.max_tokens and "length" or session:count() >= (opt.ctx_size > 0 and opt.ctx_size or model:info().n_ctx) and "context" or "end"
  end
  if opt.json then
    out:write(json.encode{
      schema = 1, model = model:info().name, prompt_tokens = #ids, tokens = n, text = table.concat(pieces), seed = seed, logprobs = tokens,
      stopped = ending,
    }, "\n")
  else
    out:write("\n")
    out:flush()
  end
  models.report_speed("answer", n, seconds)
  talk.finish(out, opt)
  profile.finish(opt)
  return 0
end

return M
