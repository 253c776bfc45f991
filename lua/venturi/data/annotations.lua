--- Unicode CLDR's annotations: the names and keywords of emoji in a language.
-- Not here: XML in general; these files have one element that matters.
local vt = require "venturi"

local M = {}

local entities = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

local function plain(text)
  return (text:gsub("&(#?)(x?)(%w+);", function(sharp, x, name)
    if sharp == "" then return entities[x .. name] end
    local codepoint = tonumber(name, x == "" and 10 or 16)
    return codepoint and codepoint <= 0x10ffff and utf8.char(codepoint) or nil
  end))
end

local VARIATION = "\u{FE0F}" -- asks for the coloured form; says nothing about the thing

--- Key of a sequence of code points.
-- @tparam table codepoints list of integers
function M.key(codepoints)
  return (utf8.char(table.unpack(codepoints)):gsub(VARIATION, ""))
end

--- Adds what a file says to a table of { name =, keywords = list } by sequence, without U+FE0F.
-- @tparam string xml common/annotations/en.xml, or common/annotationsDerived/en.xml
-- @tparam[opt] table into
function M.read(xml, into)
  into = into or {}
  if not xml:find("<annotations>", 1, true) then vt.fail("VT_ERR_FORMAT", "annotations: not a file of CLDR's annotations") end
  for attributes, content in xml:gmatch("<annotation ([^>]*)>([^<]*)</annotation>") do
    local key = plain(attributes:match('cp="([^"]*)"') or ""):gsub(VARIATION, "")
    if key ~= "" then
      local entry = into[key] or {}
      into[key] = entry
      if attributes:find('type="tts"', 1, true) then
        entry.name = plain(content)
      else
        entry.keywords = {}
        for word in (plain(content) .. " | "):gmatch("(.-) | ") do entry.keywords[#entry.keywords + 1] = word end
      end
    end
  end
  return into
end

return M
