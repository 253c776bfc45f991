--- venturi index: makes or refreshes the search index of a folder.
local json = require "venturi.cli.json"
local library = require "venturi.cli.library"
local rag = require "pipelines.rag"
local shared = require("venturi.cli.options").shared

local M = {
  name = "index",
  summary = "index the documents of a folder",
  examples = { "venturi index ~/notes", "venturi index --index notes.vtindex ~/notes", "venturi index --json /usr/share/doc/debian/FAQ" },
  arguments = { { "folder", help = "text, Markdown and HTML files in it and below are read" } },
  options = {
    { "index", arg = "FILE", kind = "string", group = "Index", help = "index file (default: one in the cache)" },
    shared.json,
  },
  notes = "Only what has changed since the last time is read again; what is gone is taken out. ask and search do the same on their own.",
}

function M.run(opt)
  local index <close>, stats, path = library.open(opt.folder, opt.index, rag.options())
  if opt.json then
    stats.schema, stats.index = 1, path
    print(json.encode(stats))
  else
    print(("%s: %d passages; files: %d new, %d changed, %d gone, %d as before"):format(path, stats.passages, stats.added, stats.changed, stats.removed, stats.kept))
  end
  return index and 0
end

return M
