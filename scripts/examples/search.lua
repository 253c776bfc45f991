--- An index in memory, and a search that prefers passages with all words of the question.
--- venturi run scripts/examples/search.lua FOLDER QUESTION
local vt = require "venturi"
local rag = require "pipelines.rag"

local path, question = arg[1], arg[2]
if not question then error("usage: search.lua FOLDER QUESTION", 0) end

local index <close> = vt.index()
local folder <close> = vt.folder(path)
local stats = rag.update(index, folder, rag.options{ max_words = 120 })
io.stderr:write(("%d passages of %d files\n"):format(stats.passages, stats.added))

for i, hit in ipairs(index:search(question, 5, { min_coverage = 0.6 })) do
  print(("%d. %s (%s), %.0f %% of the question"):format(i, hit.title, hit.source, 100 * hit.coverage))
end
