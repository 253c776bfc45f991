--- Web pages in one file: no scripts, nothing fetched, light or dark as the reader's system is. Text from outside always goes through M.text.
-- Not here: charts (venturi.plot).
local M = {}

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- Text for a page: escaped, control characters taken out, bytes that are not UTF-8 replaced.
function M.text(text)
  text = tostring(text)
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", "?") end
  return (text:gsub("[%z\1-\8\11\12\14-\31\127]", ""):gsub("[&<>\"']", entities))
end

--- The beginning of a text: at most n characters, cut between words where that leaves most of them.
function M.opening(text, n)
  text = text:gsub("%s+", " "):gsub("^ ", "")
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", "?") end
  if utf8.len(text) <= n then return text end
  local cut = text:sub(1, utf8.offset(text, n + 1) - 1)
  local word = cut:match("^(.*)%s")
  return (word and #word > #cut // 2 and word or cut) .. "\u{2026}"
end

local letters = {}
for i = 0, 63 do letters[i] = ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"):sub(i + 1, i + 1) end

--- Bytes in base 64.
function M.base64(bytes)
  local out = {}
  for i = 1, #bytes - 2, 3 do
    local a, b, c = bytes:byte(i, i + 2)
    out[#out + 1] = letters[a >> 2] .. letters[(a & 3) << 4 | b >> 4] .. letters[(b & 15) << 2 | c >> 6] .. letters[c & 63]
  end
  local a, b = bytes:byte(#bytes - #bytes % 3 + 1, #bytes)
  if b then
    out[#out + 1] = letters[a >> 2] .. letters[(a & 3) << 4 | b >> 4] .. letters[(b & 15) << 2] .. "="
  elseif a then
    out[#out + 1] = letters[a >> 2] .. letters[(a & 3) << 4] .. "=="
  end
  return table.concat(out)
end

--- The source of an <img> that holds a PNG file.
function M.png(bytes)
  return "data:image/png;base64," .. M.base64(bytes)
end

local frame = [[
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<style>
:root { color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1c2127; --soft: #626b77; --line: #dde1e7; --accent: #2f6fde; }
@media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1d2126; --ink: #e6e9ed; --soft: #98a2af; --line: #333a43; --accent: #7aa5f5; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .75rem; }
p { margin: .25rem 0; }
.soft { color: var(--soft); font-size: .875rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; overflow-wrap: anywhere; }
svg { display: block; width: 100%%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
svg .rule { stroke: var(--line); stroke-width: 1; }
svg .paper { fill: var(--card); }
svg .edge { stroke: var(--ink); }
svg .accent { stroke: var(--accent); }
svg .dot { fill: var(--accent); }
%s</style>
</head>
<body>
%s
</body>
</html>
]]

--- A whole page.
-- @tparam string title plain text
-- @tparam string style rules beside the page's own
-- @tparam string body HTML
function M.frame(title, style, body)
  return frame:format(M.text(title), style, body)
end

return M
