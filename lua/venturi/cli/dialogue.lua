--- A conversation of `venturi chat`: its messages, what of them fits into the context, answers, and its file.
-- Messages are kept as they were written; vt.chat makes them harmless each time they are rendered.
local json = require "venturi.cli.json"
local models = require "venturi.cli.model"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"
local vt = require "venturi"

local Dialogue = {}
Dialogue.__index = Dialogue

local ROOM = 512 -- tokens kept free for an answer whose length is not limited

local M = {}

--- @tparam table world { model, tok, session, sampler, limit = tokens of the context, max_tokens, variables = of the template, form = where the model has no template,
--   stop = texts that end an answer, show = function(piece) }
function M.new(world)
  local self = setmetatable({ messages = {} }, Dialogue)
  for key, v in pairs(world) do self[key] = v end
  return self
end

--- Sets the system message; nil takes it away.
function Dialogue:set_system(text)
  local has = self.messages[1] and self.messages[1].role == "system"
  if has then table.remove(self.messages, 1) end
  if text then table.insert(self.messages, 1, { role = "system", content = text }) end
end

function Dialogue:system()
  local first = self.messages[1]
  return first and first.role == "system" and first.content or nil
end

-- ---- the context ----

function Dialogue:encode()
  return vt.chat.encode(self.tok, self.messages, { fallback = self.form, variables = self.variables })
end

-- Ids of the conversation, from which the oldest questions and answers are dropped until an answer has room. The last question stays.
function Dialogue:fit()
  local room = math.min(self.max_tokens > 0 and self.max_tokens or ROOM, self.limit // 2)
  local first, dropped = self:system() and 2 or 1, 0
  local ids = self:encode()
  while #ids + room > self.limit and #self.messages > first do
    repeat table.remove(self.messages, first) until #self.messages == first or self.messages[first].role == "user"
    dropped = dropped + 1
    ids = self:encode()
  end
  if dropped > 0 then talk.say("(The context of %d tokens is full: the oldest %s forgotten.)", self.limit, dropped == 1 and "turn is" or dropped .. " turns are") end
  if #ids >= self.limit then
    error({ exit = 1, message = ("the message takes %d tokens, the context has %d"):format(#ids, self.limit), hint = "Use a larger context (-c N)." }, 0)
  end
  return ids
end

-- Brings the session to these ids; what it already holds of them is not computed again. Result: how many were new.
function Dialogue:feed(ids)
  local held, same = self.session:tokens(), 0
  while same < #held and same < #ids - 1 and held[same + 1] == ids[same + 1] do same = same + 1 end
  self.session:trim(same)
  self.session:feed(table.move(ids, same + 1, #ids, 1, {}))
  return #ids - same
end

-- ---- answers ----

-- Pieces without the white space in front of all: a transcript's answer begins behind "Assistant:".
local function without_lead(pieces)
  local begun = false
  return function()
    local piece, id, why = pieces()
    if piece and not begun then
      piece = piece:gsub("^%s+", "")
      begun = piece ~= ""
    end
    return piece, id, why
  end
end

-- Runs f. Result: true, or false when the user stopped it; other errors go on. An interrupt comes twice, from the library's call that it ended and at
-- the next instruction of Lua: the outer pcall is for the second.
local function until_stopped(f)
  local ok, err = pcall(function()
    local done, problem = pcall(f)
    if not done then error(problem, 0) end
  end)
  if ok then return true end
  if not program.interrupted() then error(err, 0) end
  program.rearm()
  return false
end

--- Answers the last question, which the messages end with. A stopped answer is kept as far as it came.
-- @treturn table { text, tokens, stopped = "end", "stop", "length", "context" or "user" }; nil when it was stopped before it began
function Dialogue:answer()
  local pieces, n, new, ending = {}, 0, 0, nil
  local start, middle = program.clock(), nil
  local whole = until_stopped(function()
    new = self:feed(self:fit())
    middle = program.clock()
    self.sampler:observe{} -- a grammar begins anew with each answer
    local stream = self.session:generate{ max_tokens = self.max_tokens, sampler = self.sampler, stop = self.stop }
    for piece, id, reason in self.tok:template() and stream or without_lead(stream) do
      ending = reason
      if id >= 0 then n = n + 1 end -- the rest of a broken code point comes without a token
      pieces[#pieces + 1] = piece
      self.show(piece)
    end
  end)
  if not middle then return nil end
  models.report_speed("prompt", new, middle - start)
  models.report_speed("answer", n, program.clock() - middle)
  local text = table.concat(pieces)
  self.messages[#self.messages + 1] = { role = "assistant", content = text }
  local why = not whole and "user" or ending or self.max_tokens > 0 and n >= self.max_tokens and "length" or self.session:count() >= self.limit and "context" or "end"
  return { text = text, tokens = n, stopped = why }
end

--- Asks and answers. A question that could not be answered is forgotten. Results as `answer`.
function Dialogue:ask(text)
  local before = #self.messages + 1
  self.messages[before] = { role = "user", content = text }
  local ok, result = pcall(self.answer, self)
  if not ok or not result then
    if self.messages[#self.messages].role == "user" then self.messages[#self.messages] = nil end
    if not ok then error(result, 0) end
  end
  return result
end

--- Takes the last answer away and answers again. Results as `answer`; false when there is no question.
function Dialogue:regenerate()
  local last = self.messages[#self.messages]
  local taken = last and last.role == "assistant" and table.remove(self.messages) or nil
  last = self.messages[#self.messages]
  if not last or last.role ~= "user" then
    self.messages[#self.messages + 1] = taken
    return false
  end
  local ok, result = pcall(self.answer, self)
  if (not ok or not result) and taken then self.messages[#self.messages + 1] = taken end
  if not ok then error(result, 0) end
  return result
end

--- Forgets the last question and its answer. Result: was there one?
function Dialogue:undo()
  local n = #self.messages
  while n > 0 and self.messages[n].role ~= "user" do n = n - 1 end
  if n == 0 then return false end
  for i = #self.messages, n, -1 do self.messages[i] = nil end
  return true
end

--- Forgets everything but the system message.
function Dialogue:clear()
  local system = self:system()
  self.messages = {}
  self:set_system(system)
end

-- ---- files ----

--- The conversation as JSON: { schema = 1, model, messages }.
function Dialogue:to_json()
  local list = {}
  for i, m in ipairs(self.messages) do list[i] = { role = m.role, content = m.content } end
  return json.encode{ schema = 1, model = self.model:info().name, messages = list } .. "\n"
end

local roles = { system = true, user = true, assistant = true }

--- Takes the messages of a text that to_json made, or of a plain list of messages. Raises what is wrong with it.
function Dialogue:from_json(text)
  local data = vt.json.decode(text)
  local list = type(data) == "table" and (data.messages or data)
  if type(list) ~= "table" or #list == 0 and next(list) ~= nil then error({ exit = 4, message = "not a conversation: it has no list of messages" }, 0) end
  local messages = {}
  for i, m in ipairs(list) do
    if type(m) ~= "table" or not roles[m.role] or type(m.content) ~= "string" or (m.role == "system" and i > 1) then
      error({ exit = 4, message = ("not a conversation: message %d needs a role (system first, user, assistant) and a content"):format(i) }, 0)
    end
    messages[i] = { role = m.role, content = m.content }
  end
  self.messages = messages
end

return M
