--- attn_*: attention of plain arrays: o, and lse where null means -infinity. Tensors in f64 and f32, with gradients; and the kernel of language models,
-- forward only, where it can: it knows neither slopes (ALiBi) nor masks of blocks. attn_merge: attention to pieces of the keys, and to all of them.
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

---- tensors ----

local TENS = 1e-9 -- the files have ten digits

local function tensor(x, dtype, ...)
  return vt.tensor(x, { dtype = dtype }):reshape{ ... }
end

local function flat(t) return t:reshape{ -1 }:totable() end

local function tensors(file, case, dtype)
  local get = function(key) return file.get(case, key) end
  local B, H, HK, rows, N, D = case.B, case.H, case.HK or case.H, case.M, case.N, case.D
  local q, k, v = tensor(case.q, dtype, B, H, rows, D), tensor(case.k, dtype, B, HK, N, D), tensor(case.v, dtype, B, HK, N, D)
  for _, t in ipairs{ q, k, v } do t.requires_grad = true end
  local window, block = get("window") or { -1, -1 }, get("block")
  local slopes, mask = get("alibi_slopes"), get("block_mask")
  local o, lse = vt.op.attention(q, k, v, nil, slopes and vt.tensor(slopes, { dtype = dtype }), mask and vt.tensor(mask, { dtype = "bool" }), nil, nil,
    { scale = case.scale, causal = get("causal") or false, left = window[1], right = window[2], softcap = get("softcap") or 0, block = block })
  local tol, scores, report = get("tol_fp32") or file.get(file.data, "tol_fp32") or {}, largest(case.lse), file.report
  local function allowed(key, default, size)
    return dtype == "f64" and TENS * math.max(1, size) or (tol[key] or default) + ROUNDING * scores * math.max(1, size)
  end
  report:close("o", flat(o), case.o, allowed("o", 2e-6, largest(case.o)))
  compare_lse(report, flat(lse), case.lse, dtype == "f64" and TENS or tol.lse or 2e-6)
  if not get("do") then return end
  local grads = vt.gradients({ o }, { q, k, v }, { grads = { tensor(case["do"], dtype, B, H, rows, D) } })
  for i, key in ipairs{ "dq", "dk", "dv" } do report:close(key, flat(grads[i]), case[key], allowed("grads", 1e-5, largest(case[key]))) end
end

---- pieces ----

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
  file.report:case("the pieces of the file merged", function()
    local o, lse
    for _, want in ipairs(data.partials) do
      local o2, lse2 = tensor(want.o, "f64", B, H, m, D), tensor(want.lse, "f64", B, H, m)
      if o then o, lse = vt.op.attention_merge(o, lse, o2, lse2) else o, lse = o2, lse2 end
    end
    file.report:close("o", flat(o), data.o, TENS * math.max(1, largest(data.o)))
    compare_lse(file.report, flat(lse), data.lse, TENS)
  end)
end

function M.check(file)
  if not file.get(file.data, "cases") then return check_merge(file) end
  for i, case in ipairs(file.data.cases) do
    local name = ("case %d"):format(i - 1)
    for _, dtype in ipairs{ "f64", "f32" } do
      file.report:case(("%s, tensors of %s"):format(name, dtype), function() tensors(file, case, dtype) end)
    end
    if not file.get(case, "alibi_slopes") and not file.get(case, "block_mask") then
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
