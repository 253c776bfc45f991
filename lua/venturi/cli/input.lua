--- Files that verbs read whole.
local talk = require "venturi.cli.talk"

local M = {}

--- Contents of a file, "-" being stdin. A file that cannot be read ends the program with status 3.
function M.read(path)
  if path == "-" then return io.read("a") end
  local file, message = io.open(path, "rb")
  local text = file and file:read("a")
  if file then file:close() end
  if not text then talk.fail(3, message or path .. ": cannot be read") end
  return text
end

return M
