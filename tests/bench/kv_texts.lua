-- What the rows of ./dev bench kv have in common: SmolLM2, chapters of the Debian FAQ as ids, sessions that hold them.
local vt = require "venturi"
local texts = {}

texts.CONTEXT, texts.NEXT = 512, 256

-- Chapters that profiles are made from, and those that are measured: none is both. (What settings were chosen by is other documents.)
texts.PROFILE = { "customizing", "getting-debian", "nextrelease", "contributing", "kernel", "uptodate" }
texts.TEST = { "basic-defs", "choosing", "compatibility", "ftparchives", "pkg-basics", "pkgtools", "software", "support" }

function texts.open(cache)
  local model = vt.model(cache .. "/models/SmolLM2-135M-Instruct.Q4_1.gguf")
  return model, model:tokenizer()
end

function texts.ids(cache, tok, chapter)
  local file = assert(io.open(("%s/debian-faq-11.1/%s.en.html"):format(cache, chapter), "rb"))
  local parts = {}
  for _, section in ipairs(vt.sections(file:read "a", "html")) do parts[#parts + 1] = section.title .. "\n\n" .. section.text end
  file:close()
  return tok:encode(table.concat(parts, "\n\n"))
end

function texts.session(model, n) return model:session{ ctx = n, kv = model:kv{ tokens = n, dtype = "f16" } } end

-- A session with ids first..first+n-1, as many as there are.
function texts.fed(model, ids, first, n)
  local session = texts.session(model, n)
  session:feed(table.move(ids, first, math.min(first + n - 1, #ids), 1, {}))
  return session
end

function texts.profile(model, tok, cache, options)
  local sessions = {}
  for i, chapter in ipairs(texts.PROFILE) do sessions[i] = texts.fed(model, texts.ids(cache, tok, chapter), 1, texts.CONTEXT) end
  options.sessions = sessions
  return vt.kv.profile(options)
end

return texts
