--- Is the gradient of a function what its values say? `vt.gradcheck(f, inputs, { ... })` compares what the walk back gives with central differences,
-- in f64, and raises at the first element that differs.
-- f gets the inputs and returns one tensor or several; what is compared is the gradient of a sum of all their elements with fixed random weights. Inputs
-- of f64 are differentiated, others passed on. Small inputs are checked element by element, large ones along random directions. The second order is
-- checked in the same way: the function is then a random weighting of the gradients.
local vt = require "venturi"

-- eps: about the cube root of the unit roundoff, where the error of the difference and its rounding are alike (both near 1e-10). The tolerance is
-- four digits above. most: elements up to which each is looked at by itself.
local defaults = { eps = 6e-6, tol = 1e-6, abs = 1e-8, second = false, most = 48, directions = 6, seed = 1, name = "gradcheck" }

local function random(seed, shape)
  local n = 1
  for _, extent in ipairs(shape) do n = n * extent end
  local u = n > 0 and vt.random.uniform(seed, n) or {}
  for i = 1, n do u[i] = 2 * u[i] - 1 end
  return vt.tensor(u, { dtype = "f64" }):reshape(shape)
end

local function leaf(t)
  return vt.tensor(t, { requires_grad = t.dtype == "f64" })
end

local function is_real(t)
  return t.dtype == "f64" or t.dtype == "f32"
end

-- Sum of the elements of all results, each by a weight. A complex result counts by its parts: abs would not be smooth.
local function weighted(results, seed)
  local sum
  for i, y in ipairs(results) do
    local part
    if is_real(y) then
      part = (y * random(seed + i, y.shape)):sum()
    elseif y.dtype == "c128" or y.dtype == "c64" then
      part = (vt.op.real(y) * random(seed + i, y.shape)):sum() + (vt.op.imag(y) * random(seed + 100 + i, y.shape)):sum()
    end
    if part then sum = sum and sum + part or part end
  end
  return sum or error("gradcheck: the function returned no tensor of real or complex numbers", 0)
end

-- The numbers of t with element i moved by h.
local function moved(t, i, h)
  local bytes = t:tostring_bytes()
  local x = string.unpack("<d", bytes, 8 * i - 7)
  return vt.from_string(bytes:sub(1, 8 * i - 8) .. string.pack("<d", x + h) .. bytes:sub(8 * i + 1), "f64", t.shape), x
end

local function with(inputs, k, t)
  local list = table.move(inputs, 1, inputs.n, 1, {})
  list[k] = leaf(t)
  return table.unpack(list, 1, inputs.n)
end

local Check = {}
Check.__index = Check

function Check:compare(k, what, got, want, size)
  local err, allowed = math.abs(got - want), self.opt.tol * math.max(math.abs(got), math.abs(want)) + self.opt.abs * math.max(1, size)
  self.worst = math.max(self.worst, err / allowed)
  if err ~= err or err > allowed then
    error(("%s: %s order: input %d, %s: backward says %.12g, differences say %.12g"):format(self.opt.name, self.order, k, what, got, want), 0)
  end
end

function Check:by_element(f, inputs, k, grad)
  local t, g = inputs[k], grad and grad:reshape(-1):totable()
  for i = 1, t:count() do
    local _, x = moved(t, i, 0)
    local h = self.opt.eps * math.max(1, math.abs(x))
    local up, down = f(with(inputs, k, (moved(t, i, h)))):item(), f(with(inputs, k, (moved(t, i, -h)))):item()
    self:compare(k, "element " .. i, g and g[i] or 0, (up - down) / (2 * h), math.abs(up))
  end
end

function Check:by_direction(f, inputs, k, grad)
  local t = inputs[k]:detach()
  for d = 1, self.opt.directions do
    local v, h = random(self.opt.seed + 1000 * d, t.shape), self.opt.eps
    local up, down = f(with(inputs, k, t + v * h)):item(), f(with(inputs, k, t - v * h)):item()
    self:compare(k, "direction " .. d, grad and (grad:detach() * v):sum():item() or 0, (up - down) / (2 * h), math.abs(up))
  end
end

-- f: from the inputs to a tensor of one element.
function Check:run(f, inputs, order)
  self.order = order
  local list = {}
  for k = 1, inputs.n do
    if self.active[k] then list[#list + 1] = inputs[k] end
  end
  local y = f(table.unpack(inputs, 1, inputs.n))
  local grads = y.requires_grad and vt.gradients(y, list, { keep = true }) or {}
  local at = 0
  for k = 1, inputs.n do
    if self.active[k] then
      at = at + 1
      local check = inputs[k]:count() <= self.opt.most and self.by_element or self.by_direction
      check(self, f, inputs, k, grads[at])
    end
  end
end

-- The sum of all gradients of f, weighted.
local function of_gradients(f, active, seed)
  return function(...)
    local inputs, list = table.pack(...), {}
    for k = 1, inputs.n do
      if active[k] then list[#list + 1] = inputs[k] end
    end
    local y, sum = f(...), vt.tensor(0, { dtype = "f64" })
    if not y.requires_grad then return sum end
    local grads = vt.gradients(y, list, { create = true })
    for i = 1, #list do
      if grads[i] then sum = sum + (grads[i] * random(seed + 17 * i, grads[i].shape)):sum() end
    end
    return sum
  end
end

--- Checks the gradient of f at the inputs, and the gradient of the gradient with second = true.
-- @tparam function f        from tensors to tensors, the same ones for the same inputs
-- @tparam table inputs      tensors; other values are passed on. n may say how many there are
-- @tparam table options     { eps, tol (relative), abs, second, most, directions, seed, name }
-- @treturn number the largest error, as a share of what is allowed
return function(f, inputs, options)
  local opt = vt.options("gradcheck", defaults, options)
  local own, active = { n = inputs.n or #inputs }, {}
  for k = 1, own.n do
    local t = inputs[k]
    active[k] = type(t) == "userdata" and t.dtype == "f64"
    own[k] = active[k] and leaf(t) or t
  end
  local check = setmetatable({ opt = opt, active = active, worst = 0 }, Check)
  local function first(...) return weighted(table.pack(f(...)), opt.seed) end
  check:run(first, own, "first")
  if opt.second then check:run(of_gradients(first, active, opt.seed + 500), own, "second") end
  return check.worst
end
