--- What is in a small picture: names of emoji and words, by the net in models/.
--- venturi run scripts/examples/emoji.lua PICTURE... [--model models/emoji-judge.graph] [--top 5] [--out page.html]
-- A PICTURE is a PNG or JPEG file, a code point (1F42F, U+1F42F; sequences 2764-200D-1F525) or the emoji itself; pictures of code points come from Noto, which
-- `venturi data fetch emoji` brings. --out: a page with the pictures and what was said.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
local vt = require "venturi"
local page = vt.page

local opt = { model = here .. "/../../models/emoji-judge.graph", top = 5 }
local asked, i = {}, 1
while arg[i] do
  local name = arg[i]:match "^%-%-(.+)$"
  if not name then
    asked[#asked + 1] = arg[i]
  elseif (name == "out" or opt[name]) and arg[i + 1] then
    i = i + 1
    opt[name] = name == "top" and (math.tointeger(tonumber(arg[i])) or error("--top needs a whole number", 0)) or arg[i]
  else
    error(("unknown option '%s'"):format(arg[i]), 0)
  end
  i = i + 1
end
if #asked == 0 then error("emoji.lua: no picture; give a PNG file or a code point such as 1F42F", 0) end

local judge = vt.judge(opt.model)

-- "1F42F" of a code point as people write it; nil where it is none.
local function code_of(text)
  local list = {}
  if utf8.len(text) and not text:find "[%w./]" then -- the emoji itself
    for _, c in utf8.codes(text) do
      if c ~= 0xfe0f then list[#list + 1] = ("%04X"):format(c) end
    end
  elseif text:upper():gsub("U%+", ""):match "^%x%x%x%x%x?[-%x]*$" then
    for digits in text:upper():gsub("U%+", ""):gmatch "%x+" do list[#list + 1] = ("%04X"):format(tonumber(digits, 16)) end
  end
  return #list > 0 and table.concat(list, "-") or nil
end

local noto
local function picture_of(text)
  local file = io.open(text, "rb")
  if file then
    local bytes = file:read "a"
    file:close()
    return judge:read(bytes), text
  end
  local code = code_of(text) or error(("%s: no such file, and no code point"):format(text), 0)
  if not vt.data.fetch.is_here "emoji" then
    error(("%s: pictures of code points are not here; `venturi data fetch emoji` brings them"):format(text), 0)
  end
  noto = noto or vt.data.load("emoji", { source = "noto" })
  for k, it in ipairs(noto.items) do
    if it.code == code then return noto.fields.x[{ { k, k } }]:cast "f32" / 255, ("%s, %s"):format(code, it.name) end
  end
  error(("%s: Noto has no picture of %s that has a name"):format(text, code), 0)
end

local cards = {}
for k, text in ipairs(asked) do
  local x, title = picture_of(text)
  local said = judge:tell(x, { names = opt.top, words = opt.top })[1]
  print(title)
  local rows = {}
  for j, it in ipairs(said.names) do
    print(("  %5.1f %%  %s"):format(100 * it.p, it.name))
    rows[j] = ('<tr><td><svg viewBox="0 0 100 10" width="100"><rect class="dot" width="%.1f" height="10"/></svg></td><td>%.1f %%</td><td>%s</td></tr>')
      :format(100 * it.p, 100 * it.p, page.text(it.name))
  end
  local words = {}
  for j, it in ipairs(said.words) do words[j] = ("%s %.0f %%"):format(it.word, 100 * it.p) end
  print("  words: " .. table.concat(words, ", "))
  cards[k] = ('<div class="card"><img src="%s" width="96" height="96" alt=""><p><b>%s</b></p><table>%s</table><p class="soft">%s</p></div>')
    :format(page.png(vt.plot.images(x, { scale = 3 })), page.text(title), table.concat(rows), page.text(table.concat(words, ", ")))
end

if opt.out then
  local file = assert(io.open(opt.out, "w"))
  file:write(page.frame("What is in these pictures",
    ".cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; } img { image-rendering: pixelated; }",
    '<h1>What is in these pictures</h1><div class="cards">' .. table.concat(cards) .. "</div>"))
  file:close()
  print("page: " .. opt.out)
end
