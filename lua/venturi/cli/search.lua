--- venturi search: passages of a folder, a document or an index file for a query.
local json = require "venturi.cli.json"
local library = require "venturi.cli.library"
local options = require "venturi.cli.options"
local talk = require "venturi.cli.talk"
local shared = options.shared

local M = {
  name = "search",
  summary = "find passages in a folder, a document or an index file",
  examples = {
    "venturi search /usr/share/doc/debian/FAQ 'virtual package'",
    "venturi search -k 3 --text ~/notes 'flight to Lisbon'",
    "venturi search --json notes.vtindex invoice | jq '.hits[].source'",
  },
  arguments = { { "place", help = "a folder, a document, or an index file" }, { "query", help = "words to look for" } },
  options = {
    { "count", short = "k", arg = "N", kind = "integer", min = 1, max = 10000, default = 10, group = "Search", help = "passages wanted" },
    { "min-coverage", arg = "SHARE", kind = "number", min = 0, max = 1, default = 0, group = "Search", help = "only passages that hold this share of the query's weight" },
    { "text", kind = "flag", group = "Output", help = "print the passages, not only where they are" },
    { "index", arg = "FILE", kind = "string", group = "Index", help = "index file of the folder (default: one in the cache)" },
    shared.json, shared.output, shared.force,
  },
}

function M.run(opt)
  options.text("the query", opt.query)
  local out = talk.open(opt)
  local index <close> = library.place(opt.place, opt.index)
  local hits = index:search(opt.query, opt.count, { min_coverage = opt.min_coverage })
  if opt.json then
    out:write(json.encode{ schema = 1, query = opt.query, hits = hits }, "\n")
  else
    if #hits == 0 then talk.say("Nothing found.") end
    for i, hit in ipairs(hits) do
      out:write(("[%d] %s: %s  (score %.2f, coverage %.2f)\n"):format(i, hit.source, hit.title, hit.score, hit.coverage))
      if opt.text then out:write(hit.text, "\n\n") end
    end
  end
  talk.finish(out, opt)
  return 0
end

return M
