--- Sections of a document to passages: of bounded length, each under the path of its headings, nothing said twice.
-- A section that is too long is split between paragraphs, a paragraph between sentences, a sentence between words, in this order.
local M = {}

--- Number of words, as a reader counts them: runs of what is not space.
function M.count(text)
  local n = 0
  for _ in text:gmatch("%S+") do n = n + 1 end
  return n
end

local function paragraphs(text)
  local list = {}
  for part in (text:gsub("\r\n?", "\n") .. "\n\n"):gmatch("(.-)\n%s*\n") do
    if part:find("%S") then list[#list + 1] = part end
  end
  return list
end

--- Sentences of a text: each ends with . ! or ?, perhaps a closing quote or bracket, and space.
function M.sentences(text)
  local list, start = {}, 1
  for stop, next_start in text:gmatch("()[.!?]+[\"')%]]*%s+()") do
    local _, last = text:find("^[.!?]+[\"')%]]*", stop)
    list[#list + 1] = text:sub(start, last)
    start = next_start
  end
  if start <= #text then list[#list + 1] = text:sub(start) end
  return list
end

local function words(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

-- Ways to cut, coarse to fine, and what stands between two parts when they are put together again.
local levels = {
  { cut = paragraphs, joint = "\n\n" },
  { cut = M.sentences, joint = " " },
  { cut = words, joint = " " },
}

-- Fills pieces up to `max` words, evenly: a text of 1.1 times `max` becomes two halves, not a piece and a crumb that would outrank it by
-- being short. A part that is longer on its own is cut by the next finer way.
local function pack(text, max, level, out)
  local total = M.count(text)
  local target = math.ceil(total / math.max(1, math.ceil(total / max)))
  local held, n = {}, 0
  local function flush()
    if n > 0 then out[#out + 1] = table.concat(held, levels[level].joint) end
    held, n = {}, 0
  end
  for _, part in ipairs(levels[level].cut(text)) do
    local size = M.count(part)
    if n >= target or n + size > max then flush() end
    if size > max then
      pack(part, max, level + 1, out)
    else
      held[#held + 1], n = part, n + size
    end
  end
  flush()
  return out
end

--- Splits a text into pieces of at most max_words words.
function M.split(text, max_words)
  if math.type(max_words) ~= "integer" or max_words < 1 then error("chunk.split: max_words must be an integer >= 1", 2) end
  return pack(text, max_words, 1, {})
end

--- Passages of a sectioned document.
-- @tparam table sections what vt.sections gives: list of { level, title, text }
-- @tparam table opt { max_words = integer (180), joint = string (" > ") between the headings of a path }
-- @treturn table list of { title = path of headings, text = ... }; a heading without a body gives none
function M.passages(sections, opt)
  opt = opt or {}
  for key in pairs(opt) do
    if key ~= "max_words" and key ~= "joint" then error(("chunk.passages: unknown option '%s'"):format(key), 2) end
  end
  local max, joint = opt.max_words or 180, opt.joint or " > "
  local path, list = {}, {}
  for _, section in ipairs(sections) do
    while #path > 0 and path[#path].level >= section.level do path[#path] = nil end
    if section.title ~= "" then path[#path + 1] = section end
    local titles = {}
    for i, s in ipairs(path) do titles[i] = s.title end
    for _, text in ipairs(M.split(section.text, max)) do
      list[#list + 1] = { title = table.concat(titles, joint), text = text }
    end
  end
  return list
end

return M
