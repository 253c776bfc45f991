--- Tensors in Lua: making them, operations and operators, types, in place, gradients.
local vt = require "venturi"
local support = require "support"
local test, equal, raises = support.test, support.equal, support.raises

local function values(t) return t:totable() end

-- ---- making ----

test("a tensor takes shape and type from the lists it is made of", function()
  local t = vt.tensor{ { 1, 2, 3 }, { 4, 5, 6 } }
  equal(t.shape, { 2, 3 })
  equal(t.dtype, "i64")
  equal(values(t), { { 1, 2, 3 }, { 4, 5, 6 } })
  equal(vt.tensor{ 1, 2.5 }.dtype, "f32")
  equal(vt.tensor({ 1, 2 }, { requires_grad = true }).dtype, "f32")
  equal(vt.tensor{ true, false }.dtype, "bool")
  equal(vt.tensor(7):item(), 7)
  equal(vt.tensor{}.shape, { 0 })
  equal(vt.tensor{ {}, {} }.shape, { 2, 0 })
end)

test("every type keeps its numbers", function()
  for _, dtype in ipairs{ "f64", "f32", "f16", "bf16", "i64", "i32", "i8" } do
    local t = vt.tensor({ 1, -2, 3 }, { dtype = dtype })
    equal(t.dtype, dtype)
    equal(values(t), { 1, -2, 3 }, dtype)
    equal(#t:tostring_bytes(), 3 * vt.dtype_size(dtype))
    equal(values(vt.from_string(t:tostring_bytes(), dtype, { 3 })), { 1, -2, 3 }, dtype)
  end
  equal(values(vt.tensor({ { 1, 2 }, { 3, -4 } }, { dtype = "c128" })), { { 1, 2 }, { 3, -4 } })
  equal(vt.tensor({ { 1, 2 }, { 3, -4 } }, { dtype = "c64" }).shape, { 2 })
  equal(values(vt.tensor({ 0, 1 }, { dtype = "bool" })), { false, true })
end)

test("numbers that a type does not have are refused", function()
  raises("tensor: 256 is no u8", vt.tensor, { 256 }, { dtype = "u8" })
  raises("tensor: 1.5 is no i32", vt.tensor, { 1.5 }, { dtype = "i32" })
  raises("a list of 2 is needed in dimension 2", vt.tensor, { { 1, 2 }, { 3 } })
  raises("a number is needed, got string", vt.tensor, { "1" })
  raises("there is no type 'f8'", vt.zeros, 2, { dtype = "f8" })
  raises("unknown option 'dtpye'", vt.zeros, 2, { dtpye = "f32" })
  raises("8 bytes for 3 elements of type f32", vt.from_string, "12345678", "f32", { 3 })
  raises("neither 0 nor 1", vt.from_string, "\2", "bool", { 1 })
end)

test("tensors by a rule", function()
  equal(values(vt.zeros(2, 2)), { { 0, 0 }, { 0, 0 } })
  equal(values(vt.ones({ 3 }, { dtype = "i32" })), { 1, 1, 1 })
  equal(values(vt.full({ 2 }, 2.5)), { 2.5, 2.5 })
  equal(vt.full({}, true):item(), true)
  equal(values(vt.arange(3)), { 0, 1, 2 })
  equal(values(vt.arange(5, 0, -2)), { 5, 3, 1 })
  equal(values(vt.arange(0, 1, 0.25, { dtype = "f64" })), { 0, 0.25, 0.5, 0.75 })
  equal(values(vt.linspace(0, 1, 5)), { 0, 0.25, 0.5, 0.75, 1 })
  equal(values(vt.linspace(3, 4, 1)), { 3 })
  equal(values(vt.eye(2, 3)), { { 1, 0, 0 }, { 0, 1, 0 } })
  equal(vt.zeros(0, 3).shape, { 0, 3 })
end)

test("tensors of eight dimensions, of complex numbers too", function()
  local deep, pair = 1, { 1, 2 }
  for _ = 1, 8 do deep, pair = { deep }, { pair } end
  equal(vt.tensor(deep).ndim, 8)
  equal(vt.tensor(pair, { dtype = "c64" }).ndim, 8)
  raises("deeper than 8", vt.tensor, { deep })
  raises("deeper than 9", vt.tensor, { pair }, { dtype = "c64" })
  equal(values(vt.arange((1 << 53) + 1, (1 << 53) + 4, 2)), { (1 << 53) + 1, (1 << 53) + 3 })
end)

test("random tensors are a function of their seed", function()
  local a = vt.rand(2, 3, { seed = 7, dtype = "f64", requires_grad = true })
  equal(a.shape, { 2, 3 })
  equal(a.requires_grad, true)
  equal(values(a), values(vt.rand({ 2, 3 }, { seed = 7, dtype = "f64" })))
  assert(vt.rand(8, { seed = 1, low = 2, high = 3 })[1]:item() >= 2)
  equal(vt.randint(4, { seed = 1, high = 1 }):totable(), { 0, 0, 0, 0 })
  equal(values((vt.randperm(5, { seed = 3 }):sort())), { 0, 1, 2, 3, 4 })
  equal(vt.randn(1000, { seed = 1 }):size(1), 1000)
  raises("option 'seed' is missing", vt.rand, 2, { low = 1 })
  raises("options with a seed are needed", vt.rand, 2)
  raises("uniform: no attribute 'sed'", vt.rand, 2, { seed = 1, sed = 2 })
end)

test("tensors go through files", function()
  local path = os.tmpname()
  os.remove(path)
  local x = vt.randn(2, 3, { seed = 1 })
  vt.save(path .. ".npy", x)
  equal(values(vt.load(path .. ".npy")), values(x))
  vt.save(path, { b = x, a = vt.tensor({ 1, 2 }, { dtype = "bf16" }), ["blocks.0.w"] = x:transpose() })
  local back = vt.load(path)
  equal(values(back.b), values(x))
  equal(back.a.dtype, "bf16")
  equal(values(back["blocks.0.w"]), values(x:transpose()))
  raises("goes to an .npy file", vt.save, path, x)
  raises("holds one tensor", vt.save, path .. ".npy", { x = x })
  raises("'x' is no tensor", vt.save, path, { x = 1 })
  raises("no string", vt.save, path, { x })
  raises("No such file", vt.load, path .. ".none")
  raises("read-only", function() vt.no_grad(function() back.b:add_(1) end) end)
  os.remove(path)
  os.remove(path .. ".npy")
end)

-- ---- operations ----

test("operations take tensors and numbers, attributes by position or by name", function()
  local t = vt.tensor{ { 1.0, 2.0 }, { 3.0, 4.0 } }
  equal(values(t:sum()), 10)
  equal(values(t:sum(1)), { 4, 6 })
  equal(values(t:sum(-1, true)), { { 3 }, { 7 } })
  equal(values(t:sum{ dims = { 1, 2 } }), 10)
  equal(values(vt.op.sum(t, { 2 })), { 3, 7 })
  equal(values(t:reshape(4)), { 1, 2, 3, 4 })
  equal(t:reshape(1, -1, 2).shape, { 1, 2, 2 })
  equal(t:reshape{ 4, 1 }.shape, { 4, 1 })
  equal(t:reshape{ shape = { 4, 1 } }.shape, { 4, 1 })
  equal(values(t:permute(2, 1)), { { 1, 3 }, { 2, 4 } })
  equal(values(t:transpose()), { { 1, 3 }, { 2, 4 } })
  equal(t:cast("i8").dtype, "i8")
  equal(values(vt.op.add(1, 2)), 3)
end)

test("an empty table says nothing, a table in it is an attribute by position", function()
  local t = vt.tensor{ { 1.0, 2.0 }, { 3.0, 4.0 } }
  equal(values(t:sum{}), 10)
  equal(values(t:mean{}), 2.5)
  equal(values(vt.op.squeeze(vt.zeros(1, 2, 1), {})), { 0, 0 })
  equal(values(t:sum{ {} }), { { 1, 2 }, { 3, 4 } })
  equal(values(t:sum({}, true)), { { 1, 2 }, { 3, 4 } })
  equal(values(t:sum{ dims = {} }), { { 1, 2 }, { 3, 4 } })
  equal(values(t:sum{ { 1, 2 } }), 10)
  equal(values(t:sum{ { 1 }, keepdim = true }), { { 4, 6 } })
  equal(values(t:sum{ 2, keepdim = true }), { { 3 }, { 7 } })
  equal(vt.zeros(1):reshape{}.shape, {})
  equal(values(vt.op.cat(t, t, {})), values(vt.op.cat(t, t)))
  raises("sum: dims is given twice", t.sum, t, { { 1 }, dims = 2 })
  raises("sum: no attribute 'number'", t.sum, t, { [7] = 1, keepdim = true })
end)

test("every operation is a method and a function", function()
  local t = vt.zeros(1)
  for _, op in ipairs(vt.ops()) do
    equal(type(t[op.name]), "function", op.name)
    equal(type(vt.op[op.name]), "function", op.name)
  end
end)

test("wrong arguments are refused by name", function()
  local t = vt.zeros(2, 3)
  raises("sum: no attribute 'dim' (it has: dims:dims? keepdim:bool=0)", t.sum, t, { dim = 1 })
  raises("sum: dims is given twice", t.sum, t, 1, { dims = 2 })
  raises("sum: too many arguments", t.sum, t, 1, true, 3)
  raises("sum: keepdim must be true or false, got 1", t.sum, t, { keepdim = 1 })
  raises("sum: dims must be a dimension, counted from 1, got 0", t.sum, t, 0)
  raises("add: b must be a tensor or a number, got nothing", t.add, t)
  raises("add: b must be a tensor or a number, got string", t.add, t, "1")
  raises("reshape: shape is missing", t.reshape, t)
  raises("cast: there is no type 'f31'", t.cast, t, "f31")
end)

test("operators", function()
  local a, b = vt.tensor{ 1.0, 4.0 }, vt.tensor{ 2.0, 8.0 }
  equal(values(a + b), { 3, 12 })
  equal(values(a - 1), { 0, 3 })
  equal(values(1 - a), { 0, -3 })
  equal(values(a * b), { 2, 32 })
  equal(values(b / a), { 2, 2 })
  equal(values(a ^ 2), { 1, 16 })
  equal(values(-a), { -1, -4 })
  equal(values(vt.tensor{ 5, -5 } % 3), { 2, 1 }) -- as Lua's own
  equal(values(vt.tensor{ 5, -5 } // 3), { 1, -2 })
  equal(#a, 2)
  assert(a == a and a ~= vt.tensor{ 1.0, 4.0 }, "== is identity")
end)

test("types of results are the later kind and the wider type", function()
  local rows = { { "bool", "u8", "u8" }, { "u8", "i8", "i32" }, { "i8", "i32", "i32" }, { "i32", "i64", "i64" }, { "i64", "f16", "f16" },
    { "f16", "bf16", "f32" }, { "f16", "f32", "f32" }, { "f32", "f64", "f64" }, { "f64", "c64", "c128" }, { "f32", "c64", "c64" } }
  for _, r in ipairs(rows) do
    local a, b = vt.zeros(1, { dtype = r[1] }), vt.zeros(1, { dtype = r[2] })
    equal((a + b).dtype, r[3], r[1] .. " + " .. r[2])
    equal((b + a).dtype, r[3], r[2] .. " + " .. r[1])
  end
end)

test("a number takes the type of the tensor beside it", function()
  for _, dtype in ipairs{ "f64", "f32", "f16", "bf16", "c64" } do
    equal((vt.zeros(1, { dtype = dtype }) + 1).dtype, dtype)
    equal((1.5 * vt.zeros(1, { dtype = dtype })).dtype, dtype)
  end
  equal((vt.zeros(1, { dtype = "u8" }) + 1).dtype, "u8")
  equal((vt.zeros(1, { dtype = "u8" }) + 300).dtype, "i64")
  equal((vt.zeros(1, { dtype = "i32" }) + 1.5).dtype, "f32")
  equal((vt.zeros(1, { dtype = "bool" }) + 1).dtype, "i64")
end)

test("errors name the operation, the extents and the caller's line", function()
  local err = raises("add: f32[2], f32[3]: extents do not broadcast", function() return vt.zeros(2) + vt.zeros(3) end)
  equal(err.name, "VT_ERR_SHAPE")
  assert(tostring(err):find("test_tensor.lua:%d+: add"), tostring(err))
  raises("tensor is closed", function()
    local t = vt.zeros(1)
    t:close()
    return t + 1
  end)
end)

test("operations in place", function()
  local t = vt.tensor{ 1.0, 2.0 }
  assert(t:add_(1) == t)
  equal(values(t), { 2, 3 })
  t:mul_(vt.tensor{ 2.0, 3.0 }):fill_(4):copy_(vt.tensor{ 5, 6 })
  equal(values(t), { 5, 6 })
  local w = vt.tensor({ 1 }, { requires_grad = true })
  raises("", w.add_, w, 1)
  vt.no_grad(function() w:add_(1) end)
  equal(values(w), { 2 })
  local a, out = vt.tensor{ 1.0, 2.0 }, vt.zeros(2)
  assert(a:mul(3, { out = out }) == out)
  equal(values(out), { 3, 6 })
  local x, i = vt.zeros(2), vt.zeros(2, { dtype = "i64" })
  local s, at = vt.tensor{ 2.0, 1.0 }:sort{ out = { x, i } }
  assert(s == x and at == i)
  equal({ values(x), values(i) }, { { 1, 2 }, { 1, 0 } })
  raises("sort: out has 1 tensors, there are 2 results", a.sort, a, { out = x })
  raises("mul: out must be tensors, got number", a.mul, a, 3, { out = 1 })
  raises("out cannot be given", a.mul_, a, 3, { out = a })
end)

test("views and outputs that share memory", function()
  local x = vt.arange(6)
  x[{ {2, 6} }] = x[{ {1, 5} }] -- as if the right side were copied first
  equal(values(x), { 0, 0, 1, 2, 3, 4 })
  x[{ {2, 6} }]:add_(x[{ {1, 5} }])
  equal(values(x), { 0, 0, 1, 3, 5, 7 })
  local m = vt.arange(4):reshape(2, 2)
  equal(values(m:copy_(m:transpose())), { { 0, 2 }, { 1, 3 } })
  m:transpose():add_(vt.tensor{ { 0, 10 }, { 0, 0 } })
  equal(values(m), { { 0, 2 }, { 11, 3 } })
  m:diagonal():fill_(7)
  equal(values(m), { { 7, 2 }, { 11, 7 } })
  local windows = vt.arange(4):unfold(1, 2, 1)
  raises("elements share memory", windows.add_, windows, 1)
  raises("elements share memory", function() vt.zeros(1):expand(3):add_(1) end)
  local apart = vt.arange(4):unfold(1, 2, 2)
  equal(values(apart:add_(1)), { { 1, 2 }, { 3, 4 } })
  local w = vt.zeros(2)
  raises("outputs 1 and 2 are the same memory", vt.op.sgd_step, w, vt.ones(2), vt.zeros(2), { lr = 1, out = { w, w } })
end)

-- ---- gradients ----

test("backward adds to the leaves", function()
  local x = vt.tensor({ 1, 2, 3 }, { dtype = "f64", requires_grad = true })
  local y = (x * x):sum()
  equal(y.requires_grad, true)
  equal(y.is_leaf, false)
  equal(x.grad, nil)
  y:backward{ keep = true }
  equal(values(x.grad), { 2, 4, 6 })
  y:backward()
  equal(values(x.grad), { 4, 8, 12 })
  raises("walked", y.backward, y)
  x.grad = nil
  equal(x.grad, nil)
  x:mul(2):backward(vt.tensor({ 1, 10, 100 }, { dtype = "f64" }))
  equal(values(x.grad), { 2, 20, 200 })
end)

test("a gradient is nobody else's, however it was made", function()
  local a, b = vt.zeros(2, 3, { requires_grad = true }), vt.zeros(2, 3, { requires_grad = true })
  local x = vt.ones(4, 3)
  local function flat(t) return t:reshape(6):totable() end
  local makers = {
    { "one number spread out", function() return a:sum() end },
    { "one for two tensors", function() return ((a + b) * 3):sum() end },
    { "a part", function() return vt.op.cat({ a, b }, { dim = 1 }):square():sum() + a:sum() end },
    { "a transposed matrix", function() return x:linear(a):sum() + x:linear(b):sum() end },
    { "turned", function() return (a:transpose(1, 2):exp()):sum() + (b:transpose(1, 2):exp()):sum() end },
  }
  for _, row in ipairs(makers) do
    local name, make = table.unpack(row)
    a.grad, b.grad = nil, nil
    make():backward()
    local one, other = flat(a.grad), b.grad and flat(b.grad)
    a.grad:mul_(2)
    local doubled = flat(a.grad)
    for i = 1, 6 do equal(doubled[i], 2 * one[i], name) end
    if other then equal(flat(b.grad), other, name) end
  end
end)

test("a norm of nothing has a gradient of nothing", function()
  for _, p in ipairs{ 0, 1, 2, 3, math.huge, -math.huge } do
    local x = vt.zeros(0, 2, { requires_grad = true })
    x:norm{ p = p }:backward()
    equal(x.grad.shape, { 0, 2 }, p)
  end
end)

test("gradients of gradients", function()
  local x = vt.tensor({ 1, 2 }, { dtype = "f64", requires_grad = true })
  local g = vt.gradients((x ^ 3):sum(), x, { create = true })
  equal(values(g), { 3, 12 })
  equal(values(vt.gradients(g:sum(), x)), { 6, 12 })
  equal(x.grad, nil)
  local other = vt.tensor({ 1 }, { dtype = "f64", requires_grad = true })
  local list = vt.gradients((x * 2):sum(), { x, other })
  equal(values(list[1]), { 2, 2 })
  equal(list[2], nil)
end)

test("no_grad and detach", function()
  local x = vt.tensor({ 1 }, { requires_grad = true })
  local a, b = vt.no_grad(function(t) return t * 2, vt.grad_mode() end, x)
  equal(a.requires_grad, false)
  equal(b, false)
  equal(vt.grad_mode(), true)
  raises("here", vt.no_grad, function() error("here") end)
  equal(vt.grad_mode(), true)
  equal(x:detach().requires_grad, false)
  equal(vt.no_grad(function() return vt.enable_grad(function() return (x * 2).requires_grad end) end), true)
end)

test("hooks see and replace gradients", function()
  local x = vt.tensor({ 1, 2 }, { requires_grad = true })
  local y, seen = x * 3, nil
  y:hook(function(g) seen = g:totable() end)
  y:hook(function(g) return g * 10 end)
  y:sum():backward()
  equal(seen, { 1, 1 })
  equal(values(x.grad), { 30, 30 })
  local z = x * 1
  z:hook(function() error("in the hook") end)
  raises("in the hook", z.backward, z, vt.tensor{ 1.0, 1.0 })
end)

test("a walk inside of a walk may not go over the same tape", function()
  local x = vt.tensor({ 1, 2 }, { requires_grad = true })
  local y = x * x
  local z, err = (y * 2):sum(), nil
  y:hook(function()
    err = select(2, pcall(z.backward, z, { keep = true }))
    local other = vt.tensor({ 5 }, { requires_grad = true })
    vt.enable_grad(function() return other * 3 end):backward()
    equal(values(other.grad), { 3 })
  end)
  z:backward{ keep = true }
  equal(err.name, "VT_ERR_STATE")
  equal(values(x.grad), { 4, 8 })
end)

test("numbers that a gradient needs may not be written to", function()
  local x = vt.tensor({ 1, 2 }, { requires_grad = true })
  local y = x * 1
  local z = (y * y):sum()
  vt.no_grad(function() y:add_(1) end)
  raises("has been written to since", z.backward, z)
end)

test("functions with gradients of their own", function()
  local square = vt.custom{
    forward = function(ctx, x, factor)
      equal(vt.grad_mode(), false)
      ctx.x, ctx.factor, ctx.y = x, factor, x * x * factor
      return ctx.y
    end,
    backward = function(ctx, g) return g * ctx.x * (2 * ctx.factor) end,
  }
  local x = vt.tensor({ 1, 2, 3 }, { requires_grad = true })
  square(x, 5):sum():backward()
  equal(values(x.grad), { 10, 20, 30 })
  local bad = vt.custom{ forward = function(_, a) return a * 1 end, backward = function() return 1 end }
  raises("gradient 1 is no tensor but number", function() bad(x):sum():backward() end)
  raises("unknown option 'forwards'", vt.custom, { forwards = 1 })
end)

test("a checkpoint gives the same gradients to the bit", function()
  local w = vt.tensor({ { 0.1, -0.3 }, { 0.7, 0.2 } }, { requires_grad = true })
  local x = vt.tensor({ { 1.5, -2 }, { 0.3, 0.9 } }, { requires_grad = true })
  local runs = 0
  local function block(a, b, scale)
    runs = runs + 1
    local y = (a:matmul(b) * scale):exp()
    return y, y:sum(1)
  end
  local function gradients(y, z)
    local bytes = {}
    ;(y * y + z):sum():backward()
    for i, t in ipairs{ x, w } do
      bytes[i] = t.grad:tostring_bytes()
      t.grad = nil
    end
    return bytes
  end
  local plain = gradients(block(x, w, 0.5))
  equal(gradients(vt.checkpoint(block, x, w, 0.5)), plain)
  equal(runs, 3)
  equal(gradients(vt.checkpoint(function(a) return block(a, w, 0.5) end, x)), plain) -- w comes from outside
  raises("gradients of gradients", function()
    return vt.gradients(vt.checkpoint(block, x, w, 0.5), x, { grads = vt.ones(2, 2), create = true })
  end)
end)

-- ---- indexing ----

test("positions count from 1, from the end when negative; ranges include both ends", function()
  local t = vt.arange(24):reshape(2, 3, 4)
  equal(values(t[1][3]), { 8, 9, 10, 11 })
  equal(t[-1][-1][-1]:item(), 23)
  equal(values(t[{ 2, {}, { 1, -1, 2 } }]), { { 12, 14 }, { 16, 18 }, { 20, 22 } })
  equal(values(t[{ {}, 1, { 2, 3 } }]), { { 1, 2 }, { 13, 14 } })
  equal(values(t[{ { 2 }, 1, 1 }]), { 12 })
  equal(t[{ { 2, 1 } }].shape, { 0, 3, 4 })
  equal(t[{}].shape, { 2, 3, 4 })
  equal(t[vt.tensor{ 1, 1, 0 }].shape, { 3, 3, 4 })
  equal(t.nosuch, nil)
end)

test("places that are not there are refused", function()
  local t = vt.zeros(2, 3)
  for key, message in pairs{ [0] = "position 0 in dimension 1, which has 2", [3] = "position 3", [-3] = "position -3", [1.5] = "an integer, a table or a name" } do
    raises(message, function() return t[key] end)
  end
  raises("3 items for a tensor of 2 dimensions", function() return t[{ 1, 1, 1 }] end)
  raises("places 0 to 1 of dimension 2", function() return t[{ 1, { 0, 1 } }] end)
  raises("places 2 to 4 of dimension 2, which has 3", function() return t[{ 1, { 2, 4 } }] end)
  raises("the step at least 1", function() return t[{ { 1, 2, -1 } }] end)
  raises("the tensor has no dimensions", function() return t[1][1][1] end)
  raises("'shape' cannot be set", function() t.shape = { 1 } end)
end)

test("places by a mask and by indices of any extents", function()
  local x = vt.arange(6):reshape(2, 3)
  equal(values(x[x:gt(2)]), { 3, 4, 5 })
  equal(values(x[vt.tensor{ false, true }]), { { 3, 4, 5 } })
  equal(x[x:gt(9)].shape, { 0 })
  equal(values(x[vt.tensor{ { 0, -1 }, { 1, 0 } }]), { { { 0, 1, 2 }, { 3, 4, 5 } }, { { 3, 4, 5 }, { 0, 1, 2 } } })
  equal(values(vt.arange(4)[vt.tensor(2)]), 2)
  equal(values(x:transpose()[x:transpose():gt(3)]), { 4, 5 })
  raises("index: a mask has the extents of the tensor's first dimensions", function() return x[vt.tensor{ true }] end)
  raises("index 2 of an extent of 2", function() return x[vt.tensor{ 2 }] end)
  raises("indices are i64 or i32", function() return x[vt.tensor{ 0.5 }] end)
  x[x:gt(2)] = 0
  equal(values(x), { { 0, 1, 2 }, { 0, 0, 0 } })
  x[vt.tensor{ true, false }] = vt.tensor{ 7, 8, 9 }
  x[vt.tensor{ 1, 1 }] = vt.tensor{ { 1, 1, 1 }, { 2, 2, 2 } }
  equal(values(x), { { 7, 8, 9 }, { 2, 2, 2 } })
  x[x:gt(7)] = vt.tensor{ 5, 6 }
  equal(values(x), { { 7, 5, 6 }, { 2, 2, 2 } })
  raises("index: a value of [2] for places of [1]", function() x[x:eq(7)] = vt.tensor{ 1, 2 } end)
  local w = vt.tensor({ 1, -2, 3 }, { requires_grad = true })
  w[w:gt(0)]:square():sum():backward()
  equal(values(w.grad), { 2, 0, 6 })
  raises("lose a gradient", function() w[w:gt(0)] = 0 end)
  for _, dtype in ipairs{ "bool", "u8", "f16", "bf16", "c64" } do
    local t = vt.zeros(3, { dtype = dtype })
    t[vt.tensor{ 1 }] = 1
    equal(values(t:ne(0)), { false, true, false }, dtype)
  end
  local far = vt.arange(3):to("opaque")
  equal(values(far[far:gt(0)]:to("cpu")), { 1, 2 })
end)

test("equations with diagonals and dots", function()
  local E, x = vt.op.einsum, vt.arange(9):reshape(3, 3)
  equal(values(E({ x }, "ii->")), 12)
  equal(values(E({ x }, "ii->i")), { 0, 4, 8 })
  equal(values(E({ vt.arange(8):reshape(2, 2, 2) }, "iij->ji")), { { 0, 6 }, { 1, 7 } })
  equal(values(E({ vt.arange(8):reshape(2, 2, 2) }, "iii")), 7)
  equal(E({ vt.ones(2, 3, 4), vt.ones(4, 5) }, "...j,jk->...k").shape, { 2, 3, 5 })
  equal(E({ vt.ones(2, 3, 4), vt.ones(4, 5) }, "...j,jk").shape, { 2, 3, 5 })
  equal(values(E({ vt.ones(2, 1, 3), vt.ones(2, 3) }, "...j,...j->...")), { { 3, 3 }, { 3, 3 } })
  raises("one \"...\"", E, { x }, "...i...->i")
  raises("each once", E, { x }, "ij->ii")
  raises("letter . is 2 and 4", E, { vt.ones(2, 3), vt.ones(4, 3) }, "...j,...j->...")
  raises("letter k of the result is no operand's", E, { x }, "ij->k")
end)

test("draws by probabilities", function()
  local p = vt.tensor{ { 1.0, 0.0, 3.0 }, { 0.0, 2.0, 0.0 } }
  local m = p:multinomial{ n = 4000, seed = 7 }
  equal(m.shape, { 2, 4000 })
  equal(m.dtype, "i64")
  equal(m[2]:eq(1):all():item(), true)
  equal(m[1]:eq(1):any():item(), false)
  assert(math.abs(m[1]:eq(2):sum():item() - 3000) < 120)
  equal(values(m), values(p:multinomial{ n = 4000, seed = 7 }))
  equal(values((p:multinomial{ n = 2, seed = 1, replacement = false }[1]:sort())), { 0, 2 })
  equal(values((vt.ones(5):multinomial{ n = 5, seed = 1, replacement = false }:sort())), { 0, 1, 2, 3, 4 })
  raises("n at most as many", p.multinomial, p, { n = 4, seed = 1, replacement = false })
  raises("probabilities are floats", vt.op.multinomial, vt.tensor{ 1 }, { n = 1, seed = 1 })
end)

test("pieces of a dimension", function()
  local function all(list) local out = {} for i, t in ipairs(list) do out[i] = values(t) end return out end
  local x = vt.arange(5)
  equal(all(x:split(2)), { { 0, 1 }, { 2, 3 }, { 4 } })
  equal(all(x:split{ 1, 0, 4 }), { { 0 }, {}, { 1, 2, 3, 4 } })
  equal(all(vt.arange(4):reshape(2, 2):split(1, -1)), { { { 0 }, { 2 } }, { { 1 }, { 3 } } })
  equal(#vt.zeros(0):split(3), 0)
  x:split(2)[2]:fill_(9)
  equal(values(x), { 0, 1, 9, 9, 4 })
  raises("pieces of 3 places in all, the dimension has 5", x.split, x, { 1, 2 })
  raises("piece 2 is no extent of at most 1", x.split, x, { 4, 2 })
  raises("pieces of 0 places", x.split, x, 0)
  raises("dimension 2 of a tensor that has 1", x.split, x, 1, 2)
end)

test("a least bound above the greatest gives way", function()
  for _, dtype in ipairs{ "f64", "f32", "bf16", "i32" } do
    equal(values(vt.tensor({ 1, 2, 5 }, { dtype = dtype }):clamp(3, 2)), { 2, 2, 2 }, dtype)
  end
end)

test("bits, comparison, rows", function()
  local a, b = vt.tensor{ true, false, true }, vt.tensor{ true, true, false }
  equal(values(a & b), { true, false, false })
  equal(values(a | b), { true, true, true })
  equal(values(a ~ b), { false, true, true })
  equal(values(~a), { false, true, false })
  equal(values(~vt.tensor({ 0, 7 }, { dtype = "u8" })), { 255, 248 })
  equal(values(~vt.tensor{ 0, -1 } & 6), { 6, 0 })
  raises("elements are compared by a:lt(b)", function() return a < b end)
  raises("elements are compared by a:lt(b)", function() return a >= 1 end)
  local seen = {}
  for i, row in pairs(vt.tensor{ { 1, 2 }, { 3, 4 } }) do seen[i] = values(row) end
  equal(seen, { { 1, 2 }, { 3, 4 } })
  raises("no dimensions", pairs, vt.tensor(1))
  raises("must be an integer, got 3", vt.zeros, "3")
end)

test("writing to places", function()
  local t = vt.zeros(2, 3)
  t[1] = 5
  t[{ {}, 2 }] = vt.tensor{ 7, 8 }
  t[2][3] = vt.tensor(9.0)
  t[{ 2, { 1, 1 } }] = true
  equal(values(t), { { 5, 7, 5 }, { 1, 8, 9 } })
  raises("index: a value of [2] for places of [3]", function() t[1] = vt.zeros(2) end)
  raises("a number is needed, got string", function() t[1] = "x" end)
  local w = vt.zeros(2, { requires_grad = true })
  raises("VT_ERR_STATE", function()
    local ok, err = pcall(function() w[1] = 1 end)
    error(ok and "written" or err.name)
  end)
  vt.no_grad(function() w[1] = 1 end)
  equal(values(w), { 1, 0 })
end)

test("gradients go through places", function()
  local x = vt.tensor({ { 1, 2 }, { 3, 4 } }, { requires_grad = true })
  ;(x[{ {}, 2 }] * vt.tensor{ 10.0, 20.0 }):sum():backward()
  equal(values(x.grad), { { 0, 10 }, { 0, 20 } })
end)

-- ---- text ----

test("tensors as text", function()
  equal(tostring(vt.tensor{ 1.5, -200.25, 1 / 0 }), "[   1.5000, -200.2500,       inf] f32[3]")
  equal(tostring(vt.tensor{ { 1.0, 2 }, { -3, 4 } }), "[[ 1.,  2.],\n [-3.,  4.]] f32[2,2]")
  equal(tostring(vt.tensor{ { { 1 }, { 22 } }, { { 3 }, { 4 } } }), "[[[ 1],\n  [22]],\n\n [[ 3],\n  [ 4]]] i64[2,2,1]")
  equal(tostring(vt.tensor{ 1e-9, 1 }), "[1.0000e-09, 1.0000e+00] f32[2]")
  equal(tostring(vt.tensor(2.5)), "2.5000 f32[]")
  equal(tostring(vt.tensor(true)), "true bool[]")
  equal(tostring(vt.zeros(0, 3)), "[] f32[0,3]")
  equal(tostring(vt.tensor({ { 1, -2.5 } }, { dtype = "c64" })), "[1.0000-2.5000i] c64[1]")
  equal(tostring(vt.zeros(2, { dtype = "bf16", requires_grad = true })), "[0., 0.] bf16[2] requires_grad")
  equal(tostring(vt.arange(2000)), "[   0,    1,    2, ..., 1997, 1998, 1999] i64[2000]")
  assert(#tostring(vt.zeros(3000, 3000)) < 1000)
  local t = vt.zeros(1)
  t:close()
  equal(tostring(t), "tensor (closed)")
end)

-- ---- devices, memory, sandboxes ----

test("text of a large tensor needs its edges alone", function()
  equal(tostring(vt.arange(2000):reshape(2, 1000)), "[[   0,    1,    2, ...,  997,  998,  999],\n [1000, 1001, 1002, ..., 1997, 1998, 1999]] i64[2,1000]")
  equal(tostring(vt.ones(1, 1):expand(1 << 20, 1 << 20)):match("%S+$"), "f32[1048576,1048576]")
  local x = vt.arange(8000):reshape(20, 20, 20)
  assert(tostring(x):find("[[7600, 7601, 7602, ..., 7617, 7618, 7619],", 1, true), tostring(x))
end)

test("the second device computes the same", function()
  local a = vt.tensor({ { 1, 2 }, { 3, 4 } }, { dtype = "f64" })
  local b = a:to("opaque")
  equal(b.device, "opaque")
  equal((b:exp() * 2 + 1):sum(1):tostring_bytes(), (a:exp() * 2 + 1):sum(1):tostring_bytes())
  raises("DEVICE", function()
    local ok, err = pcall(function() return a + b end)
    error(ok and "added" or err.name)
  end)
end)

test("dropped tensors do not pile up", function()
  local before = vt.memory()
  local most = 0
  for _ = 1, os.getenv("VT_GC_STRESS") and 100 or 10000 do
    local t = vt.empty(1 << 18)
    most = math.max(most, vt.memory() - before)
    assert(t)
  end
  assert(most < 96 << 20, ("%d MiB"):format(most >> 20))
  collectgarbage()
  local square = vt.custom{ forward = function(ctx, x) ctx.y = x * x return ctx.y end, backward = function(ctx, g) return g * ctx.y end }
  local x = vt.ones(1 << 16, { requires_grad = true })
  most = 0
  for _ = 1, os.getenv("VT_GC_STRESS") and 10 or 1000 do
    local y = square(x)
    y:hook(function(g) return g end)
    most = math.max(most, vt.memory() - before)
  end
  assert(most < 96 << 20, ("%d MiB held by functions"):format(most >> 20))
end)

test("a script in a sandbox has tensors, and its limits hold", function()
  local script <close> = vt.script()
  script:load("test", [[
    local vt = require "venturi"
    function f()
      local x = vt.tensor({ 1, 2, 3 }, { requires_grad = true })
      local y = x * x
      y:hook(function(g) return g * 2 end)
      y:sum():backward()
      return x.grad:totable(), tostring(x)
    end
    function bad() local x = vt.ones(1, { requires_grad = true }) local y = x * 1 y:hook(function() while true do end end) y:backward() end
    function long() for i = 1, 1e9 do local t = vt.zeros(1000, 1000) end end
  ]])
  equal({ script:call("f") }, { { 4, 8, 12 }, "[1., 2., 3.] f32[3] requires_grad" })
  local limited <close> = vt.script{ instructions = 2000000 }
  limited:load("test", [[
    local vt = require "venturi"
    function hook() local x = vt.ones(1, { requires_grad = true }) local y = x * 1 y:hook(function() while true do end end) y:backward() end
    function caught() pcall(hook) return 1 end
    function long() for _ = 1, 1000000000 do vt.zeros(1000, 1000) end end
  ]])
  for _, name in ipairs{ "hook", "caught", "long" } do
    equal(raises("instruction limit", limited.call, limited, name).name, "VT_ERR_LIMIT", name)
  end
  equal(vt.grad_mode(), true)
end)

if not os.getenv("VT_GC_STRESS") then
  test("a script with little memory is told so", function()
    support.with_little_memory[[
      local vt = require "venturi"
      local x = vt.tensor({ { 1, 2 }, { 3, 4 } }, { requires_grad = true })
      local f = vt.custom{ forward = function(ctx, a) ctx.a = a return a * a end, backward = function(ctx, g) return g * ctx.a * 2 end }
      local y = f(x)
      y:hook(function(g) return g * 2 end)
      y[{ {}, 1 }]:sum():backward()
      assert(#tostring(x.grad) > 0 and x.grad:totable()[1][1] == 4)
    ]]
  end)
end

support.done()
