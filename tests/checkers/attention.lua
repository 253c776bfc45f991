--- attn_*: attention of plain arrays, forward: o, and lse where null means -infinity. Gradients are not compared, and cases with slopes
-- (ALiBi) or a mask of blocks are skipped: this version has neither. attn_merge: attention to pieces of the keys, and to all of them.
local vt = require "venturi"

local M = {}

local function bound(...)
  local least
  for _, v in ipairs{ ... } do if v >= 0 and (not least or v < least) then least = v end end
  return least
end

-- Window distances of -1 are no bound; causal is right = 0.
local function run(case)
  local window = case.window or { -1, -1 }
  return vt.experimental.attention{ q = case.q, k = case.k, v = case.v, batch = case.B, heads = case.H, kv_heads = case.HK or case.H, queries = case.M,
    keys = case.N, dim = case.D, left = bound(window[1]), right = bound(window[2], case.causal and 0 or -1), scale = case.scale, softcap = case.softcap }
end

local ROUNDING = 2.0 ^ -22 -- two units in the last place of float32

local function largest(x)
  local most = 0
  for _, v in ipairs(x) do if v ~= vt.json.null then most = math.max(most, math.abs(v)) end end
  return most
end

local function compare_lse(report, got, want, tol)
  if #got ~= #want then error(("lse: %d values instead of %d"):format(#got, #want), 0) end
  for i = 1, #want do
    local what = ("lse[%d]"):format(i - 1)
    if want[i] == vt.json.null then report:holds(what .. " is -infinity", got[i] == -math.huge)
    else report:close(what, got[i], want[i], tol + ROUNDING * math.abs(want[i])) end
  end
end

-- The file's numbers are no float32: rounding them alone moves scores of 141 (attn_c) by 7e-6, and values in proportion.
local function compare(file, got, lse, want)
  local tol = file.get(file.data, "tol_fp32") or {}
  file.report:close("o", got, want.o, (tol.o or 2e-6) + ROUNDING * largest(want.lse) * largest(want.o))
  compare_lse(file.report, lse, want.lse, tol.lse or 2e-6)
end

-- Keys first..last-1 of arrays [heads, n, dim].
local function cut(x, n_heads, n, dim, first, last)
  local out = {}
  for h = 0, n_heads - 1 do table.move(x, (h * n + first) * dim + 1, (h * n + last) * dim, #out + 1, out) end
  return out
end

local function check_merge(file)
  local data = file.data
  local B, H, m, N, D = table.unpack(data.shape)
  local case = { q = data.q, B = B, H = H, M = m, D = D, scale = file.get(data, "scale") or 1 / math.sqrt(D) }
  local function part(name, first, last, want)
    file.report:case(name, function()
      case.k, case.v, case.N = cut(data.k, B * H, N, D, first, last), cut(data.v, B * H, N, D, first, last), last - first
      local o, lse = run(case)
      compare(file, o, lse, want)
    end)
  end
  for i, want in ipairs(data.partials) do part(("keys %d to %d"):format(data.splits[i], data.splits[i + 1]), data.splits[i], data.splits[i + 1], want) end
  part("all keys", 0, N, data)
end

function M.check(file)
  if not file.get(file.data, "cases") then return check_merge(file) end
  for i, case in ipairs(file.data.cases) do
    local name = ("case %d"):format(i - 1)
    if file.get(case, "alibi_slopes") or file.get(case, "block_mask") then
      file.report:skip(name)
    else
      file.report:case(name, function()
        local plain = {}
        for k in pairs(case) do plain[k] = file.get(case, k) end
        local o, lse = run(plain)
        compare(file, o, lse, case)
      end)
    end
  end
end

return M
