-- chat, bench, info and --profile on a model of a few kilobytes; the real one where it is at hand.
local shell = require "shell"
local t = require "support"
local tiny_chat = require "tiny_chat"
local vt = require "venturi"
local expect, run, sh = shell.expect, shell.run, shell.sh

local vocabulary = t.golden .. "/tok_bpe_smollm.gguf"
local folder = t.folder()
local model = folder .. "/tiny_chat.gguf"
tiny_chat.write(vocabulary, model)

local function json(result)
  local object = vt.json.decode(expect(result, 0).out)
  t.equal(object.schema, 1)
  return object
end

-- ---- bench, --profile ----

t.test("bench measures prompt and answer, from -m or the argument", function()
  local result = expect(run("bench", model, "--prompt-tokens", "32", "-n", "8", "-r", "1"), 0, "prompt      32 tokens")
  assert(result.out:find("answer       8 tokens", 1, true) and result.out:find("tiny-chat, llama, ", 1, true), result.out)
  local object = json(run("bench", "-m", model, "--prompt-tokens", "16", "-n", "4", "--json", "-t", "1"))
  t.equal({ object.prompt.tokens, object.answer.tokens, object.threads, object.exact }, { 16, 4, 1, false })
  assert(object.prompt.tokens_per_second > 0 and object.answer.seconds > 0)
  expect(run("bench", model, "-m", model), 2, nil, "name the model once")
  expect(run("bench", model, "--prompt-tokens", "5000"), 1, nil, "1024")
end)

local text = {}
for i = 1, 400 do text[i] = ("line %d of a text with some words, numbers like %d and signs.\n"):format(i, i * 37 % 101) end
t.write(folder .. "/text.txt", table.concat(text))

t.test("perplexity scores the second half of each window, as computed here by hand", function()
  local object = json(run("bench", "--perplexity", folder .. "/text.txt", "-c", "64", "--chunks", "3", "--exact", "--json", model))
  local m = vt.model(model)
  local ids, nll, squares, n = m:tokenizer():encode(table.concat(text), { bos = true }), 0, 0, 0
  for chunk = 0, 2 do
    local session = m:session{ ctx = 64, exact = true }
    for i, log_p in ipairs(session:score(table.move(ids, chunk * 64 + 1, chunk * 64 + 64, 1, {}))) do
      if i > 33 then nll, squares, n = nll - log_p, squares + log_p * log_p, n + 1 end
    end
  end
  t.equal({ n, object.scored_tokens, object.windows, object.window_tokens, #object.running }, { 93, 93, 3, 64, 3 })
  local mean = nll / n
  assert(math.abs(object.perplexity / math.exp(mean) - 1) < 1e-6, object.perplexity)
  local err = math.exp(mean) * math.sqrt((squares / n - mean * mean) / (n - 1))
  assert(math.abs(object.standard_error / err - 1) < 1e-4, object.standard_error)
  local shown = expect(run("bench", "--perplexity", folder .. "/text.txt", "-c", "64", "--chunks", "3", "--exact", model), 0, "[1]")
  assert(shown.out:find(("perplexity %.4f +/- "):format(object.perplexity), 1, true), shown.out)
  expect(run("bench", "--perplexity", folder .. "/none.txt", model), 3, nil, "no such file")
  t.write(folder .. "/short.txt", "too short")
  expect(run("bench", "--perplexity", folder .. "/short.txt", model), 1, nil, "a window has 512")
end)

t.test("--profile shows the stages on stderr, --profile-trace writes a Chrome trace", function()
  local trace = folder .. "/trace.json"
  local result = expect(run("generate", "-m", model, "-p", "Hello", "-n", "6", "--ignore-eos", "--temp", "0", "--profile", "--profile-trace", trace), 0)
  for _, stage in ipairs{ "stage ", "load ", "tokenize ", "prefill ", "decode ", "sample ", "total " } do
    assert(("\n" .. result.err):find("\n" .. stage, 1, true), stage .. " is missing in " .. result.err)
  end
  local events, names = vt.json.decode(t.read(trace)).traceEvents, {}
  for _, event in ipairs(events) do
    t.equal({ event.ph, event.dur >= 0, event.ts >= 0 }, { "X", true, true })
    names[event.name] = (names[event.name] or 0) + event.args.tokens
  end
  t.equal({ names.decode, names.sample, names.load }, { 5, 6, 0 })
  expect(run("generate", "-m", model, "-p", "Hello", "-n", "2", "--profile-trace", folder .. "/no/trace.json"), 1, nil, "trace.json")
  assert(json(run("bench", model, "--profile", "--json", "-n", "2", "--prompt-tokens", "4")).stages[4].name == "decode")
end)

t.done()
