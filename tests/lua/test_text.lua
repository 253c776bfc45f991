-- Tokenizers, decoders, chat, sections, words; JSON.
local t = require "support"
local tiny_chat = require "tiny_chat"
local vt = require "venturi"

local tok = vt.tokenizer(t.golden .. "/tok_bpe_smollm.gguf")

t.test("text comes back from its ids, byte for byte", function()
  for _, text in ipairs{ "", "Hello world", "naïve\n\n\tdon't 123", "\0\1", "\xff\xfe half \xe2\x82" } do
    local ids = tok:encode(text)
    t.equal(tok:decode(ids), text)
  end
  t.equal(tok:encode("Hello world"), { 42, 71, 357, 81, 280, 264, 544 })
end)

t.test("special tokens are text unless asked for", function()
  assert(#tok:encode("<|im_end|>") > 1)
  t.equal(tok:encode("<|im_end|>", { special = true }), { 2 })
  t.equal(tok:decode({ 2 }), "")
  t.equal(tok:decode({ 2 }, { special = true }), "<|im_end|>")
  t.raises("unknown option 'specials'", tok.encode, tok, "x", { specials = true })
end)

t.test("a SentencePiece text begins with a space of its own, unless it goes on", function()
  local spm <close> = vt.tokenizer(t.golden .. "/tok_spm_bpe.gguf")
  t.equal(spm:family(), "SentencePiece BPE")
  t.equal({ spm:special("bos"), spm:special("eos"), spm:special("unk"), spm:special("mask") }, { 1, 2, 0 })
  t.equal(spm:decode(spm:encode("Hello world")), "Hello world")
  t.equal(spm:decode(spm:encode("Hello world"), { continue = true }), " Hello world")
  t.equal(spm:decode(spm:encode("lo", { continue = true }), { continue = true }), "lo")
  t.equal(spm:encode("", { bos = true, eos = true }), { 1 })
  local dec <close> = spm:decoder{ continue = true }
  t.equal(dec:push(spm:encode("world")[1]):sub(1, 1), " ")
  t.raises("invalid option 'begin'", spm.special, spm, "begin")
end)

t.test("ids are 0-based and checked", function()
  t.equal(tok:count(), 900)
  t.equal(tok:token(0), "<|endoftext|>")
  t.equal(tok:token(900), nil)
  t.equal(tok:token(-1), nil)
  assert(tok:is_eog(tok:eos()))
  t.equal(t.raises("900", tok.decode, tok, { 900 }).name, "VT_ERR_INVALID")
  t.raises("ids[2] must be a 32-bit integer, got 1.5", tok.decode, tok, { 1, 1.5 })
  t.raises("ids[1]", tok.decode, tok, { 1 << 40 })
end)

t.test("a decoder hands out whole code points", function()
  local dec <close> = tok:decoder{}
  local text = {}
  for _, id in ipairs(tok:encode("日本 ok")) do
    local piece = dec:push(id)
    assert(utf8.len(piece), "half a code point")
    text[#text + 1] = piece
  end
  text[#text + 1] = dec:finish()
  t.equal(table.concat(text), "日本 ok")
end)

t.test("a decoder outlives its tokenizer's close", function()
  local other = vt.tokenizer(t.golden .. "/tok_bpe_smollm.gguf")
  local dec = other:decoder()
  other:close()
  t.equal(dec:push(42), "H")
end)

t.test("pieces cut a text as the pre-tokenizer does", function()
  t.equal(tok:pieces("don't 12"), { "don", "'t", " ", "1", "2" })
end)

t.test("chat renders what the model was trained on, and refuses what is no message", function()
  local path = t.folder() .. "/tiny_chat.gguf"
  tiny_chat.write(t.golden .. "/tok_bpe_smollm.gguf", path)
  local chat = vt.tokenizer(path)
  t.equal(chat:chat{ { role = "user", content = "Hi" } }, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
  t.equal(chat:chat({ { role = "user", content = "Hi" } }, { prompt = false }), "<|im_start|>user\nHi<|im_end|>\n")
  t.raises("'content' must be a string, got nil", chat.chat, chat, { { role = "user" } })
  t.raises("unknown option 'name'", chat.chat, chat, { { role = "user", content = "x", name = "y" } })
  t.raises("1 to 100000 messages", chat.chat, chat, {})
  t.equal(t.raises("template", tok.chat, tok, { { role = "user", content = "x" } }).name, "VT_ERR_UNSUPPORTED")
end)

t.test("sections keep titles, levels and order", function()
  local s = vt.sections("<title>T</title><h1>A</h1><p>one<p>two<h2>B</h2>three<script>x</script>", "html")
  t.equal(s, { title = "T", { level = 1, title = "A", text = "one\n\ntwo" }, { level = 2, title = "B", text = "three" } })
  t.equal(vt.sections("# A\n\nbody\n", "markdown"), { title = vt.sections("# A\n\nbody\n", "markdown").title, { level = 1, title = "A", text = "body" } })
  t.equal(#vt.sections("plain"), 1)
  t.raises("bad argument #2", vt.sections, "x", "pdf")
end)

t.test("words are folded runs of letters and digits", function()
  t.equal(vt.words("Don't STOP, naïve ﬁx 42!"), { "don", "t", "stop", "naïve", "fix", "42" })
  t.equal(vt.words(""), {})
end)

t.test("JSON goes both ways", function()
  local text = '{"a":[1,2.5,true,null],"b":{},"c":"\\u00e9"}'
  local value = vt.json.decode(text)
  t.equal(value.a[1], 1)
  t.equal(math.type(value.a[1]), "integer")
  t.equal(value.a[4], vt.json.null)
  t.equal(value.c, "é")
  t.equal(vt.json.decode(vt.json.encode(value)), value)
  t.equal(vt.json.encode(vt.json.decode("{}")), "{}")
  t.equal(vt.json.encode{}, "[]")
  t.equal(vt.json.encode(vt.json.object{}), "{}")
  t.equal(vt.json.encode({ 1, { x = "y" } }, { indent = true }):find("\n") ~= nil, true)
end)

t.test("what JSON cannot hold is refused", function()
  t.equal(t.raises("", vt.json.decode, '{"a":}').name, "VT_ERR_FORMAT")
  t.equal(t.raises("", vt.json.decode, '{"a":1,"a":2}').name, "VT_ERR_FORMAT")
  t.equal(t.raises("", vt.json.encode, 0 / 0).name, "VT_ERR_UNSUPPORTED")
  t.equal(t.raises("value.f", vt.json.encode, { f = print }).name, "VT_ERR_UNSUPPORTED")
  t.equal(t.raises("", vt.json.encode, "\xff").name, "VT_ERR_UNSUPPORTED")
  local loop = {}
  loop[1] = loop
  t.equal(t.raises("64", vt.json.encode, loop).name, "VT_ERR_LIMIT")
end)

t.test("what has no JSON form is named so", function()
  t.raises("json: value[1] is a function, which has no json form", vt.json.encode, { print })
end)

t.test("no code of a table runs between a handle and its use", function()
  local victim = vt.tokenizer(t.golden .. "/tok_bpe_smollm.gguf")
  local closer = setmetatable({}, { __index = function() victim:close() end })
  local plain = victim:encode("hello")
  t.equal(victim:encode("hello", closer), plain)
  t.equal(victim:decode(plain, closer), victim:decode(plain))
  t.equal(#victim:pieces("hello you", closer), #victim:pieces("hello you"))
  victim:decoder(closer):push(plain[1])
  t.raises("must be a string, got nil", victim.chat, victim, { closer })
  pcall(victim.chat, victim, setmetatable({ { role = "user", content = ("x"):rep(99) } }, { __mode = "v" }), closer)
  assert(victim:count() > 0, "still open")
  victim:close()
end)

t.done()
