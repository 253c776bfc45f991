--- Strings as Python has them: positions are code points, white space and case are Unicode's. Bytes that are not UTF-8 count one each.
local M = {}

local spaces = {}
for _, c in ipairs{ 9, 10, 11, 12, 13, 28, 29, 30, 31, 32, 0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 } do spaces[utf8.char(c)] = true end
for c = 0x2000, 0x200a do spaces[utf8.char(c)] = true end

local function is_ascii(s)
  return not s:find("[\x80-\xff]")
end

--- The characters of a text, as a list.
function M.chars(s)
  local list = {}
  if is_ascii(s) or not utf8.len(s) then
    for i = 1, #s do list[i] = s:sub(i, i) end
  else
    for c in s:gmatch(utf8.charpattern) do list[#list + 1] = c end
  end
  return list
end

function M.len(s)
  return is_ascii(s) and #s or utf8.len(s) or #s
end

--- Characters first to last, both in [1, len].
function M.sub(s, first, last)
  if first > last then return "" end
  if is_ascii(s) or not utf8.len(s) then return s:sub(first, last) end
  return s:sub(utf8.offset(s, first), utf8.offset(s, last + 1) - 1)
end

local MOST_AT_ONCE = 64 -- bytes: what a search may compare at each place

--- First and last byte of `part` in s at or after i, or nil. The search of the C library takes #s * #part at worst, which nobody counts: of a long part
-- only the head is searched, and each comparison of the rest counts on the meter.
function M.find(m, s, part, i)
  if #part <= MOST_AT_ONCE then
    local first, last = s:find(part, i, true)
    m:read(math.max(0, (last or #s) - i))
    return first, last
  end
  local head = part:sub(1, MOST_AT_ONCE)
  while true do
    local first = s:find(head, i, true)
    m:read(math.max(0, (first or #s) - i))
    if not first or first + #part - 1 > #s then return nil end
    m:make(#part)
    if s:sub(first, first + #part - 1) == part then return first, first + #part - 1 end
    i = first + 1
  end
end

--- Place of the first byte at or after i that is not white space.
function M.skip_space(s, i)
  while true do
    i = s:find("[^ \t-\r\x1c-\x1f]", i) or #s + 1
    local byte = s:byte(i)
    if not byte or byte < 0xc2 then return i end
    local n = byte < 0xe0 and 2 or 3
    if not spaces[s:sub(i, i + n - 1)] then return i end
    i = i + n
  end
end

-- Length of s without the white space at its end.
local function trimmed_len(s)
  local n = #s
  while n > 0 do
    local byte = s:byte(n)
    if byte == 32 or (byte >= 9 and byte <= 13) or (byte >= 28 and byte <= 31) then
      n = n - 1
    elseif byte >= 0x80 and spaces[s:sub(n - 1, n)] then
      n = n - 2
    elseif byte >= 0x80 and n > 2 and spaces[s:sub(n - 2, n)] then
      n = n - 3
    else
      break
    end
  end
  return n
end

local function set_of(chars)
  local set = {}
  for _, c in ipairs(M.chars(chars)) do set[c] = true end
  return set
end

--- Without white space, or without any of `chars`, at the left end.
function M.lstrip(s, chars)
  if not chars then return s:sub(M.skip_space(s, 1)) end
  local set, list, i = set_of(chars), M.chars(s), 1
  while list[i] and set[list[i]] do i = i + 1 end
  return table.concat(list, "", i)
end

function M.rstrip(s, chars)
  if not chars then return s:sub(1, trimmed_len(s)) end
  local set, list = set_of(chars), M.chars(s)
  local n = #list
  while n > 0 and set[list[n]] do n = n - 1 end
  return table.concat(list, "", 1, n)
end

function M.strip(s, chars)
  return M.rstrip(M.lstrip(s, chars), chars)
end

--- Is there anything, and is all of it white space?
function M.is_space(s)
  return s ~= "" and M.skip_space(s, 1) > #s
end

-- ---- case: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic; other letters stay as they are ----

local upper_of, lower_of = { ["ß"] = "SS", ["ÿ"] = "Ÿ" }, { ["Ÿ"] = "ÿ" }
local function pair(up, low)
  local u, l = utf8.char(up), utf8.char(low)
  upper_of[l], lower_of[u] = u, l
end
for c = 0xc0, 0xde do
  if c ~= 0xd7 then pair(c, c + 32) end
end
for _, range in ipairs{ { 0x100, 0x12e }, { 0x132, 0x136 }, { 0x139, 0x147 }, { 0x14a, 0x176 }, { 0x179, 0x17d } } do
  for c = range[1], range[2], 2 do pair(c, c + 1) end
end
for c = 0x391, 0x3a9 do
  if c ~= 0x3a2 then pair(c, c + 32) end
end
for c = 0x410, 0x42f do pair(c, c + 32) end
for c = 0x400, 0x40f do pair(c, c + 80) end

local function map(s, ascii, others)
  if is_ascii(s) then return ascii(s) end
  local list = M.chars(s)
  for i, c in ipairs(list) do list[i] = others[c] or ascii(c) end
  return table.concat(list)
end

function M.upper(s) return map(s, string.upper, upper_of) end
function M.lower(s) return map(s, string.lower, lower_of) end

--- Is this character a letter with two cases, or a letter of ASCII?
local function is_cased(c)
  return c:find("^%a$") ~= nil or upper_of[c] ~= nil or lower_of[c] ~= nil
end

function M.capitalize(s)
  local list = M.chars(s)
  for i, c in ipairs(list) do list[i] = i == 1 and M.upper(c) or M.lower(c) end
  return table.concat(list)
end

--- As str.title: each run of letters begins with a capital.
function M.title(s)
  local list, inside = M.chars(s), false
  for i, c in ipairs(list) do
    list[i] = inside and M.lower(c) or M.upper(c)
    inside = is_cased(c)
  end
  return table.concat(list)
end

--- As Jinja's filter `title`: words are what white space, hyphens and brackets part.
function M.title_words(s)
  local list, inside = M.chars(s), false
  for i, c in ipairs(list) do
    list[i] = inside and M.lower(c) or M.upper(c)
    inside = not (spaces[c] or c:find("^[-({%[<]$"))
  end
  return table.concat(list)
end

--- Has letters, and no letter is of the other case.
function M.is_upper(s) return M.upper(s) == s and M.lower(s) ~= s end
function M.is_lower(s) return M.lower(s) == s and M.upper(s) ~= s end

--- Lines without their ends, as str.splitlines; with_ends keeps them.
function M.lines(s, with_ends)
  local list, at = {}, 1
  while at <= #s do
    local first = s:find("[\n\r\v\f\x1c-\x1e]", at)
    if not first then
      list[#list + 1] = s:sub(at)
      break
    end
    local last = s:sub(first, first + 1) == "\r\n" and first + 1 or first
    list[#list + 1] = s:sub(at, with_ends and last or first - 1)
    at = last + 1
  end
  return list
end

return M
