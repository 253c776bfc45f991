--- What the program says on stderr, and where its results go. Nothing here touches stdout except through `open`.
local program = require "venturi.program"

local M = { quiet = false, verbose = false, color = false }
local line_is_open = false -- a progress line stands on the terminal

--- Takes over -q, -v and --color; NO_COLOR and TERM=dumb are heeded.
function M.setup(opt)
  local tty = program.tty(2)
  M.quiet, M.verbose = opt.quiet or false, opt.verbose or false
  M.live = tty and not M.quiet and os.getenv("TERM") ~= "dumb"
  local plain = (os.getenv("NO_COLOR") or "") ~= "" or os.getenv("TERM") == "dumb"
  M.color = opt.color == "always" or (opt.color ~= "never" and tty and not plain)
end

local codes = { bold = "1", dim = "2", red = "31" }

--- Text for stderr in a style, when styles are wanted.
function M.style(name, text)
  return M.color and ("\27[%sm%s\27[0m"):format(codes[name], text) or text
end

--- A text from outside, such as a file's name: control characters become '?', so that it cannot command the terminal. Lines and tabs stay.
function M.plain(text)
  return (text:gsub("[%z\1-\8\11-\31\127]", "?"):gsub("\xc2[\x80-\x9f]", "?"))
end

--- Takes the progress line off the terminal.
function M.clear()
  if line_is_open then io.stderr:write("\r\27[K") end
  line_is_open = false
end

local function write(text)
  M.clear()
  io.stderr:write(text, "\n")
end

function M.say(fmt, ...)
  if not M.quiet then write(M.plain(fmt:format(...))) end
end

function M.detail(fmt, ...)
  if M.verbose then write(M.style("dim", M.plain(fmt:format(...)))) end
end

local PROGRESS_PAUSE = 0.1 -- seconds between two progress lines
local last_progress = 0

--- A line that is overwritten by the next one; only on a terminal.
function M.progress(fmt, ...)
  local now = program.clock()
  if not M.live or now - last_progress < PROGRESS_PAUSE then return end
  last_progress = now
  io.stderr:write("\r\27[K", (M.plain(fmt:format(...)):sub(1, program.width() - 1)))
  line_is_open = true
end

--- Error line, and one line on what to do where it helps. Not silenced by -q.
function M.complain(verb, message, hint)
  write(M.style("red", ("venturi: %s%s"):format(verb and verb .. ": " or "", M.plain(message))))
  if hint then io.stderr:write(hint, "\n") end
end

--- Raises an error that ends the program with this exit code.
function M.fail(exit, message, hint)
  error({ exit = exit, message = message, hint = hint }, 0)
end

local made -- path of a file of ours that has nothing in it yet

--- Where results go: stdout, or the file of -o, which must not exist unless --force is given.
function M.open(opt)
  local path = opt.output
  if not path or path == "-" then return io.stdout end
  local existed = program.kind(path)
  if existed and not opt.force then M.fail(1, path .. ": exists already", "Add --force to overwrite it.") end
  local file, message = io.open(path, "wb")
  if not file then M.fail(1, message) end
  if not existed then made = path end
  return file
end

--- After a failure: a file that `open` made is taken away if nothing was written to it, or the next run would find it in its way.
function M.abandon()
  local file = made and io.open(made, "rb")
  if not file then return end
  local size = file:seek("end")
  file:close()
  if size == 0 then os.remove(made) end
end

local lost -- why something that was printed did not reach stdout

--- Lua's print, which keeps in mind that a write failed: the C library forgets it once the line is flushed.
function M.print(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = tostring(parts[i]) end
  local ok, message = io.stdout:write(table.concat(parts, "\t"), "\n")
  if ok then ok, message = io.stdout:flush() end
  if not ok then lost = message end
end

--- Did all that was printed reach stdout? Results: true, or nil and a message.
function M.delivered()
  if io.type(io.stdout) == "closed file" then return true end
  local ok, message = io.stdout:flush()
  if lost or not ok then return nil, "stdout: " .. (lost or message) end
  return true
end

--- Writes a whole result to what `open` gave and closes it. Large pieces pass the C library's buffer by: `finish` alone would not know of their failure.
function M.deliver(file, opt, text)
  local ok, message = file:write(text)
  if not ok then M.fail(1, ("%s: %s"):format(opt.output or "stdout", message)) end
  M.finish(file, opt)
end

--- Closes what `open` gave; a write that failed late is an error.
function M.finish(file, opt)
  local ok, message = file:flush()
  if ok and file ~= io.stdout then ok, message = file:close() end
  if not ok then M.fail(1, ("%s: %s"):format(opt.output or "stdout", message)) end
end

return M
