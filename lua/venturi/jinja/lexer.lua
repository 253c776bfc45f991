--- Template text to tokens: { kinds, values, places }. Kinds: data, begin and end of a block, begin and end of an output, and inside of those name
-- string integer float op. White space control as Jinja does it with trim_blocks and lstrip_blocks on, which chat templates are written for.
local meters = require "venturi.jinja.meter"
local text = require "venturi.jinja.text"

local M = {}

local function refuse_as(status, at, message, ...)
  local ok, err = pcall(meters.fail, status, message, ...)
  err.at = not ok and at
  error(err, 0)
end

--- Raises what is wrong with the template at a byte.
local function refuse(at, ...)
  refuse_as("VT_ERR_FORMAT", at, ...)
end
M.refuse = refuse

--- Raises what the template has that this interpreter does not know.
function M.unsupported(at, ...)
  refuse_as("VT_ERR_UNSUPPORTED", at, ...)
end

--- "line L, column C: " of a byte.
function M.where(source, at)
  local line, start = 1, 1
  for stop in source:sub(1, at - 1):gmatch("\n()") do line, start = line + 1, stop end
  return ("template line %d, column %d: "):format(line, text.len(source:sub(start, at - 1)) + 1)
end

--- One kind of line end, and none at the end of the template: its last newline is not printed.
function M.normalise(source)
  return (source:gsub("\r\n?", "\n"):gsub("\n$", ""))
end

local escapes = { n = "\n", t = "\t", r = "\r", ["\\"] = "\\", ["'"] = "'", ['"'] = '"', a = "\a", b = "\b", f = "\f", v = "\v", ["\n"] = "" }

-- One escape at the backslash at i: what it means, and the place behind it.
local function unescape_one(s, i, at)
  local c = s:sub(i + 1, i + 1)
  if escapes[c] then return escapes[c], i + 2 end
  local digits = s:match("^[0-7][0-7]?[0-7]?", i + 1)
  if digits then return utf8.char(tonumber(digits, 8)), i + 1 + #digits end
  local n = ({ x = 2, u = 4, U = 8 })[c]
  if n then
    local hex = s:match("^" .. ("%x"):rep(n), i + 2)
    local code = hex and tonumber(hex, 16)
    if not code or code > 0x10ffff then refuse(at, "a wrong \\%s in a string", c) end
    return utf8.char(code), i + 2 + n
  end
  if c == "N" then M.unsupported(at, "\\N{name} in a string is not supported") end
  return "\\", i + 1 -- not an escape: both characters stay
end

