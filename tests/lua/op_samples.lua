--- Samples of operations (gradcheck_samples/init.lua says what one is) as tensors and a function.
local vt = require "venturi"
local families = require "gradcheck_samples.init"

local M = {}

--- All samples: op -> list.
function M.load()
  local all = {}
  for _, family in ipairs(families) do
    for op, samples in pairs(require("gradcheck_samples." .. family)) do
      if all[op] then error(("samples of %s are in two files"):format(op), 0) end
      all[op] = samples
    end
  end
  return all
end

local function numbers(spec, n, seed)
  local lo, hi = (spec.range or { -1, 1 })[1], (spec.range or { -1, 1 })[2]
  local x = n > 0 and vt.random.uniform(seed, n) or {}
  if spec.distinct then
    local order = {}
    for i = 1, n do order[i] = i end
    table.sort(order, function(a, b) return x[a] < x[b] end)
    for rank, i in ipairs(order) do x[i] = (rank - 0.5) / n end
  end
  for i = 1, n do
    x[i] = lo + (hi - lo) * x[i]
    if spec.away and math.abs(x[i] - spec.away[1]) < spec.away[2] then
      x[i] = spec.away[1] + (x[i] < spec.away[1] and -1 or 1) * (spec.away[2] + math.abs(x[i] - spec.away[1]))
    end
  end
  return x
end

-- Extents of the leaf of which the operation sees a view.
local function stored(spec)
  local shape = table.move(spec.shape, 1, #spec.shape, 1, {})
  local n = #shape
  if spec.layout == "transposed" then shape[n - 1], shape[n] = shape[n], shape[n - 1] end
  if spec.layout == "strided" then shape[n] = 2 * shape[n] end
  return shape
end

local function view(spec, t)
  if spec.layout == "transposed" then return t:transpose() end
  if spec.layout == "strided" then return t:slice{ dim = #spec.shape, start = 0, stop = 2 * spec.shape[#spec.shape], step = 2 } end
  if spec.layout then error("no layout is called " .. spec.layout, 0) end
  return t
end

local function leaf(spec, seed)
  local dtype, shape = spec.dtype or "f64", stored(spec)
  if spec.value then return vt.tensor(spec.value, { dtype = dtype }) end
  local n = 1
  for _, extent in ipairs(shape) do n = n * extent end
  return vt.tensor(numbers(spec, n, seed), { dtype = "f64" }):reshape(shape)
end

--- The leaves of a sample as a list with n, and a function of them that runs the operation.
function M.make(op, sample, seed)
  local leaves, places = { n = 0 }, {}
  local function add(spec)
    if not spec then return false end
    if spec.list then
      local list = { list = true }
      for i, item in ipairs(spec.list) do list[i] = add(item) end
      return list
    end
    if spec.value then spec.shape = vt.tensor(spec.value, { dtype = spec.dtype or "f64" }).shape end
    local place = { spec = spec, at = leaves.n + 1 }
    for _ = 1, spec.dtype == "c128" and not spec.value and 2 or 1 do
      leaves.n = leaves.n + 1
      leaves[leaves.n] = leaf(spec, seed + leaves.n)
    end
    place.n = leaves.n - place.at + 1
    if spec.dtype and spec.dtype ~= "f64" and place.n == 1 then leaves[leaves.n] = vt.tensor(leaves[leaves.n], { dtype = spec.dtype }) end
    return place
  end
  for i, spec in ipairs(sample.inputs) do places[i] = add(spec) end

  local function take(place, given)
    if not place then return nil end
    if place.list then
      local list = {}
      for i, p in ipairs(place) do list[i] = take(p, given) end
      return list
    end
    local t = given[place.at]
    if place.n == 2 then t = vt.op.complex(t, given[place.at + 1]) end
    return view(place.spec, t)
  end

  local function call(...)
    local args = table.pack(...)
    args[args.n + 1] = sample.attrs
    return vt.op[op](table.unpack(args, 1, args.n + 1))
  end

  return leaves, function(...)
    local given, args = table.pack(...), {}
    for i, place in ipairs(places) do args[i] = take(place, given) end
    if sample.wrap then return sample.wrap(call, table.unpack(args, 1, #places)) end
    return call(table.unpack(args, 1, #places))
  end
end

return M
