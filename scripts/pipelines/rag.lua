--- Questions answered from a folder of documents, with sources (retrieval-augmented generation).
-- read -> chunk -> index -> retrieve -> prompt -> generate. Every step is a function of this table: replace one, and the others use yours.
-- Sources come from retrieval, never from the model's words; when nothing passes the threshold there is no answer.
local vt = require "venturi"

local rag = {}

--- Defaults, to be read through rag.options. The first three belong to the index: a change of them reads the documents anew.
rag.defaults = {
  version = 1,          -- of this file's way to cut documents
  max_words = 250,      -- of a passage: a section that is longer is cut between paragraphs
  index_titles = true,  -- the words of the headings count: often they are the question
  k = 3,                -- passages taken from the index, best first
  min_coverage = 0.45,  -- threshold: share of the question's weight (rare words weigh more) that a passage must hold
  n_ctx = 2048,         -- tokens of prompt and answer together
  max_tokens = 160,     -- of the answer
  style = "quoted",     -- "quoted": in the words of the passages; "free": in the model's own
  system = { quoted = "Answer with one or two sentences taken from the text.", free = "Answer the question using only the text. Be brief." },
  user = "Text:\n${passages}\n\nQuestion: ${question}",
}

function rag.options(given)
  return vt.options("rag", rag.defaults, given)
end

local formats = { html = "html", htm = "html", xhtml = "html", md = "markdown", markdown = "markdown", txt = "text", text = "text", rst = "text" }

--- How to read a file, by its name; nil: not a document. Names without an ending (README) are text.
function rag.format(name)
  local ending = name:match("%.([^./]+)$")
  return not ending and "text" or formats[ending:lower()]
end

--- A document as a list of passages { title, text }, the title being the path of headings; none when it is not text after all.
function rag.chunk(name, content, opt)
  if content:find("\0", 1, true) then return {} end
  local sections = vt.sections(content, rag.format(name))
  local passages = vt.chunk.passages(sections, { max_words = opt.max_words })
  for _, passage in ipairs(passages) do
    if passage.title == "" then passage.title = sections.title ~= "" and sections.title or name end
  end
  return passages
end

-- Reads one file into the index unless it is there as it is. Results: what became of it; "copy" when another file has the same content.
local function take(index, folder, name, was, contents, opt)
  local content = folder:read(name)
  local print = vt.hash(("%d %d %s %s"):format(opt.version, opt.max_words, opt.index_titles, content))
  if contents[print] then return "copy" end
  contents[print] = true
  if was == print then return "kept" end
  local passages = rag.chunk(name, content, opt)
  index:put_source(name, print)
  for _, passage in ipairs(passages) do
    index:add(name, { title = passage.title, text = passage.text, index_title = opt.index_titles })
  end
  return was and "changed" or "added"
end

local fatal = { VT_ERR_CANCELLED = true, VT_ERR_NOMEM = true, VT_ERR_STATE = true }

--- Brings an index up to date with a folder: what is new or changed is read into it, what is gone is taken out. A copy of another file is passed
-- over, and so is a file that cannot be read (too large, no permission); what the index holds of it stays.
-- @tparam[opt] function progress (fraction, name, problem or nil)
-- @treturn table counts { added, changed, removed, kept, unreadable, passages }
function rag.update(index, folder, opt, progress)
  local old, seen, contents, files = index:sources(), {}, {}, folder:files()
  local stats = { added = 0, changed = 0, removed = 0, kept = 0, copy = 0, unreadable = 0 }
  for i, file in ipairs(files) do
    vt.poll()
    if rag.format(file.name) then
      local fate, problem = vt.try(take, index, folder, file.name, old[file.name], contents, opt)
      if problem and fatal[problem.name] then error(problem, 0) end
      fate = fate or "unreadable"
      stats[fate], seen[file.name] = stats[fate] + 1, fate ~= "copy"
      if progress then progress(i / #files, file.name, problem) end
    end
  end
  for name in pairs(old) do
    if not seen[name] then
      index:remove_source(name)
      stats.removed = stats.removed + 1
    end
  end
  if stats.added + stats.changed + stats.removed > 0 then index:commit() end
  stats.passages, stats.copy = index:count(), nil
  return stats
end

--- Passages for a question that pass the threshold, best first; an empty list when nothing is relevant.
function rag.retrieve(index, question, opt)
  return index:search(question, opt.k, { min_coverage = opt.min_coverage })
end

--- Prompt text, and the passages that are in it, cut to what the context leaves.
function rag.prompt(tok, question, passages, opt)
  local function render(text)
    local user = vt.prompt.fill(opt.user, { passages = text, question = vt.prompt.plain(question) })
    return vt.chat.render(tok, { { role = "system", content = opt.system[opt.style] }, { role = "user", content = user } }, { fallback = true })
  end
  local room = opt.n_ctx - opt.max_tokens - #tok:encode(render(""), { special = true })
  local used = vt.prompt.fit(function(text) return #tok:encode(text) end, passages, room)
  if #used == 0 then error("the question leaves no room for passages in the context", 0) end
  return render(vt.prompt.numbered(used)), used
end

--- Iterator over the sentences of an answer; the session holds the prompt.
function rag.generate(world, question, passages, opt)
  if opt.style == "free" then
    return vt.answer.free(world.session:generate{ max_tokens = opt.max_tokens, sampler = world.sampler }, opt.max_tokens)
  end
  return vt.answer.quoted(world.session, world.tok, { question = question, passages = passages, max_tokens = opt.max_tokens })
end

--- Answers one question.
-- @tparam table world { index, tok, session, sampler = nil: greedy }
-- @treturn table sources: the passages that the prompt holds; empty when nothing is relevant
-- @treturn function iterator over the answer; nil when nothing is relevant
function rag.ask(world, question, opt)
  local passages = rag.retrieve(world.index, question, opt)
  if #passages == 0 then return {} end
  local text, used = rag.prompt(world.tok, question, passages, opt)
  world.session:trim(0):feed(world.tok:encode(text, { special = true, bos = true }))
  return used, rag.generate(world, question, used, opt)
end

return rag
