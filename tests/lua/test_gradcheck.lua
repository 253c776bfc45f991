--- The gradient of every operation of the table against central differences, at the points of gradcheck_samples; a second time where the table says
-- that gradients have gradients.
local vt = require "venturi"
local op_samples = require "op_samples"
local support = require "support"
local test, raises = support.test, support.raises

local all = op_samples.load()

test("a wrong gradient is found", function()
  local wrong = vt.custom{ forward = function(ctx, x) ctx.x = x return x * x end, backward = function(ctx, g) return g * ctx.x * 2.001 end }
  local x = vt.tensor({ 1, 2, 3 }, { dtype = "f64" })
  raises("first order: input 1, element 1", vt.gradcheck, wrong, { x })
  raises("direction 1", vt.gradcheck, wrong, { x }, { most = 2 })
  local lost = vt.custom{ forward = function(ctx, a) ctx.x = a return a * a end, backward = function(ctx, g) return g:detach() * ctx.x:detach() * 2 end }
  raises("second order", vt.gradcheck, lost, { x }, { second = true })
  assert(vt.gradcheck(function(a) return a * a end, { x }, { second = true }) < 1)
end)

local function has_layout(list)
  for _, spec in ipairs(list) do
    if spec and (spec.layout or (spec.list and has_layout(spec.list))) then return true end
  end
  return false
end

local function check(op, samples)
  local strided = false
  for i, sample in ipairs(samples) do
    strided = strided or has_layout(sample.inputs)
    local leaves, f = op_samples.make(op.name, sample, 100 * i)
    local ok, err = pcall(vt.gradcheck, f, leaves, { name = ("%s, sample %d"):format(op.name, i), second = op.gradient == 2,
      tol = sample.tol })
    if not ok then error(tostring(err), 0) end
  end
  assert(#samples >= 3, ("%s has %d samples, three are needed"):format(op.name, #samples))
  assert(strided, op.name .. ": no sample has an input with a layout")
end

for _, op in ipairs(vt.ops()) do
  if op.gradient > 0 then
    test("gradient of " .. op.name, function() check(op, all[op.name] or {}) end)
  end
  all[op.name] = nil
end

test("every sample is of an operation", function()
  local name = next(all)
  assert(not name, name and ("there is no operation %s"):format(name))
end)

support.done()
