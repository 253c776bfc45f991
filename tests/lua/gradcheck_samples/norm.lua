--- Softmax family and norms.
local function plain(shape) return { shape = shape } end
local function across(shape) return { shape = shape, layout = "transposed" } end

local function along()
  return {
    { inputs = { plain{ 2, 3 } } },
    { inputs = { across{ 3, 2 } }, attrs = { dim = 1 } },
    { inputs = { { shape = { 2, 3, 2 }, layout = "strided" } }, attrs = { dim = 2 } },
  }
end

local function over(attrs)
  return {
    { inputs = { plain{ 2, 4 }, plain{ 4 }, plain{ 4 } } },
    { inputs = { across{ 2, 3, 2 }, across{ 3, 2 } }, attrs = { n_dims = 2, eps = attrs.eps } },
    { inputs = { { shape = { 3, 4 }, layout = "strided" } }, attrs = { eps = attrs.eps } },
  }
end

local rms = over{ eps = 0.1 }
table.remove(rms[1].inputs)

local function channels(attrs)
  return {
    { inputs = { plain{ 2, 4, 3 }, plain{ 4 }, plain{ 4 } }, attrs = attrs },
    { inputs = { across{ 3, 2, 2 }, plain{ 2 } }, attrs = attrs },
    { inputs = { { shape = { 2, 2, 2, 2 }, layout = "strided" } }, attrs = attrs },
  }
end

-- Statistics that are given come out again, and so do their gradients.
local running = channels{ training = false, eps = 0.2 }
for i, c in ipairs{ 4, 2, 2 } do
  for k = #running[i].inputs + 1, 3 do running[i].inputs[k] = false end
  running[i].inputs[4], running[i].inputs[5] = plain{ c }, { shape = { c }, range = { 0.5, 2 } }
  running[i].wrap = function(op, ...) return (op(...)) end
end
local function first(op, ...) return (op(...)) end
local batch, train = channels{ eps = 0.01 }, channels{ eps = 0.01 }
for i = 1, 3 do batch[i].wrap, train[i].wrap = first, first end
table.move(running, 1, 3, 4, batch)

return {
  softmax = along(),
  log_softmax = along(),
  layer_norm = over{ eps = 1e-5 },
  rms_norm = rms,
  group_norm = channels{ groups = 2 },
  instance_norm = channels{ eps = 1e-3 },
  batch_norm = batch,
  batch_norm_train = train,
}