local function unescape(s, at)
  if not s:find("\\", 1, true) then return s end
  local parts, i = {}, 1
  while true do
    local stop = s:find("\\", i, true)
    if not stop then break end
    parts[#parts + 1] = s:sub(i, stop - 1)
    parts[#parts + 1], i = unescape_one(s, stop, at)
  end
  parts[#parts + 1] = s:sub(i)
  return table.concat(parts)
end

local function read_string(s, at)
  local quote, i = s:sub(at, at), at + 1
  while true do
    local stop = s:find("[\\" .. quote .. "]", i)
    if not stop then refuse(at, "a string has no end") end
    if s:sub(stop, stop) == quote then return unescape(s:sub(at + 1, stop - 1), at), stop + 1 end
    i = stop + 2
  end
end

local function to_integer(digits, base, at)
  local n = 0
  for c in digits:gmatch("%x") do
    local d = tonumber(c, base)
    if not d then refuse(at, "a wrong digit in a number") end
    if n > (math.maxinteger - d) // base then refuse(at, "a number over 2^63") end
    n = n * base + d
  end
  return n
end

-- Kind, value and end of the number at `at`.
local function read_number(s, at)
  local prefix, digits = s:match("^0([bBoOxX])([%x_]+)", at)
  if prefix then return "integer", to_integer(digits, ({ b = 2, o = 8, x = 16 })[prefix:lower()], at), at + 2 + #digits end
  local whole = s:match("^%d[%d_]*", at)
  local stop = at + #whole
  local rest = s:match("^%.%d[%d_]*", stop) or ""
  rest = rest .. (s:match("^[eE][-+]?%d[%d_]*", stop + #rest) or "")
  if rest == "" then return "integer", to_integer(whole, 10, at), stop end
  return "float", tonumber(((whole .. rest):gsub("_", ""))) + 0.0, stop + #rest
end

local two = { ["//"] = true, ["**"] = true, ["=="] = true, ["!="] = true, [">="] = true, ["<="] = true }
local closing = { ["("] = ")", ["["] = "]", ["{"] = "}" }

local function add(tokens, kind, v, at)
  local n = #tokens.kinds + 1
  tokens.kinds[n], tokens.values[n], tokens.places[n] = kind, v, at
end

-- Tokens of one tag up to its end, "%}" or "}}". Result: the place behind it, and whether a newline was the last thing taken.
local function read_tag(tokens, s, at, finish, open_at)
  local stack, is_block = {}, finish == "%}"
  while true do
    at = text.skip_space(s, at)
    local c = s:sub(at, at)
    if c == "" then refuse(open_at, "the tag has no '%s'", finish) end
    local sign = s:match("^[-+]", at)
    local stop = at + (sign and 1 or 0)
    if #stack == 0 and s:sub(stop, stop + 1) == finish and (sign ~= "+" or is_block) then
      add(tokens, is_block and "block_end" or "output_end", finish, at)
      local after = stop + 2
      if sign == "-" then
        after = text.skip_space(s, after)
      elseif is_block and sign ~= "+" and s:sub(after, after) == "\n" then
        after = after + 1
      end
      return after, s:sub(after - 1, after - 1) == "\n"
    end
    if c:find("[%a_\x80-\xff]") then
      local name = s:match("^[%w_\x80-\xff]+", at)
      add(tokens, "name", name, at)
      at = at + #name
    elseif c:find("%d") then
      local kind, v, after = read_number(s, at)
      add(tokens, kind, v, at)
      at = after
    elseif c == "'" or c == '"' then
      local v, after = read_string(s, at)
      add(tokens, "string", v, at)
      at = after
    else
      local op = two[s:sub(at, at + 1)] and s:sub(at, at + 1) or c
      if not two[op] and not c:find("[-+*/%%~%[%](){}<>=.:|,]") then refuse(at, "unexpected character '%s'", (s:match("^" .. utf8.charpattern, at) or c)) end
      if closing[op] then
        stack[#stack + 1] = closing[op]
      elseif op == ")" or op == "]" or op == "}" then
        if table.remove(stack) ~= op then refuse(at, "unexpected '%s'", op) end
      end
      add(tokens, "op", op, at)
      at = at + #op
    end
  end
end

-- Data before a tag, without what the tag strips: everything blank ('-'), or blanks since the start of the line (blocks and comments).
local function strip_data(data, sign, is_output, line_starting)
  if sign == "-" then return text.rstrip(data) end
  if sign == "+" or is_output then return data end
  local start = data:match("^.*\n()") or 1
  if (start > 1 or line_starting) and text.is_space(data:sub(start)) then return data:sub(1, start - 1) end
  return data
end

-- Behind a comment's or a raw block's end tag at `stop` (its first character, or the sign before it).
local function after_end(s, stop, sign, trims)
  local after = stop + 2
  if sign == "-" then return text.skip_space(s, after) end
  if trims and sign ~= "+" and s:sub(after, after) == "\n" then return after + 1 end
  return after
end

-- {% raw %}: its content is data. `at` is behind the tag "{%" and its sign. Result: content and the place behind {% endraw %}, or nil when it is none.
local function read_raw(s, at)
  local sign, stop = s:match("^%s*raw%s*(-?)()%%}", at)
  if not stop then return nil end
  local begin = after_end(s, stop, sign, false)
  local i = begin
  while true do
    local open = s:find("{%", i, true)
    if not open then refuse(at, "{%% raw %%} has no {%% endraw %%}") end
    local before, after_sign, finish = s:match("^([-+]?)%s*endraw%s*([-+]?)()%%}", open + 2)
    if finish then return strip_data(s:sub(begin, open - 1), before, false, false), after_end(s, finish, after_sign, true) end
    i = open + 2
  end
end

--- Tokens of a normalised source. Errors carry the byte in `at`.
function M.read(s)
  local tokens = { kinds = {}, values = {}, places = {} }
  local at, line_starting = 1, true
  while at <= #s do
    local open = s:find("{[%%{#]", at)
    local sign = open and s:match("^[-+]", open + 2)
    local what = open and s:sub(open + 1, open + 1)
    local data = s:sub(at, (open or #s + 1) - 1)
    if open then data = strip_data(data, sign, what == "{", line_starting) end
    if data ~= "" then add(tokens, "data", data, at) end
    if not open then break end
    local inside = open + 2 + (sign and 1 or 0)
    local raw, after = nil, nil
    if what == "%" then raw, after = read_raw(s, inside) end
    if raw then
      if raw ~= "" then add(tokens, "data", raw, inside) end
      at = after
    elseif what == "#" then
      local stop = s:find("#}", inside, true)
      if not stop then refuse(open, "the comment has no '#}'") end
      at = after_end(s, stop, stop > inside and s:match("^[-+]", stop - 1), true)
    else
      add(tokens, what == "%" and "block_begin" or "output_begin", s:sub(open, open + 1), open)
      at = read_tag(tokens, s, inside, what == "%" and "%}" or "}}", open)
    end
    line_starting = s:sub(at - 1, at - 1) == "\n"
  end
  add(tokens, "eof", "end of template", #s + 1)
  return tokens
end

return M
