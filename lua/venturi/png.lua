--- Small PNG files from packed bytes, uncompressed: for pictures of a few hundred pixels in pages and tests.
-- Not here: reading (vt.image), compression.
local M = {}

local crc_table = {}
for n = 0, 255 do
  local c = n
  for _ = 1, 8 do c = c & 1 == 1 and 0xedb88320 ~ (c >> 1) or c >> 1 end
  crc_table[n] = c
end

local function crc32(text)
  local c = 0xffffffff
  for i = 1, #text do c = crc_table[(c ~ text:byte(i)) & 255] ~ (c >> 8) end
  return c ~ 0xffffffff
end

local function adler32(text)
  local low, high = 1, 0
  for i = 1, #text do
    low = (low + text:byte(i)) % 65521
    high = (high + low) % 65521
  end
  return high << 16 | low
end

local function chunk(kind, content)
  return (">I4"):pack(#content) .. kind .. content .. (">I4"):pack(crc32(kind .. content))
end

local MOST_STORED = 65535 -- bytes of a stored block

local function stored(text)
  local blocks = {}
  for from = 1, #text, MOST_STORED do
    local block = text:sub(from, from + MOST_STORED - 1)
    local is_last = from + MOST_STORED > #text and 1 or 0
    blocks[#blocks + 1] = ("<BI2I2"):pack(is_last, #block, ~#block & 0xffff) .. block
  end
  return "\x78\x01" .. table.concat(blocks) .. (">I4"):pack(adler32(text))
end

local colour_types = { [1] = 0, [3] = 2, [4] = 6 } -- grey, RGB, RGBA

--- A PNG file.
-- @tparam integer width
-- @tparam integer height
-- @tparam integer channels 1 grey, 3 RGB, 4 RGBA
-- @tparam string data width * height * channels bytes, row by row
function M.encode(width, height, channels, data)
  local stride = width * channels
  if not colour_types[channels] then error("png: channels must be 1, 3 or 4", 2) end
  if width < 1 or height < 1 or #data ~= stride * height then
    error(("png: %d bytes are not a picture of %d x %d x %d"):format(#data, width, height, channels), 2)
  end
  local rows = {}
  for y = 0, height - 1 do rows[y + 1] = "\0" .. data:sub(y * stride + 1, (y + 1) * stride) end
  local head = (">I4I4BBBBB"):pack(width, height, 8, colour_types[channels], 0, 0, 0)
  return "\x89PNG\r\n\x1a\n" .. chunk("IHDR", head) .. chunk("IDAT", stored(table.concat(rows))) .. chunk("IEND", "")
end

return M
