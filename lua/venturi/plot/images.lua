--- Pictures side by side as one PNG.
local vt = require "venturi"

local M = {}

--- images(x, { columns = , scale = 1, gap = 2, low = 0, high = 1 }): x [n, c, h, w] with c 1 or 3, u8 or numbers from low to high; a PNG file's bytes. Every pixel is
-- scale x scale; NaN is black.
function M.images(x, options)
  local opt = vt.options("plot.images", { columns = false, scale = 1, gap = 2, low = 0, high = 1 }, options)
  if not vt.is_tensor(x) then error("plot.images: a tensor is needed, got " .. type(x), 2) end
  for name, least in pairs{ columns = 1, scale = 1, gap = 0 } do
    local v = opt[name]
    if v and (math.type(v) ~= "integer" or v < least or v > 1000000) then error(("plot.images: %s must be an integer of %d or more"):format(name, least), 2) end
  end
  if opt.high ~= opt.high or opt.low ~= opt.low or opt.high <= opt.low then error("plot.images: high must be above low", 2) end
  if x.ndim ~= 4 or x.shape[2] ~= 1 and x.shape[2] ~= 3 then
    error(("plot.images: pictures are [n, 1 or 3, h, w], not [%s]"):format(table.concat(x.shape, ",")), 2)
  end
  local n, c, h, w = table.unpack(x.shape)
  if n < 1 or h < 1 or w < 1 then error("plot.images: no picture", 2) end
  local columns = math.min(n, opt.columns or math.ceil(math.sqrt(n)))
  local rows = (n + columns - 1) // columns
  return vt.no_grad(function()
    local p = x:detach()
    if p.dtype ~= "u8" then
      p = ((p:cast("f32") - opt.low) * (255 / (opt.high - opt.low))):clamp{ min = 0, max = 255 }
      p = vt.op.where(p:isnan(), vt.tensor(0.0), p):round():cast("u8")
    end
    if rows * columns > n then p = vt.op.cat({ p, vt.full({ rows * columns - n, c, h, w }, 255, { dtype = "u8" }) }, { dim = 1 }) end
    p = p:unsqueeze{ dim = 4 }:unsqueeze{ dim = 6 }:expand{ rows * columns, c, h, opt.scale, w, opt.scale }:reshape{ rows * columns, c, h * opt.scale, w * opt.scale }
    local g = opt.gap
    p = p:pad{ pads = { 0, g, 0, g }, value = 255 } -- right of and below each
    local ph, pw = p.shape[3], p.shape[4]
    p = p:reshape{ rows, columns, c, ph, pw }:permute{ 1, 4, 2, 5, 3 }:reshape{ rows * ph, columns * pw, c }
    p = p:slice{ dim = 1, stop = math.max(rows * ph - g, 1) }:slice{ dim = 2, stop = math.max(columns * pw - g, 1) }:copy()
    return vt.png.encode(p.shape[2], p.shape[1], c, p:tostring_bytes())
  end)
end

return M
