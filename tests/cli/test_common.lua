-- What all verbs have in common: help, exit codes, JSON, colours, output files, interrupts.
local shell = require "shell"
local t = require "support"
local vt = require "venturi"
local expect, run, sh = shell.expect, shell.run, shell.sh

local verbs = { "ask", "chat", "generate", "index", "search", "cluster", "encode", "tokenize", "info", "sample",
  "bench", "quantize", "kv",
  "run", "repl", "doctor", "help", "version" }
local vocabulary = t.golden .. "/tok_bpe_smollm.gguf"

for _, verb in ipairs(verbs) do
  t.test(verb .. ": -h says purpose and usage, three examples first, and nothing on stderr", function()
    local help = expect(run(verb, "-h"), 0, ("venturi %s: "):format(verb))
    t.equal(help.err, "")
    t.equal(run(verb, "--help").out, help.out)
    t.equal(run("help", verb).out, help.out)
    local examples = help.out:match("\nExamples:\n(.-)\n\n")
    local _, n = examples:gsub("venturi", "")
    assert(n >= 3, "three examples")
    assert(help.out:find("\nUsage: venturi " .. verb, 1, true) < help.out:find("\nExamples:", 1, true))
    assert(help.out:find("\nExamples:", 1, true) < help.out:find("\n      --color", 1, true))
    assert(not help.out:find("\27"), "no colour in a pipe")
    for line in help.out:gmatch("[^\n]+") do assert(#line <= 150, "a line of " .. #line) end
  end)
end

t.test("help lists every verb; without a terminal and a verb it is a usage error", function()
  local help = expect(run("help"), 0)
  for _, verb in ipairs(verbs) do assert(help.out:find("\n  " .. verb .. " ", 1, true), verb) end
  t.equal(run("--help").out, help.out)
  t.equal(run("-h").out, help.out)
  local nothing = expect(run(), 2, nil, "Usage: venturi VERB")
  t.equal(nothing.out, "")
end)

t.test("version has a short and a JSON form", function()
  expect(run("version"), 0, "venturi " .. vt.version())
  expect(run("--version"), 0, "venturi " .. vt.version())
  local object = vt.json.decode(expect(run("version", "--json"), 0).out)
  t.equal({ object.schema, object.version, object.abi }, { 1, vt.version(), vt.abi_version() })
end)

t.test("usage errors: exit 2, one line on what is wrong, one on what to do", function()
  expect(run("nope"), 2, nil, "venturi: unknown verb 'nope'\nTry 'venturi help'.\n")
  expect(run("help", "nope"), 2, nil, "unknown verb 'nope'")
  expect(run("version", "--bogus"), 2, nil, "venturi: version: unknown option '--bogus'\nTry 'venturi version --help'.\n")
  expect(run("version", "more"), 2, nil, "too many arguments")
  expect(run("search", "x"), 2, nil, "missing argument 'query'")
  expect(run("ask", "x"), 2, nil, "missing argument 'question'")
  expect(run("generate", "-p", "x", "-n", "many"), 2, nil, "option '--max-tokens' must be an integer, got 'many'")
  expect(run("generate", "-p", "x", "--temp", "-1"), 2, nil, "option '--temp' must be at least 0, got -1")
  expect(run("generate", "-p", "x", "-n", "-5"), 2, nil, "option '--max-tokens' must be at least 0, got -5")
  expect(run("version", "--jsn"), 2, nil, "unknown option '--jsn'\nDid you mean '--json'? Try 'venturi version --help'.\n")
  expect(run("generate", "-p", "x", "--top-p", "1.5"), 2, nil, "option '--top-p' must be at most 1")
  expect(run("generate", "-p", "x", "--top-p", "nan"), 2, nil, "option '--top-p' must be a number")
  expect(run("generate"), 2, nil, "either --prompt or --file")
  expect(run("doctor", "--color", "blue"), 2, nil, "one of auto, always, never")
  expect(run("tokenize", "-m", vocabulary, "--decode", "1 x"), 2, nil, "'x' is not a token id")
end)

t.test("input that is not there: exit 3, for every verb that reads something", function()
  local no = shell.home .. "/nothing"
  for _, words in ipairs{
    { "info", no }, { "run", no }, { "search", no, "x" }, { "index", no }, { "ask", no, "x" }, { "tokenize", "-m", no, "x" },
    { "generate", "-m", no, "-p", "x" }, { "chat", "-m", no, "-p", "x" }, { "generate", "-f", no },
  } do
    local result = expect(run(table.unpack(words)), 3, nil, "venturi: " .. words[1] .. ": ")
    assert(result.err:find(no, 1, true), result.err)
    t.equal(result.out, "")
  end
  expect(run("generate", "-p", "x"), 3, nil, "no such model\nName a GGUF file with -m FILE")
  expect(run("info", shell.home), 3, nil, "is a folder")
end)

t.test("text that is not UTF-8 is refused with the place", function()
  local function refused(what, at, ...) expect(run(...), 2, nil, ("%s is not valid UTF-8 at byte %d\n"):format(what, at)) end
  refused("the text", 3, "tokenize", "-m", vocabulary, "ab\xff")
  refused("the prompt", 1, "generate", "-m", vocabulary, "-p", "\xc3(")
  refused("the prompt", 2, "chat", "-m", vocabulary, "-p", "a\xed\xa0\x80")
  refused("the system message", 2, "chat", "-m", vocabulary, "-p", "x", "--system", "a\x80")
  refused("the question", 4, "ask", "-m", vocabulary, shell.home, "abc\xf5")
  refused("the query", 1, "search", shell.home, "\xff")
  expect(sh(([[printf 'a\344' | "$V" tokenize -m %s]]):format(shell.quote(vocabulary))), 2, nil, "the text is not valid UTF-8 at byte 2")
end)

t.test("input of the wrong format: exit 4", function()
  local path = shell.home .. "/text.gguf"
  t.write(path, "this is no model\n")
  expect(run("info", path), 4, nil, "not a GGUF file")
  expect(run("generate", "-m", path, "-p", "x"), 4, nil, "not a GGUF file")
  expect(run("tokenize", "-m", path, "x"), 4)
  expect(run("search", path, "x"), 4, nil, "not an index file")
  expect(run("generate", "-m", vocabulary, "-p", "x"), 4)
end)

t.test("colour is for terminals: none in a pipe, always when asked for, never with never", function()
  assert(not run("info", "/no/such").err:find("\27"))
  assert(run("info", "--color", "always", "/no/such").err:find("\27[31m", 1, true))
  assert(not run("info", "--color", "never", "/no/such").err:find("\27"))
  assert(not sh('"$V" info /no/such', { NO_COLOR = "1", VENTURI_COLOR = "auto" }).err:find("\27"))
end)

t.test("long options can come from the environment, the command line wins, a bad one is a usage error", function()
  t.equal(sh('"$V" tokenize --ids "Hello world"', { VENTURI_MODEL = vocabulary }).out, "42 71 357 81 280 264 544\n")
  expect(sh('"$V" tokenize -m /no/such x', { VENTURI_MODEL = vocabulary }), 3)
  expect(sh('"$V" doctor', { VENTURI_THREADS = "lots" }), 2, nil, "environment variable VENTURI_THREADS must be an integer, got 'lots'")
  assert(vt.json.decode(sh('"$V" doctor --json', { VENTURI_THREADS = "1" }).out).threads == "1")
end)

t.test("an output file is never overwritten without --force", function()
  local path = shell.home .. "/ids.txt"
  os.remove(path)
  expect(run("tokenize", "-m", vocabulary, "--ids", "-o", path, "Hello"), 0)
  local first = t.read(path)
  assert(#first > 0)
  expect(run("tokenize", "-m", vocabulary, "--ids", "-o", path, "world"), 1, nil, path .. ": exists already\nAdd --force")
  t.equal(t.read(path), first)
  expect(run("tokenize", "-m", vocabulary, "--ids", "-o", path, "--force", "world"), 0)
  assert(t.read(path) ~= first)
  t.equal(run("tokenize", "-m", vocabulary, "--ids", "-o", "-", "Hello").out, first)
  expect(run("tokenize", "-m", vocabulary, "-o", shell.home .. "/no/folder/x", "Hello"), 1)
end)

t.test("a full disk behind stdout is a failure", function()
  if not io.open("/dev/full") then return end
  for _, words in ipairs{ "help", "version", "doctor", "ask -h", "version --json" } do
    expect(sh('"$V" ' .. words .. " >/dev/full"), 1, nil, "stdout: ")
  end
  expect(sh([[echo 'print(1) io.write("x")' | "$V" - >/dev/full]]), 1, nil, "venturi: run: stdout: ")
  expect(sh([[echo 'print(1)' | "$V" run --sandbox - >/dev/full]]), 1, nil, "stdout: ")
  expect(sh([[echo 'io.stdout:close()' | "$V" -]]), 0)
end)

local function interrupted(script, signals)
  local path, ready = shell.home .. "/loop.lua", shell.home .. "/ready"
  os.remove(ready)
  t.write(path, ("io.open(%q, 'w'):close()\n%s"):format(ready, script))
  return sh(('"$V" run %s & pid=$!; while [ ! -e %s ]; do sleep 0.02; done; sleep 0.1; %s wait $pid'):format(shell.quote(path), shell.quote(ready),
    ("kill -INT $pid; sleep 0.1; "):rep(signals)))
end

t.test("an interrupt stops a loop: exit 130", function()
  expect(interrupted("while true do end", 1), 130, nil, "venturi: run: interrupted")
end)

t.test("the second interrupt leaves whatever the script does", function()
  t.equal(interrupted("while true do pcall(function() while true do end end) end", 2).code, 130)
end)

t.test("an interrupt ends a long call of the library", function()
  local script = ("local s = vt.model(%q):session{ exact = true } while true do s:trim(0):feed{ 1, 2, 3, 4, 5, 6, 7, 8 } end"):format(t.golden .. "/tiny_llama.gguf")
  expect(interrupted(script, 1), 130)
end)

t.done()
