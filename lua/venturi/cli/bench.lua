--- venturi bench: speed of a model on this machine, or its perplexity on a text.
local input = require "venturi.cli.input"
local json = require "venturi.cli.json"
local models = require "venturi.cli.model"
local options = require "venturi.cli.options"
local profile = require "venturi.cli.profile"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"
local vt = require "venturi"
local shared = options.shared

local WINDOW = 512 -- tokens, of a perplexity where -c does not say otherwise

local M = {
  name = "bench",
  summary = "measure a model's speed, or its perplexity on a text",
  examples = {
    "venturi bench model.gguf",
    "venturi bench -m model.gguf --prompt-tokens 128 --tokens 32 -t 1 --json",
    "venturi bench --perplexity wiki.test.raw model.gguf",
    "venturi bench --perplexity text.txt --chunks 8 --exact model.gguf",
  },
  arguments = { { "file", count = "?", help = "GGUF model file (default: as -m)" } },
  options = profile.join{
    { "prompt-tokens", arg = "N", kind = "integer", min = 1, default = 512, group = "Speed", help = "length of the prompt that is computed at once" },
    { "tokens", short = "n", arg = "N", kind = "integer", min = 1, default = 64, group = "Speed", help = "tokens that are made one by one" },
    { "repeat", short = "r", arg = "N", kind = "integer", min = 1, max = 1000, default = 3, group = "Speed", help = "runs; the median is shown" },
    { "perplexity", arg = "FILE", kind = "string", group = "Perplexity", env = false, help = "score this text instead" },
    { "chunks", arg = "N", kind = "integer", min = 0, default = 0, group = "Perplexity", help = "most windows to score; 0: all" },
    shared.model, { "ctx-size", short = "c", arg = "N", kind = "integer", min = 0, default = 0, group = "Model",
      help = "tokens of a window (default: 512); of speed: room for prompt and answer" },
    shared.threads, shared.exact, shared.json,
  },
  notes = "Perplexity is computed as llama.cpp's tool does it, so that numbers on the same tokens can be compared. The text's ids, with the model's\n"
    .. "beginning-of-sequence token first if its rule asks for one, are cut into windows of N tokens; a rest is left out. Each window starts with an\n"
    .. "empty cache, and where the rule asks for a beginning token it takes the place of the window's first one. The second half but its first token\n"
    .. "is scored, N/2 - 1 tokens a window, given all before them. The perplexity is exp of the mean negative log-likelihood over all windows; what\n"
    .. "stands behind +/- is the standard error of that mean, times the perplexity.",
}

-- ---- speed ----

