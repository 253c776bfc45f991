--- Random programs of the operations of the table, on random extents, types, layouts and attributes. Most attributes and extents do not fit, and the
-- refusal is compared like a result. The same programs give the same bits on the second device, with one thread and with three; operations by
-- themselves give the same as the reference kernels within a eps n.
-- VT_RANDOM_OUT names a file: then this is the child that writes the results there.
local vt = require "venturi"
local op_table = vt.ops()

local out_path = os.getenv("VT_RANDOM_OUT")
local N_PROGRAMS = os.getenv("VT_CI_FULL") == "1" and 10000 or 300
local STEPS, MOST = 8, 1000000

-- Operations whose result is much larger than their inputs by nature.
local grows = { outer = true, einsum = true, tile = true, expand = true, unfold = true, diag_embed = true, diagonal_grad = true, one_hot = true }

local function pick(list) return list[math.random(#list)] end
local function chance(p) return math.random() < p end

-- ---- leaves ----

local dtypes = { "f64", "f64", "f64", "f32", "f32", "f32", "f32", "f16", "bf16", "i64", "i32", "i8", "u8", "bool", "bool", "c64", "c128" }
local small = { {}, { 1 }, { 3 }, { 0 }, { 2, 3 }, { 3, 3 }, { 1, 3 }, { 3, 1 }, { 2, 3, 3 }, { 2, 1, 3 }, { 1, 2, 4, 3 }, { 2, 2, 3, 3 }, { 2, 0, 3 } }
local large = { { 65, 700 }, { 40000 }, { 700, 65 }, { 1, 700 }, { 2, 3, 60, 70 } }

local function number(dtype)
  if dtype == "bool" then return chance(0.5) end
  if dtype == "u8" then return math.random(0, 3) end
  if dtype:find("^i") then return math.random(-3, 3) end
  if dtype:find("^c") then return { 4 * math.random() - 2, 4 * math.random() - 2 } end
  if chance(0.01) then return pick{ 0.0, -0.0, 1 / 0, -1 / 0, 0 / 0, 1e-30, 1e30 } end
  return 4 * math.random() - 2
end

local function leaf(shapes, device)
  local dtype, shape = pick(dtypes), pick(shapes)
  local n = 1
  for _, extent in ipairs(shape) do n = n * extent end
  local values = {}
  for i = 1, n do values[i] = number(dtype) end
  local t = vt.tensor(values, { dtype = dtype, device = device }):reshape(shape)
  if dtype:find("^[fc]") and chance(0.5) then t.requires_grad = true end
  local layout = math.random()
  if #shape >= 2 and layout < 0.3 then return t, t:transpose() end
  if #shape >= 1 and layout < 0.5 then return t, t:slice{ dim = -1, start = 0, step = 2 } end
  return t, t
end

-- ---- calls ----

local function integers(n, lo, hi)
  local list = {}
  for i = 1, n do list[i] = math.random(lo, hi) end
  return list
end

local makers = {
  int = function() return math.random(-2, 3) end,
  float = function() return pick{ 0, 0.5, 1, 2, -1 } end,
  bool = function() return chance(0.5) end,
  dim = function(n) return chance(0.5) and math.random(1, math.max(1, n)) or -math.random(1, math.max(1, n)) end,
  dims = function(n)
    local list = {}
    for d = 1, n do if chance(0.5) then list[#list + 1] = d end end
    return list
  end,
  ints = function(n) return chance(0.3) and math.random(0, 3) or integers(chance(0.7) and n or math.random(0, 4), chance(0.2) and -1 or 0, 3) end,
  dtype = function() return pick(dtypes) end,
  text = function() return pick{ "ij,jk->ik", "ij->ji", "i,i->", "bij,bjk->bik", "ij->", "x" } end,
}

local function attributes(op, n_dims)
  local list, some = {}, false
  for name, kind, rest in op.attrs:gmatch("([%w_]+):(%a+)(%S*)") do
    if not rest:find("[=?]") or chance(0.5) then
      some = true
      local choices = rest:match("^%((.-)%)")
      if kind == "enum" then
        local all = {}
        for choice in choices:gmatch("[^,]+") do all[#all + 1] = choice end
        list[name] = pick(all)
      else
        list[name] = makers[kind](n_dims)
      end
    end
  end
  return some and list or nil
end

-- A bound on what the operation may make, before it is tried.
local function fits(op, args)
  local extents, count = {}, 0
  for _, t in ipairs(args) do
    local shape = t.shape
    for d = 1, #shape do
      local at = #shape - d + 1
      extents[d] = math.max(extents[d] or 1, shape[at])
    end
    count = math.max(count, t:count())
  end
  local product = 1
  for _, extent in ipairs(extents) do product = product * extent end
  return product <= MOST and not (count > 3000 and grows[op.name])
end

local function describe(op, args, attrs)
  local parts, said = {}, {}
  for i, t in ipairs(args) do parts[i] = ("%s[%s]"):format(t.dtype, table.concat(t.shape, ",")) end
  for name, value in pairs(attrs or {}) do said[#said + 1] = (" %s=%s"):format(name, type(value) == "table" and vt.json.encode(value) or tostring(value)) end
  table.sort(said) -- pairs has another order in every process
  return ("%s(%s)%s"):format(op.name, table.concat(parts, " "), table.concat(said))
end

-- One step: its account, the results (or none), the text of a refusal.
local function step(pool)
  local op = pick(op_table)
  local args, is_list = {}, op.inputs:find("%*") ~= nil
  local n = 0
  for input in op.inputs:gmatch("%S+") do
    if input:find("?", 1, true) and chance(0.7) then break end
    n = n + 1
    args[n] = pick(pool)
  end
  if is_list and chance(0.5) then args[#args + 1] = pick(pool) end
  local attrs = attributes(op, args[1] and args[1].ndim or 0)
  if not fits(op, args) then return nil end
  local text = describe(op, args, attrs)
  local results
  if chance(0.1) and args[1] and args[1][op.name .. "_"] and not is_list then
    text = "in place: " .. text
    results = table.pack(pcall(vt.no_grad, args[1][op.name .. "_"], table.unpack(table.move(args, 1, n, 1, { [n + 1] = attrs }), 1, n + 1)))
  elseif is_list then
    results = table.pack(pcall(vt.op[op.name], args, attrs))
  else
    results = table.pack(pcall(vt.op[op.name], table.unpack(table.move(args, 1, n, 1, { [n + 1] = attrs }), 1, n + 1)))
  end
  if results[1] then return text, table.pack(table.unpack(results, 2, results.n)), nil, args end
  return text, { n = 0 }, tostring(results[2]):gsub("^.-:%d+: ", ""), args
end

local function save(results, text, t)
  results[#results + 1] = { text = text, dtype = t.dtype, shape = table.concat(t.shape, ","), bytes = t:tostring_bytes() }
end

-- Gradients of the last result that has any.
local function differentiate(leaves, pool, results)
  for i = #pool, 1, -1 do
    local y = pool[i]
    if y.requires_grad and not y.is_leaf and y.dtype:find("^f") then
      local with = {}
      for _, t in ipairs(leaves) do if t.requires_grad then with[#with + 1] = t end end
      local ok, grads = pcall(vt.gradients, y, with, { grads = vt.op.cast(vt.ones(y.shape, { device = y.device }), y.dtype) })
      if not ok then
        results[#results + 1] = { text = "gradients", refused = tostring(grads):gsub("^.-:%d+: ", "") }
        return
      end
      for k = 1, #with do if grads[k] then save(results, "gradient " .. k, grads[k]) end end
      return
    end
  end
end

-- All results of the program number `seed`, in order.
local function program(seed, device, steps, shapes)
  math.randomseed(seed)
  local pool, leaves, results = {}, {}, {}
  for i = 1, 5 do
    leaves[i], pool[i] = leaf(shapes, device)
  end
  local most = 0
  for _ = 1, steps do
    local text, made, refused, args = step(pool)
    if refused then
      results[#results + 1] = { text = text, refused = refused }
    elseif made then
      for _, t in ipairs(args) do
        most = math.max(most, t:count())
      end
      for i = 1, made.n do
        save(results, text, made[i])
        if made[i]:count() <= MOST then pool[#pool + 1] = made[i] end
      end
    end
  end
  if steps > 1 then differentiate(leaves, pool, results) end
  return results, most
end

local function programs(device, steps, visit)
  for seed = 1, N_PROGRAMS do
    visit(seed, program(seed, device, steps, seed % 20 == 0 and large or small))
  end
end

-- ---- the child: results of this process, as strings ----

if out_path then
  local file = assert(io.open(out_path, "wb"))
  local steps = tonumber(os.getenv("VT_RANDOM_STEPS"))
  programs("cpu", steps, function(seed, results, most)
    for _, r in ipairs(results) do
      file:write(string.pack("<I4I4s4s4s4s4", seed, most, r.text, r.dtype or "", r.refused or r.shape, r.bytes or ""))
    end
  end)
  file:close()
  os.exit(0, true)
end

-- ---- the test ----

local support = require "support"
local test = support.test
local binary = os.getenv("VT_PROGRAM")
local folder = support.folder()

local function child(name, steps, environment)
  local path = folder .. "/" .. name
  local command = ("VT_RANDOM_OUT='%s' VT_RANDOM_STEPS=%d %s '%s' run '%s'"):format(path, steps, environment, binary, arg[0])
  assert(os.execute(command), command)
  return support.read(path)
end

-- Reads a child's file: seed, most, text, dtype, shape or refusal, bytes.
local function records(data)
  local at = 1
  return function()
    if at > #data then return nil end
    local seed, most, text, dtype, shape, bytes
    seed, most, text, dtype, shape, bytes, at = string.unpack("<I4I4s4s4s4s4", data, at)
    return { seed = seed, most = most, text = text, dtype = dtype, shape = shape, bytes = bytes }
  end
end

local function fail(r, what)
  error(("program %d: %s: %s"):format(r.seed, r.text, what), 0)
end

-- Calls compare(a, b) for the pairs of two files; returns how many there were, and how many were results.
local function both(a, b, compare)
  local next_a, next_b, n, made = records(a), records(b), 0, 0
  for x in next_a do
    local y = next_b()
    if not y or x.text ~= y.text or x.dtype ~= y.dtype or x.shape ~= y.shape then fail(x, "the runs part: " .. x.shape .. " or " .. (y and y.shape or "nothing")) end
    compare(x, y)
    n = n + 1
    if x.dtype ~= "" then made = made + 1 end
  end
  assert(not next_b(), "one run has more results")
  return n, made
end

local function same_bits(x, y)
  if x.bytes ~= y.bytes then fail(x, "other bits") end
end

local formats = { f32 = "<f", f64 = "<d", c64 = "<f", c128 = "<d" }
local eps = { f64 = 2.0 ^ -52, f32 = 2.0 ^ -23, c64 = 2.0 ^ -23, c128 = 2.0 ^ -52, f16 = 2.0 ^ -10, bf16 = 2.0 ^ -7 }

local function numbers(r)
  if r.dtype == "f16" or r.dtype == "bf16" then
    return vt.from_string(r.bytes, r.dtype, { #r.bytes // 2 }):cast("f64"):totable()
  end
  local list, format = {}, formats[r.dtype]
  for at = 1, #r.bytes, string.packsize(format) do list[#list + 1] = string.unpack(format, r.bytes, at) end
  return list
end

-- That of the coarsest type at hand: operations made of others compute in their inputs' types before they widen, with integers in f32.
local function roundoff(r)
  local most = eps[r.dtype]
  for dtype in r.text:gmatch("([%a]+%d+)%[") do most = math.max(most, eps[dtype] or eps.f32) end
  return r.text:find("bool[", 1, true) and math.max(most, eps.f32) or most
end

-- Within 32 eps n of the largest number of the result, n the elements of the largest input; infinities and NaN where the other has them.
local function close(x, y)
  if x.bytes == y.bytes then return end
  if not eps[x.dtype] then fail(x, "other integers") end
  local a, b = numbers(x), numbers(y)
  local scale = 1
  for i = 1, #a do if a[i] - a[i] == 0 then scale = math.max(scale, math.abs(a[i])) end end
  local gain = x.text:find("norm", 1, true) and 1000 or 1 -- 1 / sqrt(eps), where all numbers are alike
  local allowed = 32 * gain * roundoff(x) * math.max(1, x.most) * scale
  for i = 1, #a do
    local is_same = a[i] == b[i] or (a[i] ~= a[i] and b[i] ~= b[i]) or math.abs(a[i] - b[i]) <= allowed
    if not is_same then fail(x, ("element %d: %.17g, the reference %.17g"):format(i, a[i], b[i])) end
  end
end

test("programs give the same bits on the second device", function()
  local made = 0
  programs("cpu", STEPS, function(seed, want)
    local got = program(seed, "opaque", STEPS, seed % 20 == 0 and large or small)
    for i, w in ipairs(want) do
      local g = got[i] or {}
      if w.text ~= g.text or w.refused ~= g.refused or w.dtype ~= g.dtype or w.shape ~= g.shape or w.bytes ~= g.bytes then
        error(("program %d: %s: differs (%s, %s)"):format(seed, w.text, w.refused or w.shape, g.refused or g.shape), 0)
      end
      if w.bytes then made = made + 1 end
    end
  end)
  assert(made > N_PROGRAMS, "few operations were possible")
end)

if binary then
  test("programs give the same bits with one thread and with three", function()
    local _, made = both(child("one", STEPS, "VENTURI_THREADS=1"), child("three", STEPS, "VENTURI_THREADS=3"), same_bits)
    assert(made > N_PROGRAMS)
  end)

  test("operations give what the reference kernels give", function()
    both(child("fast", 1, "VENTURI_THREADS=1"), child("reference", 1, "VENTURI_THREADS=1 VT_ISA=ref"), close)
  end)
end

support.done()
