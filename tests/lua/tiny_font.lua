--- Makes colour fonts of a few hundred bytes: as many glyphs as pictures given, one code point each. Parts can be replaced to make them wrong.
local M = {}

--- @tparam table glyphs list of { codepoint, png }, ascending
-- @tparam[opt] table change { image_format, index_format, last_glyph, end_offset, groups, tables = function(list of { tag, content }) }
function M.make(glyphs, change)
  change = change or {}
  local data, offsets = { (">I2I2"):pack(3, 0) }, {}
  local at = 4
  for i, g in ipairs(glyphs) do
    offsets[i] = at - 4
    data[i + 1] = (">BBbbB"):pack(1, 1, 0, 0, 1) .. (">s4"):pack(g.png)
    at = at + #data[i + 1]
  end
  offsets[#glyphs + 1] = change.end_offset or at - 4
  local long = {}
  for i, offset in ipairs(offsets) do long[i] = (">I4"):pack(offset) end
  local subtable = (">I2I2I4"):pack(change.index_format or 1, change.image_format or 17, 4) .. table.concat(long)
  local array = (">I2I2I4"):pack(1, change.last_glyph or #glyphs, 8) .. subtable
  local strike = (">I4I4I4I4"):pack(56, #array, 1, 0) .. ("\0"):rep(24) .. (">I2I2BBBb"):pack(1, #glyphs, 109, 109, 32, 1)
  local cblc = (">I2I2I4"):pack(3, 0, 1) .. strike .. array

  local groups = change.groups
  if not groups then
    groups = {}
    for i, g in ipairs(glyphs) do groups[i] = { g.codepoint, g.codepoint, i } end
  end
  local packed = {}
  for i, g in ipairs(groups) do packed[i] = (">I4I4I4"):pack(g[1], g[2], g[3]) end
  local cmap = (">I2I2I2I2I4"):pack(0, 1, 3, 10, 12) .. (">I2I2I4I4I4"):pack(12, 0, 16 + 12 * #groups, 0, #groups) .. table.concat(packed)

  local tables = { { "CBDT", table.concat(data) }, { "CBLC", cblc }, { "cmap", cmap } }
  if change.tables then change.tables(tables) end
  local head, body = (">I4I2I2I2I2"):pack(0x00010000, #tables, 0, 0, 0), ""
  for _, t in ipairs(tables) do
    head = head .. (">c4I4I4I4"):pack(t[1], 0, 12 + 16 * #tables + #body, #t[2])
    body = body .. t[2]
  end
  return head .. body
end

return M
