--- venturi kv: caches of keys and values in coded form: a model's profile, texts coded with it, what they take and what they cost.
local input = require "venturi.cli.input"
local json = require "venturi.cli.json"
local models = require "venturi.cli.model"
local options = require "venturi.cli.options"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"
local vt = require "venturi"
local shared = options.shared

local modes = { "auto", "token", "direct", "delta" }
local coders = { "rans", "arith", "int8", "int4", "raw" }

local M = {
  name = "kv",
  summary = "caches of texts as small files: a model reads them instead of the text",
  examples = {
    "venturi kv profile -o smollm2.vtkp manual.txt faq.txt",
    "venturi kv encode --profile smollm2.vtkp -o report.vtkv report.txt",
    "venturi kv decode --profile smollm2.vtkp -n 40 report.vtkv",
    "venturi kv info report.vtkv smollm2.vtkp",
    "venturi kv stats --profile smollm2.vtkp report.txt",
  },
  arguments = {
    { "action", help = "profile, encode, decode, info or stats" },
    { "files", count = "*", help = "texts (profile, encode, stats), coded caches (decode, info) or profiles (info)" },
  },
  options = {
    shared.model, shared.threads,
    { "profile", arg = "FILE", kind = "string", group = "Coding", env = false, help = "profile of the model, for encode, decode and stats" },
    { "level", short = "l", arg = "N", kind = "integer", min = 1, max = 8, group = "Coding", help = "level of the profile, 1 is the finest (default: the profile's)" },
    { "coder", arg = "NAME", kind = "choice", choices = coders, default = "rans", group = "Coding", help = table.concat(coders, ", ") .. "; the last three need no profile" },
    { "mode", arg = "NAME", kind = "choice", choices = modes, default = "auto", group = "Coding", help = "profile: how values become symbols: " .. table.concat(modes, ", ") },
    { "tokens", arg = "N", kind = "integer", min = 16, max = 8192, default = 512, group = "Coding", help = "profile, stats: tokens that are read together" },
    { "max-tokens", short = "n", arg = "N", kind = "integer", min = 0, default = 0, group = "Coding", help = "decode: go on with the text for so many tokens" },
    shared.json, shared.output, shared.force,
  },
  notes = "A profile is made once a model, from some thousand tokens of texts like those to come. Modes: token is in units of each\n"
    .. "token's largest value, direct in steps, delta CacheGen's own differences from anchors; auto takes what is smallest.",
}

local MOST_PIECES = 32 -- of texts, for a profile

local function usage(...) error({ usage = (...):format(select(2, ...)) }, 0) end

local function need_files(opt, at_most)
  if #opt.files == 0 or (at_most and #opt.files > at_most) then usage("%s needs %s", opt.action, at_most == 1 and "one file" or "files") end
end

local function read_profile(opt)
  if not opt.profile then return nil end
  return vt.kv.load(input.read(opt.profile))
end

local function needs_profile(opt)
  if (opt.coder == "rans" or opt.coder == "arith") and not opt.profile then usage("option '--profile' is missing") end
end

local function session_of(model, n) return model:session{ ctx = n, kv = model:kv{ tokens = n, dtype = "f16" } } end

local function ids_of(tok, path) return tok:encode(options.text(path, input.read(path)), { bos = true }) end

-- What a decoded or coded file weighs against the halves that it stands for.
local function ratio(stats) return stats.values * 2 / stats.size end

