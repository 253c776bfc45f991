--- arith_coder, cachegen_full, cachegen_lmcache: tables, symbols and streams to the bit; decoded values.
local vt = require "venturi"
local x = vt.experimental

local M = {}

local TOL = 1e-6

local function hex(bytes) return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
local function unhex(text) return (text:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end)) end

local function slice(list, first, n) return table.move(list, first, first + n - 1, 1, {}) end

-- A stream of these symbols is the file's, and gives them back.
local function check_stream(report, what, cum, symbols, stream)
  report:same(what, hex(x.arith_encode{ cum = cum, symbols = symbols }), stream)
  report:same(what .. ", decoded", x.arith_decode{ cum = cum, bytes = unhex(stream), n = #symbols }, symbols)
end

local function check_coder(file)
  for i, case in ipairs(file.data.cases) do
    file.report:case(("case %d"):format(i), function()
      file.report:same("cum", x.codec_table{ counts = case.counts }, case.cum)
      check_stream(file.report, "stream", case.cum, case.symbols, case.stream)
    end)
  end
end

-- A plane: keys or values of one layer. Lists of the file are [2][L][T][C], [2][L][C] and so on, one plane behind the other.
local function check_plane(report, d, plane, layer)
  local n, groups = d.T * d.C, (d.T + d.group - 1) // d.group
  local bins, step = d.bins_by_third[math.min(3, 3 * layer // d.L + 1)], {}
  for c = 1, d.C do step[c] = bins * d.sigma[plane * d.C + c] end
  local scales, anchors, deltas, decoded = x.delta_quantise{ x = slice(d.x, plane * n + 1, n), step = step, group = d.group, most = d.M }
  report:close("scales", scales, slice(d.anchor_scale_f16, plane * groups + 1, groups), 0)
  report:same("anchors", anchors, slice(d.anchor_q, plane * groups * d.C + 1, groups * d.C))
  report:same("deltas", deltas, slice(d.delta_q, plane * n + 1, n))
  report:close("decoded", decoded, slice(d.xhat, plane * n + 1, n), TOL)
  for c = 1, d.C do
    local symbols = {}
    for t = 0, d.T - 1 do
      if t % d.group ~= 0 then symbols[#symbols + 1] = deltas[t * d.C + c] + d.M end
    end
    check_stream(report, ("stream %d"):format(c - 1), d.cum_delta[plane * d.C + c], symbols, d.streams_delta[plane * d.C + c])
  end
  local sum = 0
  for i, v in ipairs(decoded) do sum = sum + (v - d.x[plane * n + i]) ^ 2 end
  return sum
end

local function check_full(file)
  local d, sum = file.data, 0
  for plane = 0, 2 * d.L - 1 do
    local layer = plane % d.L
    file.report:case(("%s of layer %d"):format(plane < d.L and "keys" or "values", layer), function() sum = sum + check_plane(file.report, d, plane, layer) end)
  end
  file.report:case("rmse", function() file.report:close("rmse", math.sqrt(sum / #d.x), d.rmse, TOL) end)
end

-- The public implementations' table: counts below a symbol of 65535 - bins, and a ramp; its coder takes 65536 as the end.
local function public_table(symbols, bins)
  local below, cum = {}, {}
  for i = 1, bins + 1 do below[i] = 0 end
  for _, s in ipairs(symbols) do
    for i = s + 2, bins + 1 do below[i] = below[i] + 1 end
  end
  for i = 1, bins + 1 do cum[i] = (65535 - bins) * below[i] // #symbols + i - 1 end
  return cum
end

local function check_public(file)
  local d = file.data
  local n, bits, tables = d.T * d.C, 0, 0
  local quantised = {}
  for plane = 0, 2 * d.L - 1 do
    local _, symbols = x.token_quantise{ x = slice(d.x, plane * n + 1, n), channels = d.C, bins = d.bins[plane % d.L + 1] }
    quantised[plane] = symbols
  end
  for i, case in ipairs(d.cases) do
    file.report:case(("case %d"):format(i), function()
      local symbols = {}
      for t = 0, d.T - 1 do symbols[t + 1] = quantised[case.kv * d.L + case.layer][t * d.C + case.channel + 1] end
      file.report:same("symbols", symbols, case.symbols)
      local cum = public_table(symbols, d.Bmax)
      file.report:same("cum16", cum, case.cum16)
      cum[#cum] = 65536
      check_stream(file.report, "stream", cum, symbols, case.stream)
      bits, tables = bits + 4 * #case.stream, tables + 16 * #cum
    end)
  end
  file.report:case("sizes", function()
    file.report:same("stream_bits", bits, d.stream_bits)
    file.report:same("table_bits", tables, d.table_bits)
  end)
end

function M.check(file)
  if file.data.coder then check_coder(file)
  elseif file.data.bins_by_third then check_full(file)
  else check_public(file)
  end
end

return M