local function median(list)
  table.sort(list)
  local n = #list
  return n % 2 == 1 and list[(n + 1) // 2] or (list[n // 2] + list[n // 2 + 1]) / 2
end

-- Seconds of one prompt and of one answer.
local function run_once(session, ids, n_answer)
  session:trim(0)
  local start = program.clock()
  session:feed(ids)
  local prompt = program.clock() - start
  session:trim(1):feed{ ids[1] }
  start = program.clock()
  for _ = 1, n_answer do session:next() end
  session:logits() -- the last token is computed only when somebody asks
  return prompt, program.clock() - start
end

-- A prompt of n ids: which ones does not matter for the time, so they come from a counter.
local function some_ids(n, n_vocab)
  local ids = {}
  for i = 1, n do ids[i] = (i * 7919) % n_vocab end
  return ids
end

local function speed(opt, model)
  local info = model:info()
  local n_ctx = opt.ctx_size > 0 and opt.ctx_size or math.min(info.n_ctx, math.max(opt.prompt_tokens, opt.tokens + 2))
  local session = model:session{ ctx = n_ctx, exact = opt.exact }
  local ids = some_ids(opt.prompt_tokens, info.n_vocab)
  run_once(session, some_ids(math.min(8, opt.prompt_tokens), info.n_vocab), 1)
  local prompts, answers = {}, {}
  for i = 1, opt["repeat"] do
    prompts[i], answers[i] = run_once(session, ids, opt.tokens)
    talk.progress("run %d of %d", i, opt["repeat"])
  end
  return {
    prompt = { tokens = opt.prompt_tokens, seconds = median(prompts), tokens_per_second = opt.prompt_tokens / median(prompts) },
    answer = { tokens = opt.tokens, seconds = median(answers), tokens_per_second = opt.tokens / median(answers) },
  }
end

-- ---- perplexity ----

-- Adds the negative log-likelihoods of the second half of a window to the sums.
local function score_window(session, window, sums)
  local half = #window // 2
  session:trim(0)
  session:feed(table.move(window, 1, half + 1, 1, {}))
  for _, log_p in ipairs(session:score(table.move(window, half + 2, #window, 1, {}))) do
    sums.n, sums.nll, sums.squares = sums.n + 1, sums.nll - log_p, sums.squares + log_p * log_p
  end
end

local function estimate(sums)
  local mean = sums.nll / sums.n
  local variance = sums.squares / sums.n - mean * mean
  local ppl = math.exp(mean)
  return ppl, variance > 0 and sums.n > 1 and ppl * math.sqrt(variance / (sums.n - 1)) or 0
end

local function perplexity(opt, model)
  local tok, text = model:tokenizer(), input.read(opt.perplexity)
  local n = opt.ctx_size > 0 and opt.ctx_size or math.min(WINDOW, model:info().n_ctx)
  if n < 4 then error({ usage = "a window needs at least 4 tokens" }, 0) end
  local begin = tok:encode("", { bos = true })[1]
  local ids = tok:encode(text, { bos = true })
  local count = #ids // n
  if count < 1 then talk.fail(1, ("%s: %d tokens, a window has %d"):format(opt.perplexity, #ids, n), "Use a longer text, or smaller windows with -c N.") end
  if opt.chunks > 0 then count = math.min(count, opt.chunks) end
  local session, sums, running = model:session{ ctx = n, exact = opt.exact }, { n = 0, nll = 0.0, squares = 0.0 }, {}
  local start = program.clock()
  for chunk = 1, count do
    local window = table.move(ids, (chunk - 1) * n + 1, chunk * n, 1, {})
    if begin then window[1] = begin end
    score_window(session, window, sums)
    running[chunk] = estimate(sums)
    if not opt.json then
      io.write(("[%d]%.4f%s"):format(chunk, running[chunk], chunk < count and "," or "\n"))
      io.flush()
    end
  end
  local ppl, err = estimate(sums)
  return { perplexity = ppl, standard_error = err, mean_nll = sums.nll / sums.n, windows = count, window_tokens = n, scored_tokens = sums.n, tokens = #ids,
    running = running, seconds = program.clock() - start }
end

-- ---- output ----

local function print_speed(result, info)
  print(("%s, %s, %.2f million weights, %.1f MiB; %d threads, %s kernels"):format(info.name ~= "" and info.name or "model", info.architecture,
    info.n_params / 1e6, info.size / 2^20, vt.threads(), vt.isa()))
  for _, name in ipairs{ "prompt", "answer" } do
    local r = result[name]
    print(("%-7s %6d tokens %10.1f ms %10.1f tokens/s"):format(name, r.tokens, r.seconds * 1000, r.tokens_per_second))
  end
end

-- The two kinds of measurement have options of their own.
local function check(opt)
  for _, name in ipairs(opt.perplexity and { "prompt-tokens", "tokens", "repeat" } or { "chunks" }) do
    if opt.typed[name:gsub("-", "_")] then
      error({ usage = ("option '--%s' is %s"):format(name, opt.perplexity and "not for --perplexity" or "for --perplexity only") }, 0)
    end
  end
end

function M.run(opt)
  check(opt)
  if opt.file then
    if opt.typed.model then error({ usage = "name the model once" }, 0) end
    opt.model = opt.file
  end
  if opt.perplexity and not program.kind(opt.perplexity) then talk.fail(3, opt.perplexity .. ": no such file") end
  profile.start(opt)
  local model = vt.model(models.path(opt), { mapped = opt.exact })
  local info = model:info()
  local result = opt.perplexity and perplexity(opt, model) or speed(opt, model)
  local stages = profile.finish(opt)
  if opt.json then
    result.schema, result.model, result.threads, result.exact, result.stages = 1, info.name, vt.threads(), opt.exact or false, stages
    print(json.encode(result))
  elseif opt.perplexity then
    print(("perplexity %.4f +/- %.5f; %d windows of %d tokens, %d scored; %.1f s"):format(result.perplexity, result.standard_error, result.windows,
      result.window_tokens, result.scored_tokens, result.seconds))
  else
    print_speed(result, info)
  end
  return 0
end

return M