local function make_profile(opt)
  need_files(opt)
  if not opt.output then usage("option '--output' is missing") end
  local out = talk.open(opt)
  local model, tok = models.open(opt, opt.tokens)
  local sessions, n = {}, 0
  for _, path in ipairs(opt.files) do
    local ids = ids_of(tok, path)
    for first = 1, #ids, opt.tokens do
      local last = math.min(first + opt.tokens - 1, #ids)
      if #sessions == MOST_PIECES or (last - first < opt.tokens // 4 and #sessions > 0) then break end
      local session = session_of(model, opt.tokens)
      session:feed(table.move(ids, first, last, 1, {}))
      sessions[#sessions + 1], n = session, n + last - first + 1
      talk.progress("%d tokens read", n)
    end
  end
  talk.clear()
  local start = program.clock()
  local profile = vt.kv.profile{ sessions = sessions, mode = opt.mode }
  out:write(profile:save())
  if out ~= io.stdout then out:close() end
  talk.say("%s: profile of %d tokens, in %.1f s", opt.output, n, program.clock() - start)
  for level, facts in ipairs(profile:info().levels) do
    talk.say("  level %d%s: %.2f bits a value", level, level == profile:info().default and " (default)" or "", facts.bits)
  end
end

local function encode(opt)
  need_files(opt, 1)
  needs_profile(opt)
  if not opt.output then usage("option '--output' is missing") end
  local out, profile = talk.open(opt), read_profile(opt)
  local path = opt.files[1]
  local model, tok = models.open(opt, 16)
  local ids = ids_of(tok, path)
  local session = session_of(model, #ids)
  session:feed(ids)
  local start = program.clock()
  local bytes, stats = vt.kv.encode(session, { profile = profile, level = opt.level, coder = opt.coder })
  local seconds = program.clock() - start
  out:write(bytes)
  if out ~= io.stdout then out:close() end
  if opt.json then
    stats.schema, stats.seconds = 1, seconds
    print(json.encode(stats))
  end
  talk.say("%s: %d tokens, %.3f bits a value, %.2f MB, %.1f times smaller than f16, in %.3f s", opt.output, stats.tokens, stats.bits, stats.size / 1e6,
    ratio(stats), seconds)
end

local function decode(opt)
  need_files(opt, 1)
  local bytes, profile = input.read(opt.files[1]), read_profile(opt)
  local facts = vt.kv.info(bytes)
  local out = talk.open(opt)
  local model, tok = models.open(opt, 16)
  local session = session_of(model, facts.tokens + opt.max_tokens)
  local start = program.clock()
  vt.kv.decode(session, bytes, { profile = profile, convert = true })
  talk.say("%s: %d tokens in %.3f s", opt.files[1], facts.tokens, program.clock() - start)
  local text, said = tok:decode(session:tokens()), {}
  if opt.max_tokens > 0 then
    for piece in session:generate{ max_tokens = opt.max_tokens } do said[#said + 1] = piece end
  end
  if opt.json then
    out:write(json.encode{ schema = 1, tokens = facts.tokens, text = text, continuation = table.concat(said) }, "\n")
  else
    out:write(text, table.concat(said), "\n")
  end
  if out ~= io.stdout then out:close() end
end

local function describe(path, bytes)
  if bytes:sub(1, 4) == "VTKP" then
    local facts = vt.kv.load(bytes):info()
    facts.kind, facts.path, facts.size = "profile", path, #bytes
    return facts
  end
  local facts = vt.kv.info(bytes)
  facts.kind, facts.path = "cache", path
  return facts
end

local function show(facts)
  print(("%s: %s of model %s, %d layers of %d heads of %d, %.2f MB"):format(facts.path, facts.kind, facts.model, facts.layers, facts.heads, facts.head_dim,
    facts.size / 1e6))
  if facts.kind == "profile" then
    print(("  profile %s, anchors every %d tokens, %d kept at the begin"):format(facts.id, facts.group, facts.kept))
    for i, level in ipairs(facts.levels) do
      print(("  level %d%s  %.2f bits a value; groups of channels: %d token, %d direct, %d delta"):format(i, i == facts.default and "*" or " ", level.bits,
        level.token, level.direct, level.delta))
    end
  else
    print(("  %d tokens of %s in %d chunks, coder %s%s"):format(facts.tokens, facts.dtype, facts.chunks, facts.coder,
      facts.level > 0 and (", level %d of profile %s"):format(facts.level, facts.profile) or ""))
    print(("  %.3f bits a value"):format(facts.size * 8 / (facts.tokens * facts.layers * facts.heads * facts.head_dim * 2)))
  end
end

local function info(opt)
  need_files(opt)
  local list = {}
  for i, path in ipairs(opt.files) do list[i] = describe(path, input.read(path)) end
  if opt.json then return print(json.encode{ schema = 1, files = list }) end
  for _, facts in ipairs(list) do show(facts) end
end

-- Mean surprise of the ids that follow, in nats.
local function surprise(session, ids)
  local sum = 0.0
  for _, p in ipairs(session:score(ids)) do sum = sum - p end
  return sum / #ids
end

-- One row: what a coding takes, and how much less likely it makes what comes next.
local function measure(model, source, next_ids, name, how)
  local start = program.clock()
  local bytes, stats = vt.kv.encode(source, how)
  local encoded = program.clock()
  local session = session_of(model, source:count() + #next_ids)
  vt.kv.decode(session, bytes, { profile = how.profile })
  local decoded = program.clock()
  return { name = name, bits = stats.bits, size = stats.size, values = stats.values, rmse = stats.rmse, beside = stats.beside, encode_s = encoded - start,
    decode_s = decoded - encoded, nats = #next_ids > 0 and surprise(session, next_ids) or nil }
end

local function stats(opt)
  need_files(opt, 1)
  if not opt.profile then usage("option '--profile' is missing") end
  local profile = read_profile(opt)
  local model, tok = models.open(opt, 16)
  local ids = ids_of(tok, opt.files[1])
  local n = math.min(opt.tokens, #ids)
  local next_ids = table.move(ids, n + 1, math.min(n + 256, #ids), 1, {})
  local source = session_of(model, n)
  source:feed(table.move(ids, 1, n, 1, {}))
  local rows = {}
  for _, coder in ipairs{ "raw", "int8", "int4" } do rows[#rows + 1] = measure(model, source, next_ids, coder, { coder = coder }) end
  for level = 1, #profile:info().levels do
    rows[#rows + 1] = measure(model, source, next_ids, "level " .. level, { profile = profile, level = level })
  end
  local base, int8 = rows[1].nats, rows[2].size
  for _, row in ipairs(rows) do
    row.perplexity = row.nats and math.exp(row.nats)
    row.change = row.nats and math.exp(row.nats - base) - 1
  end
  if opt.json then return print(json.encode{ schema = 1, tokens = n, next_tokens = #next_ids, rows = rows }) end
  print(("%d tokens, perplexity of the next %d"):format(n, #next_ids))
  print("             bits       MB  x int8    rmse  encode s  decode s  perplexity")
  for _, row in ipairs(rows) do
    print(("%-10s %6.3f %8.2f  %6.2f %7.4f  %8.3f  %8.3f  %s"):format(row.name, row.bits, row.size / 1e6, int8 / row.size, row.rmse, row.encode_s, row.decode_s,
      row.perplexity and ("%.3f %+.2f %%"):format(row.perplexity, 100 * row.change) or "-"))
  end
end

local actions = { profile = make_profile, encode = encode, decode = decode, info = info, stats = stats }

function M.run(opt)
  local action = actions[opt.action] or usage("the action must be profile, encode, decode, info or stats, got '%s'", opt.action)
  action(opt)
  return 0
end

return M
