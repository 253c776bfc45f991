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

-- ---- info ----

t.test("info tells what a person wants to know of a model", function()
  local text = expect(run("info", model), 0).out
  for _, part in ipairs{ "Name            tiny-chat\n", "Architecture    llama; Venturi runs it\n",
    "Graph           2 layers, width 32, feed-forward 64, heads 4 (2 of keys and values) of 8\n",
    "Context         1,024 tokens\n", "Vocabulary      900 tokens, byte-level BPE, pre-tokenizer smollm\n",
    "End of answer   0 <|endoftext|>, 2 <|im_end|>\n", "Chat template   ChatML\n",
    "cache of 1,000 tokens 0.1 MiB f16", "32.0000" } do
    assert(text:find(part, 1, true), part .. " is missing in " .. text)
  end
  local object = json(run("info", "--json", model))
  t.equal({ object.architecture, object.runs, object.graph.n_layers, object.chat_form, object.types[1].dtype, #object.vocabulary.eog }, { "llama", true, 2, "ChatML", "f32", 2 })
  -- 2 layers, 2 heads of keys and of values, 8 elements of 2 bytes
  t.equal({ object.cache_bytes_per_1000_tokens.f16, object.bits_per_weight }, { 2 * 2 * 16 * 2 * 1000, 32.0 })
  assert(object.types[1].n_params == object.n_params and object.size == 4 * object.n_params)
end)

t.test("info tells what a saved graph takes, gives, keeps and costs", function()
  local path, w = folder .. "/net.graph", vt.randn(3, 4, { seed = 1 })
  local x = vt.randn(8, 4, { seed = 2 })
  vt.capture(function(a) return a:linear(w) * vt.var("scale", 0.5) end, { x }):save(path)
  local text = expect(run("info", path), 0).out
  for _, part in ipairs{ "Architecture    saved graph of 3 steps; Venturi runs it\n", "Input 1         f32[8,4]\n", "Result 1        f32[8,3]\n", "Variables       scale 0.5\n",
    "Weights         12 numbers, 48 bytes\n", "Work            216 FLOPs a run\n", "matmul                          1                  192\n" } do
    assert(text:find(part, 1, true), part .. " is missing in " .. text)
  end
  local object = json(run("info", "--json", path))
  t.equal({ object.architecture, object.n_params, object.size, object.inputs[1].shape, object.steps }, { "graph", 12, 48, { 8, 4 }, 3 })
  expect(run("info", "--keys", path), 2, nil, "GGUF")
  expect(run("generate", "-m", path, "-p", "x"), 4, nil, "no language model")
end)

t.test("info works for files that cannot be run, and prints the template", function()
  expect(run("info", t.golden .. "/tiny_bert.gguf"), 0, "Encoder         dense vectors of 32 numbers, pooling mean, of texts up to 64 tokens")
  expect(run("info", vocabulary), 0, "llama; Venturi does not run it: ")
  local path = folder .. "/template.gguf"
  tiny_chat.write(vocabulary, path, "a\n{{ messages }}\27[31m")
  t.equal(expect(run("info", "--template", path), 0).out, "a\n{{ messages }}\27[31m\n")
  expect(run("info", path), 0, "(--template prints it): a\\n{{ messages }}\\27[31m\n")
  expect(run("info", "--template", vocabulary), 1, nil, "no chat template")
  expect(run("info", folder), 3, nil, "holds no text encoder")
  t.equal(json(run("info", "--json", t.golden .. "/tiny_bert.gguf")).encoder.kind, "dense")
  expect(run("info", folder .. "/text.txt"), 3)
  t.write(folder .. "/no.gguf", "not a model")
  expect(run("info", folder .. "/no.gguf"), 4)
end)

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

-- ---- chat ----

-- Runs chat on the small model with these lines as its stdin.
local function talk(lines, ...)
  t.write(folder .. "/lines.txt", table.concat(lines, "\n") .. "\n")
  local words = { '"$V" chat -n 4 --temp 0', shell.quote(model) }
  for _, word in ipairs{ ... } do words[#words + 1] = shell.quote(word) end
  return sh(table.concat(words, " ") .. " <" .. shell.quote(folder .. "/lines.txt"))
end

local function saved(path)
  local conversation = vt.json.decode(t.read(path))
  local list = {}
  for i, m in ipairs(conversation.messages) do list[i] = m.role .. (m.role == "assistant" and "" or ":" .. m.content) end
  return table.concat(list, " ")
end

t.test("chat answers each line; commands change the conversation, which /save writes and /load takes", function()
  local path = folder .. "/c.json"
  local result = expect(talk{ "Hi", "/regenerate", "two \\", "lines", '"""', "three", "", "lines", '"""', "/undo", "/system be brief", "//etc", "/save " .. path }, 0)
  t.equal(saved(path), "system:be brief user:Hi assistant user:two \nlines assistant user:/etc assistant")
  local again = folder .. "/again.json"
  expect(talk({ "/undo", "/system", "/save " .. again, "/save " .. again, "/clear", "/save " .. path }, "--load", path), 0)
  t.equal({ saved(again), saved(path) }, { "user:Hi assistant user:two \nlines assistant", "" }, "its own files may be written again")
  assert(not result.out:find("\27") and not result.err:find("\27"), "no colour in a pipe")
  assert(not result.out:find("> ", 1, true) and #result.out > 0, result.out)
end)

t.test("what fails in a conversation is said, and it goes on", function()
  local result = expect(talk{ "/nope", "/undo", "/regenerate", "/load " .. folder .. "/none.json", "/save", "/save " .. model, "/load " .. model, "Hi" }, 1)
  for _, part in ipairs{ "no command '/nope'", "nothing to undo", "no message to answer", "none.json", "/save needs a file", "exists already" } do
    assert(result.err:find(part, 1, true), part .. " in " .. result.err)
  end
  assert(#result.out > 0, "the last line was answered")
  t.write(folder .. "/bad.json", '[{"role": "alien", "content": "x"}]')
  expect(talk{ "/load " .. folder .. "/bad.json" }, 1, nil, "message 1 needs a role")
  expect(run("chat", model, "--load", folder .. "/bad.json"), 4, nil, "message 1")
  expect(run("chat", model, "--load", folder .. "/none.json"), 3)
  expect(talk{ "a\xed\xa0\x80" }, 1, nil, "not valid UTF-8")
  expect(talk{ "/help", "/exit", "/nope" }, 0, nil, "/regenerate")
end)

t.test("an answer does not depend on what the cache held before; -p takes a message or stdin", function()
  local one = json(run("chat", model, "-p", "And now?", "-n", "4", "--temp", "0", "--json"))
  expect(talk{ "Hi", "How do you do?", "/clear", "And now?" }, 0, one.text .. "\n")
  t.equal(json(sh(('printf "And\\nnow?\\n" | "$V" chat %s -p - -n 4 --temp 0 --json'):format(shell.quote(model)))).schema, 1)
  t.equal({ one.stopped == "length" or one.stopped == "end", one.tokens <= 4 }, { true, true })
end)

t.test("a full context forgets the oldest turns and says so", function()
  local long, lines = ("word "):rep(60), {}
  for i = 1, 5 do lines[i] = long .. i end
  lines[6] = "/save " .. folder .. "/full.json"
  expect(talk(lines, "-c", "256"), 0, nil, "forgotten.)")
  local kept = saved(folder .. "/full.json")
  assert(kept:find("word 5 assistant", 1, true) and not kept:find("word 1 ", 1, true), kept)
  expect(talk({ ("word "):rep(400), "Hi" }, "-c", "256"), 1, nil, "the context has 256")
end)

t.test("any template serves a conversation, and one is suggested where there is none", function()
  local other, none = folder .. "/other.gguf", folder .. "/none.gguf"
  tiny_chat.write(vocabulary, other, "{% if think is defined and not think %}{{ 'quiet' }}{% endif %}{% for m in messages %}"
    .. "{{ raise_exception('no system role') if m.role == 'system' }}{{ m.content }}{% endfor %}")
  tiny_chat.write(vocabulary, none, "")
  expect(run("chat", other, "-p", "Hi", "-n", "2", "--temp", "0", "--template-json", '{"think": false}'), 0)
  expect(run("chat", other, "-p", "Hi", "-n", "2", "--template-json", "[1]"), 2, nil, "needs an object")
  expect(run("chat", other, "-p", "Hi", "--system", "x"), 1, nil, "no system role")
  expect(run("chat", none, "-p", "Hi", "-n", "2"), 0, nil, "The model has no chat template: the form 'plain' is used (--form).")
  assert(expect(run("chat", other, "-p", "Hi", "-n", "2", "--profile"), 0).err:find("\ndecode ", 1, true))
end)

t.test("a stop string is told from the end of the answer", function()
  local function words(...) return "-m", model, "-p", "Hello", "-n", "20", "--temp", "0", "--json", ... end
  local whole = json(run("generate", words("--ignore-eos")))
  local stop = whole.text:match("[%w%p]", 3)
  local cut = json(run("generate", words("--ignore-eos", "--stop", stop)))
  t.equal({ cut.stopped, whole.stopped, cut.tokens < 20 or cut.text ~= whole.text }, { "stop", "length", true })
  local answer = json(run("chat", model, "-p", "Hi", "-n", "20", "--temp", "0", "--json"))
  t.equal(json(run("chat", model, "-p", "Hi", "-n", "20", "--temp", "0", "--json", "--stop", answer.text:match("[%w%p]", 3))).stopped, "stop")
end)

t.test("--temp 0 takes the likeliest token, and says what has no effect then", function()
  local function words(...) return "-m", model, "-p", "Hello", "-n", "5", "--temp", "0", ... end
  local plain = expect(run("generate", words()), 0)
  local noted = expect(run("generate", words("--top-k", "3", "--min-p", "0.5", "--seed", "7")), 0, plain.out, "--temp 0 takes the likeliest token: no effect of --top-k, --min-p")
  t.equal({ plain.err:find("no effect", 1, true), plain.err:find("seed", 1, true), noted.out }, { nil, nil, plain.out })
  assert(not expect(run("generate", words("--xtc-probability", "1", "--top-k", "3")), 0, nil, "seed: ").err:find("no effect", 1, true))
end)

t.test("options that would do nothing are refused, with what they need", function()
  for _, case in ipairs{
    { { "generate", "-m", model, "-p", "x", "--xtc-threshold", "0.2" }, "does nothing without --xtc-probability" },
    { { "generate", "-m", model, "-p", "x", "--dry-base", "2" }, "does nothing without --dry-multiplier" },
    { { "generate", "-m", model, "-p", "x", "--mirostat-eta", "1" }, "does nothing without --mirostat-tau" },
    { { "generate", "-m", model, "-p", "x", "--repeat-last-n", "9" }, "does nothing without --repeat-penalty" },
    { { "generate", "-m", model, "-p", "x", "--force" }, "does nothing without --output" },
    { { "generate", "-m", model, "-p", "x", "--stop", "" }, "1 to 1024 bytes, got 0" },
    { { "generate", "-m", model, "-p", "x", "--logit-bias", "900=1" }, "there is no token 900, the vocabulary has 0 to 899" },
    { { "generate", "-m", model, "-p", "x", "--logit-bias", "1=1e999" }, "must be ID=NUMBER" },
    { { "chat", model, "-p", " " }, "the prompt is empty" },
    { { "chat", model, "-p", "x", "--form", "gemma" }, "models without a chat template" },
    { { "chat", model, "-p", "x", "--template-json", "{x}" }, "needs an object of JSON" },
    { { "bench", model, "--chunks", "2" }, "for --perplexity only" },
    { { "bench", model, "--perplexity", folder .. "/text.txt", "-r", "2" }, "not for --perplexity" },
    { { "info", model, "--template", "--json" }, "--template excludes" },
  } do
    expect(run(table.unpack(case[1])), 2, nil, case[2])
  end
  expect(run("generate", "-m", folder, "-p", "x"), 3, nil, "is a folder")
end)

t.test("quantize does not overwrite its input, --force or not", function()
  local path = folder .. "/own.gguf"
  tiny_chat.write(vocabulary, path)
  local before = t.read(path)
  expect(sh(("cd %s && ln -s own.gguf link.gguf && \"$V\" quantize link.gguf ./own.gguf --type q8_0 --force"):format(shell.quote(folder))), 1, nil, "is the input too")
  expect(run("quantize", path, folder, "--type", "q8_0", "--force"), 3, nil, "is a folder")
  assert(t.read(path) == before)
end)

local real = (os.getenv("XDG_CACHE_HOME") or (os.getenv("HOME") or "") .. "/.cache") .. "/venturi/models/SmolLM2-135M-Instruct.Q4_1.gguf"
local has_real = io.open(real, "rb")
if has_real then
  has_real:close()
  t.test("Ctrl-C stops an answer only: it is kept as far as it came", function()
    local path, out = folder .. "/stopped.json", folder .. "/out.txt"
    t.write(folder .. "/long.txt", "Write a very long story about a dragon.\n/save " .. path .. "\n")
    local line = ('"$V" chat --temp 0 -n 2000 %s <%s >%s & pid=$!; n=0; while [ ! -s %s ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done; sleep 0.3; kill -INT $pid; wait $pid')
      :format(shell.quote(real), shell.quote(folder .. "/long.txt"), shell.quote(out), shell.quote(out))
    expect(sh(line), 0, nil, "(stopped)")
    local messages = vt.json.decode(t.read(path)).messages
    t.equal({ #messages, messages[2].role, t.read(out) }, { 2, "assistant", messages[2].content .. "\n" })
  end)
else
  t.skip("Ctrl-C stops an answer only: it is kept as far as it came", "SmolLM2 is not in the cache")
end

t.done()
