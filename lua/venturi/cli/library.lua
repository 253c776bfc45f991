--- The index of a folder of documents: where it is kept, bringing it up to date, making it anew when the kept one is of no use.
local vt = require "venturi"
local models = require "venturi.cli.model"
local program = require "venturi.program"
local rag = require "pipelines.rag"
local talk = require "venturi.cli.talk"

local M = {}

--- Path of the index of a folder in the cache: a name made of the folder's real path.
function M.cached(folder)
  return ("%s/index/%016x.vtindex"):format(models.cache(), vt.hash(program.realpath(folder) or folder))
end

local function parent(path)
  return path:match("^(.*)/[^/]*$")
end

-- A kept index that is damaged, of another version or changed under our hands is no loss: it is made again from the documents.
local useless = { VT_ERR_FORMAT = true, VT_ERR_UNSUPPORTED = true, VT_ERR_CONFLICT = true }

local function bring_up_to_date(path, folder, opt)
  local index = vt.index(path, { create = true })
  local stats = rag.update(index, folder, opt, function(fraction, name, problem)
    if problem then talk.say("%s: passed over: %s", name, problem.message) end
    talk.progress("indexing %3d%%  %s", math.floor(100 * fraction), name)
  end)
  talk.clear()
  return index, stats
end

--- Opens the index of a folder and brings it up to date.
-- Fails when there is nothing to be read in it.
-- @tparam string path the folder, or one document
-- @tparam string|nil file index file of the user's choice; nil: one in the cache
-- @tparam table opt options of the pipeline
-- @treturn userdata index
-- @treturn table counts, see rag.update
function M.open(path, file, opt)
  if not program.kind(path) then talk.fail(3, path .. ": no such folder or document") end
  local folder <close> = vt.folder(path)
  local kept = file or M.cached(path)
  local above = parent(kept)
  if above and above ~= "" then program.mkdirs(above) end
  local index, stats = vt.try(bring_up_to_date, kept, folder, opt)
  if not index and useless[stats.name] and not file then
    talk.detail("%s: %s; made anew", kept, stats.message)
    os.remove(kept)
    index, stats = bring_up_to_date(kept, folder, opt)
  elseif not index then
    error(stats, 0)
  end
  if stats.passages == 0 then talk.fail(3, "no text, Markdown or HTML documents in " .. path) end
  talk.detail("%s: %d passages; files: %d new, %d changed, %d gone, %d as before", kept, stats.passages, stats.added, stats.changed, stats.removed, stats.kept)
  return index, stats, kept
end

local INDEX_MAGIC = "VTINDEX\0"

local function is_index(path)
  local file = io.open(path, "rb")
  local magic = file and file:read(#INDEX_MAGIC)
  if file then file:close() end
  return magic == INDEX_MAGIC
end

--- The index of what a user names: a folder, a document, or an index file, which is taken as it is.
function M.place(path, file)
  local kind = program.kind(path)
  if not kind then talk.fail(3, path .. ": no such folder, document or index file") end
  if kind == "folder" or (rag.format(path) and not is_index(path)) then return (M.open(path, file, rag.options())) end
  if file then error({ usage = ("option '--index' is for a folder or a document, and %s is neither"):format(path) }, 0) end
  return vt.index(path, { read_only = true })
end

return M
