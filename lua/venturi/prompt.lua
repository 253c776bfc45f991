--- Prompts: templates, numbered passages, and fitting them into a budget of tokens.
local M = {}

--- Text of others made harmless: nothing in it reads as a special token such as <|im_end|>.
function M.plain(text)
  return (text:gsub("<|", "< |"))
end

--- Replaces ${name} by values[name]; a name without a value is an error.
function M.fill(template, values)
  return (template:gsub("%${([%w_]+)}", function(name)
    local value = values[name]
    if value == nil then error(("prompt.fill: no value for '%s'"):format(name), 3) end
    return tostring(value)
  end))
end

--- "[1] title\ntext" for each passage, with an empty line between.
function M.numbered(passages)
  local parts = {}
  for i, p in ipairs(passages) do
    parts[i] = ("[%d] %s\n%s"):format(i, M.plain(p.title), M.plain(p.text))
  end
  return table.concat(parts, "\n\n")
end

-- The longest run of whole words from the start that `fits`, found by halving; nil when not even `least` words do.
local function cut(text, least, fits)
  local ends = {}
  for stop in text:gmatch("%S+()") do ends[#ends + 1] = stop - 1 end
  local low, high = 0, #ends
  while low < high do
    local middle = (low + high + 1) // 2
    if fits(text:sub(1, ends[middle])) then low = middle else high = middle - 1 end
  end
  return low >= least and text:sub(1, ends[low]) or nil
end

--- The best passages that fit into a budget, best first. The first that does not fit whole is cut at a word, and nothing follows it.
-- @tparam function count text -> tokens
-- @tparam table passages list of { title, text, ... }
-- @tparam integer budget tokens
-- @tparam[opt=20] integer least words that a cut passage must keep
-- @treturn table list of copies
function M.fit(count, passages, budget, least)
  local kept, used = {}, 0
  for i, passage in ipairs(passages) do
    local function size(text) return count(("[%d] %s\n%s\n\n"):format(i, passage.title, text)) end
    local copy = {}
    for key, value in pairs(passage) do copy[key] = value end
    local whole = size(passage.text)
    if used + whole <= budget then
      kept[#kept + 1], used = copy, used + whole
    else
      copy.text = cut(passage.text, least or 20, function(text) return used + size(text) <= budget end)
      if copy.text then kept[#kept + 1] = copy end
      break
    end
  end
  return kept
end

return M
