--- What a rendering may use, and how it fails: steps, bytes made, depth, output. All errors of templates are made here.
local M = {}

local codes = { VT_ERR_INVALID = -2, VT_ERR_FORMAT = -6, VT_ERR_UNSUPPORTED = -8, VT_ERR_LIMIT = -10, VT_ERR_INTERNAL = -15 }

local MOST_MESSAGE = 4096 -- bytes: templates quote what they are given

local Failure = { __tostring = function(e) return e.message end }
local Meter = {}
Meter.__index = Meter

--- Defaults of the limits that a caller may set.
M.defaults = {
  source = 1 << 20,  -- bytes of a template
  steps = 5000000,   -- of the interpreter; about a second
  memory = 256 << 20, -- bytes of all texts and lists that are made, also of those that are dropped again
  output = 16 << 20, -- bytes of the result
  range = 100000,    -- items of a range()
  depth = 100,       -- of macros in macros, of recursive loops, and of lists in lists
}

--- Raises the error of a template. Where it happened is added by whoever knows.
function M.fail(status, message, ...)
  local text = message:format(...)
  if #text > MOST_MESSAGE then text = text:sub(1, MOST_MESSAGE):gsub("[\x80-\xff]+$", "") .. "..." end
  error(setmetatable({ code = codes[status], name = status, message = text }, Failure), 0)
end

--- A failure of ours with the place put before its message; any other error value becomes one.
function M.located(err, where)
  if getmetatable(err) ~= Failure then
    local text = tostring(err)
    if text:find("stack overflow", 1, true) then
      err = setmetatable({ code = codes.VT_ERR_LIMIT, name = "VT_ERR_LIMIT", message = "nested too deeply" }, Failure)
    elseif type(err) == "table" and err.code then
      return err -- of the library: interrupted, out of memory
    else
      err = setmetatable({ code = codes.VT_ERR_INTERNAL, name = "VT_ERR_INTERNAL", message = "internal error: " .. text }, Failure)
    end
  end
  if not err.located then err.message, err.located = where .. err.message, true end
  return err
end

--- A meter with these limits (those of `defaults` for what is not given).
function M.new(limits)
  local meter = { pos = 1, level = 0 }
  for key, value in pairs(M.defaults) do meter[key] = value end
  for key, value in pairs(limits or {}) do
    if M.defaults[key] == nil then error(("jinja: unknown limit '%s'"):format(tostring(key)), 3) end
    if math.type(value) ~= "integer" or value < 1 then error(("jinja: limit '%s' must be an integer >= 1"):format(key), 3) end
    meter[key] = value
  end
  return setmetatable(meter, Meter)
end

--- Counts n steps.
function Meter:work(n)
  self.steps = self.steps - n
  if self.steps < 0 then M.fail("VT_ERR_LIMIT", "the template takes too many steps") end
end

--- Counts the reading of n bytes or items.
function Meter:read(n)
  self:work(1 + (n >> 4))
end

--- Counts `count` things of `size` bytes that are about to be made; count may be any number that a template has.
function Meter:make_many(count, size)
  if count > self.memory // size then M.fail("VT_ERR_LIMIT", "the template makes too much text") end
  self:make(math.max(0, count) * size)
end

--- Counts n bytes that are about to be made.
function Meter:make(n)
  self.memory = self.memory - n - 16
  if self.memory < 0 then M.fail("VT_ERR_LIMIT", "the template makes too much text") end
  self:work(1 + (n >> 6))
end

function Meter:enter()
  self.level = self.level + 1
  if self.level > self.depth then M.fail("VT_ERR_LIMIT", "nested more than %d deep", self.depth) end
end

function Meter:leave()
  self.level = self.level - 1
end

return M
