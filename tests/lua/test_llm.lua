-- Models, sessions, caches, samplers, generation; on models of a few kilobytes, and on the real one where it is at hand.
local gguf_fuse = require "gguf_fuse"
local t = require "support"
local tiny_chat = require "tiny_chat"
local vt = require "venturi"

local model = vt.model(t.golden .. "/tiny_llama.gguf")
local ids = { 31, 34, 49, 60, 5, 11 }

local function log_sum_exp(row)
  local top = math.max(table.unpack(row))
  local sum = 0
  for _, x in ipairs(row) do sum = sum + math.exp(x - top) end
  return top + math.log(sum)
end

t.test("a model tells what it is", function()
  local info = model:info()
  t.equal({ info.architecture, info.n_layers, info.n_vocab, info.n_ctx }, { "llama", 2, 64, 64 })
  assert(#model:meta() > 5 and type(model:meta()[1][2]) == "string")
  t.equal(t.raises("vocabulary", model.tokenizer, model).name, "VT_ERR_NOT_FOUND")
  t.equal(t.raises("No such file", vt.model, "/no/such.gguf").name, "VT_ERR_NOT_FOUND")
  t.equal(t.raises("GGUF", vt.model, arg[0]).name, "VT_ERR_FORMAT")
end)

t.test("a batch draws for each session what it would draw alone", function()
  local prompts, want = { { 31, 34, 49 }, { 60 }, { 5, 11, 3, 7 } }, {}
  for i, prompt in ipairs(prompts) do
    local session <close> = model:session()
    session:feed(prompt)
    want[i] = { session:next(), session:next(), session:next() }
  end
  local batch <close> = model:batch{ rows = 4 }
  local sessions, got = {}, { {}, {}, {} }
  for step = 1, 3 do
    for i = 1, 3 do
      sessions[i] = sessions[i] or model:session()
      batch:add(sessions[i], step == 1 and { ids = prompts[i] } or nil)
    end
    t.equal(batch:count(), 3)
    for i, result in ipairs(batch:step()) do got[i][step] = result.id end
  end
  t.equal(got, want)
  t.equal(sessions[1]:count(), 6)
  t.equal(t.raises("nothing was added", batch.step, batch).name, "VT_ERR_STATE")
  batch:add(sessions[1], { draw = false, logits = true })
  t.equal(t.raises("there already", batch.add, batch, sessions[1]).name, "VT_ERR_CONFLICT")
  t.equal(batch:step()[1], {})
  t.equal(#sessions[1]:logits(), 64)
  t.raises("unknown", batch.add, batch, sessions[1], { drow = true })
end)

t.test("one tensor of queries, keys and values gives the same logits as three", function()
  for _, name in ipairs{ "tiny_llama", "tiny_qwen2" } do
    local path = os.tmpname()
    local file <close> = assert(io.open(path, "wb"))
    file:write(gguf_fuse.fuse(t.read(t.golden .. "/" .. name .. ".gguf"), 2))
    file:flush()
    local split <close> = vt.model(t.golden .. "/" .. name .. ".gguf")
    local fused <close> = vt.model(path)
    os.remove(path)
    t.equal(fused:session{ exact = true }:feed(ids):logits(), split:session{ exact = true }:feed(ids):logits())
  end
end)

t.test("a profile counts stages while it runs", function()
  local session = model:session{ exact = true }
  vt.profile.start{ spans = 2 }
  session:feed(ids)
  session:next()
  session:next()
  vt.profile.stop()
  session:next()
  local of = {}
  for _, stage in ipairs(vt.profile.stages()) do of[stage.name] = stage end
  t.equal({ of.prefill.count, of.prefill.tokens, of.decode.count, of.decode.tokens, of.sample.count }, { 1, #ids, 1, 1, 2 })
  assert(of.prefill.seconds > 0 and of.load.count == 0)
  local spans, lost = vt.profile.spans()
  t.equal({ #spans, lost, spans[1].name, spans[1].tokens, spans[2].name }, { 2, 2, "prefill", #ids, "sample" })
  assert(spans[2].begin >= spans[1].begin + spans[1].seconds)
end)

t.test("feeding at once or piece by piece gives the same logits, to the bit", function()
  local a, b = model:session{ exact = true }, model:session{ exact = true }
  a:feed(ids)
  for _, id in ipairs(ids) do b:feed{ id } end
  t.equal(a:logits(), b:logits())
  t.equal(a:tokens(), ids)
  t.equal(a:count(), #ids)
end)

t.test("feed_logits, score and top agree with the logits", function()
  local rows = model:session{ exact = true }:feed_logits(ids)
  local session = model:session{ exact = true }
  local scores = session:score(ids)
  assert(scores[1] ~= scores[1], "nothing comes before the first token")
  for i = 2, #ids do
    local want = rows[i - 1][ids[i] + 1] - log_sum_exp(rows[i - 1])
    assert(math.abs(scores[i] - want) < 1e-6, ("%d: %g, want %g"):format(i, scores[i], want))
  end
  t.equal(session:logits(), rows[#ids])
  local top = session:top(3)
  t.equal(top[1][2], math.max(table.unpack(rows[#ids])))
  assert(top[1][2] >= top[2][2] and top[2][2] >= top[3][2] and #top == 3)
end)

t.test("trim goes back, limits are kept, and a failed call changes nothing", function()
  local session = model:session{ exact = true, ctx = 8 }
  session:feed(ids)
  local before = session:logits()
  t.equal(t.raises("8", session.feed, session, { 1, 2, 3 }).name, "VT_ERR_LIMIT")
  t.raises("64", session.feed, session, { 64 })
  t.equal(session:count(), #ids)
  session:trim(3):feed{ ids[4], ids[5], ids[6] }
  t.equal(session:logits(), before)
  t.equal(t.raises("", session.trim, session, 7).name, "VT_ERR_INVALID")
  t.equal(t.raises("", model.session, model, { ctx = 65 }).name, "VT_ERR_LIMIT")
  t.equal(t.raises("", session.logits, model:session()).name, "VT_ERR_STATE")
  t.raises("unknown option 'context'", model.session, model, { context = 8 })
end)

t.test("weights may stay mapped", function()
  local path = t.golden .. "/tiny_llama_q8.gguf"
  local a, b = vt.model(path):session(), vt.model(path, { mapped = true }):session()
  a:feed(ids)
  b:feed(ids)
  local mapped = b:logits()
  for i, x in ipairs(a:logits()) do assert(math.abs(x - mapped[i]) < 1e-4) end
  t.raises("unknown option 'map'", vt.model, path, { map = true })
end)

t.test("a session outlives the close of its model", function()
  local own = vt.model(t.golden .. "/tiny_llama.gguf")
  local session = own:session{ exact = true }
  own:close()
  session:feed(ids)
  t.equal(#session:logits(), 64)
  t.raises("model is closed", own.info, own)
end)

t.test("a model is quantised, with progress that may cancel", function()
  local from, to, heard = t.golden .. "/tiny_llama.gguf", t.folder() .. "/q8.gguf", {}
  vt.quantize(from, to, { type = "q8_0", progress = function(fraction, name)
    assert(fraction > 0 and fraction <= 1)
    heard[#heard + 1] = name
  end })
  t.equal(heard[1], "token_embd.weight")
  local session = vt.model(to):session{ exact = true }
  session:feed(ids)
  local want = model:session{ exact = true }
  want:feed(ids)
  local a, b, sum = session:logits(), want:logits(), 0
  for i = 1, #a do sum = sum + (a[i] - b[i]) ^ 2 end
  assert(sum > 0 and sum / #a < 0.01, "logits of q8_0 differ by " .. sum)
  t.equal(t.raises("", vt.quantize, from, to, { type = "q4_0", progress = function() return true end }).name, "VT_ERR_CANCELLED")
  t.raises("oops", vt.quantize, from, to, { type = "q4_0", progress = function() error("oops") end })
  t.raises("must be one of f32, f16", vt.quantize, from, to, { type = "q9" })
  t.raises("'type' is missing", vt.quantize, from, to, {})
  t.raises("unknown option 'dtype'", vt.quantize, from, to, { dtype = "q8_0" })
end)

t.test("sessions share a pool of cache blocks and give them back", function()
  local kv = model:kv{ tokens = 64, dtype = "f16" }
  t.equal(kv:block_count() * kv:block_tokens(), 64)
  local a, b = model:session{ kv = kv }, model:session{ kv = kv }
  a:feed(ids)
  b:feed(ids)
  t.equal(kv:block_used(), 2)
  a:close()
  t.equal(kv:block_used(), 1)
  assert(kv:block_size() > 0)
  t.raises("vt.kv expected", model.session, model, { kv = a })
  t.raises("must be one of f32, f16", model.kv, model, { dtype = "q8" })
end)

t.test("a sampler draws the same tokens from the same seed", function()
  local function draw(seed)
    local session, list = model:session{}, {}
    local sampler <close> = vt.sampler{ temperature = 1, top_k = 20, seed = seed }
    session:feed(ids)
    for i = 1, 20 do list[i] = session:next(sampler) end
    return list
  end
  t.equal(draw(3), draw(3))
  assert(table.concat(draw(3), " ") ~= table.concat(draw(4), " "))
end)

t.test("stages narrow the logits in their order", function()
  t.equal(vt.sampler():sample{ 1, 5, 5, 2 }, 1)
  t.equal(vt.sampler{ temperature = 1, top_k = 2 }:filter{ 1, 3, 2 }, { { 1, 3.0 }, { 2, 2.0 } })
  t.equal(vt.sampler{ temperature = 2, min_p = 0.5 }:filter{ 0, 4, 3.5 }, { { 1, 2.0 }, { 2, 1.75 } })
  local s = vt.sampler()
  t.raises("logits[2] must be a number, got string", s.sample, s, { 1, "x" })
  t.equal(t.raises("", s.sample, s, { 0 / 0 }).name, "VT_ERR_NUMERIC")
end)

local path = t.folder() .. "/tiny_chat.gguf"
tiny_chat.write(t.golden .. "/tok_bpe_smollm.gguf", path)

t.test("generate yields one token a step and says the same as next and decode", function()
  local talker = vt.model(path)
  local tok = talker:tokenizer()
  local prompt = tok:encode("Once upon")
  local a, b = talker:session(), talker:session()
  a:feed(prompt)
  b:feed(prompt)
  local text, got = {}, {}
  for piece, id in a:generate{ max_tokens = 12, ignore_eog = true } do
    text[#text + 1], got[#got + 1] = piece, id
  end
  t.equal(#got, 12)
  local want = {}
  for i = 1, 12 do want[i] = b:next() end
  t.equal(got, want)
  local dec, whole = tok:decoder(), {}
  for _, id in ipairs(want) do whole[#whole + 1] = dec:push(id) end
  t.equal(table.concat(text), table.concat(whole) .. dec:finish())
  t.equal(a:count(), #prompt + 12)
end)

t.test("generate ends at the end of answer and at a full context", function()
  local talker = vt.model(path)
  local tok = talker:tokenizer()
  local session = talker:session{ ctx = 16 }
  session:feed(tok:encode("Hello"))
  local n = session:count()
  for _ in session:generate{ ignore_eog = true } do n = n + 1 end
  t.equal(n, 16)
  local ended = talker:session{}
  ended:feed(tok:encode("Hello"))
  local stream = ended:generate{ max_tokens = 1 }
  assert(stream() and stream() == nil and stream() == nil)
  t.raises("vocabulary", function() return model:session():feed(ids):generate{} end)
  t.raises("unknown option 'max'", ended.generate, ended, { max = 1 })
  session:close()
  t.raises("session is closed", session.generate, session)
end)

t.test("a stream ends with an error when its session was closed under it", function()
  local session = vt.model(path):session()
  session:feed{ 42 }
  local stream = session:generate{ ignore_eog = true }
  stream()
  session:close()
  t.raises("session is closed", stream)
end)

local real = t.real_model()
if real then
  t.test("the real model answers", function()
    local m <close> = vt.model(real)
    local tok <close> = m:tokenizer()
    local session <close> = m:session{ ctx = 256 }
    session:feed(tok:encode("The capital of France is"))
    local text = {}
    for piece in session:generate{ max_tokens = 3 } do text[#text + 1] = piece end
    assert(table.concat(text):find("Paris"), table.concat(text))
  end)
else
  t.skip("the real model answers", "SmolLM2 is not in the model cache")
end

t.test("no code of a table runs between a handle and its use", function()
  local own = vt.model(t.golden .. "/tiny_llama.gguf")
  local kv, closed = own:kv{ tokens = 64 }, 0
  local closer = setmetatable({}, { __index = function(_, key)
    closed = closed + 1
    own:close()
    collectgarbage()
    return key == "kv" and kv or nil
  end })
  own:session(closer):feed(ids)
  own:kv(closer)
  t.equal(closed, 0)
  own:session(setmetatable({}, { __index = { ctx = 1 } })):feed(ids)
  local weak = setmetatable({ kv = own:kv{ tokens = 64 } }, { __mode = "v" })
  pcall(own.session, own, weak)
  own:close()
end)

t.test("a full pool of others is an error, not the end of an answer", function()
  local talker = vt.model(path)
  local kv = talker:kv{ tokens = 64 }
  local other, session, n = talker:session{ kv = kv, ctx = 32 }, talker:session{ kv = kv }, 0
  other:feed{ 42 }
  session:feed{ 42 }
  local err = t.raises("blocks of", function()
    for _ in session:generate{ ignore_eog = true } do n = n + 1 end
  end)
  t.equal(err.name, "VT_ERR_LIMIT")
  assert(n > 0 and n < 64)
end)

t.done()
