--- Captured runs from Lua: the same bits as the run itself, what is refused, who keeps what.
local vt = require "venturi"
local s = require "support"
local test = s.test

local function net()
  local m = { lr = vt.var("lr", 0.01), step = vt.var("step", 1), params = {}, states = {} }
  for i, shape in ipairs{ { 16, 9 }, { 16 }, { 3, 16 }, { 3 } } do
    local p = vt.randn(shape, { seed = i, std = 0.3, requires_grad = true })
    m.params[i], m.states[i] = p, { vt.zeros(shape), vt.zeros(shape) }
  end
  function m.forward(x)
    return x:linear(m.params[1], m.params[2]):gelu():linear(m.params[3], m.params[4])
  end
  function m.learn(x, y)
    local loss = m.forward(x):cross_entropy(y)
    loss:backward()
    vt.no_grad(function()
      for i, p in ipairs(m.params) do
        local mean, square = table.unpack(m.states[i])
        vt.op.adam_step(p, p.grad, mean, square, { lr = m.lr, step = m.step, decoupled = true, weight_decay = 0.1, out = { p, mean, square } })
        p.grad = nil
      end
    end)
    return loss
  end
  return m
end

local function batch(seed) return vt.randn(8, 9, { seed = seed }), vt.randint(8, { seed = seed, high = 3 }) end
local function bytes(t) return t:detach():tostring_bytes() end

local function raises(code, pattern, f, ...)
  local ok, err = pcall(f, ...)
  assert(not ok, "no error was raised")
  assert(err.name == "VT_ERR_" .. code, err.name)
  assert(tostring(err):find(pattern, 1, true), tostring(err))
end

test("a captured training step gives the bits of the step itself", function()
  local a, b, graph = net(), net(), nil
  for i = 1, 6 do
    local x, y = batch(i)
    a.lr.value, a.step.value = 0.1 / i, i
    b.lr.value, b.step.value = 0.1 / i, i
    local want = a.learn(x, y)
    local have
    if graph then
      have = graph:run({ x, y }, { lr = 0.1 / i, step = i })
    else
      graph = vt.capture(b.learn, { x, y })
      have = graph:results()
    end
    assert(bytes(want) == bytes(have))
    for k, p in ipairs(a.params) do assert(bytes(p) == bytes(b.params[k])) end
  end
  assert(graph.peak_bytes > 0 and graph.arena_bytes >= graph.least_bytes and graph.steps > 10)
end)

test("a compiled function runs, captures and replays", function()
  local a, b = net(), net()
  local step = vt.compiled(b.learn, { vars = { b.lr, b.step } })
  for i = 1, 5 do
    local x, y = batch(i)
    a.step.value, b.step.value = i, i
    assert(bytes(a.learn(x, y)) == bytes(step(x, y)))
  end
  local x, y = batch(1)
  assert(step.graph(x, y) and not step.graph(y, x))
end)

test("gradients that are kept are written at every run", function()
  local m = net()
  local x, y = batch(1)
  local graph = vt.capture(function(...)
    local loss = m.forward(...):sum()
    loss:backward()
    return loss
  end, { x })
  local first = bytes(m.params[1].grad)
  graph:run((batch(2)))
  assert(bytes(m.params[1].grad) ~= first)
  graph:run(x)
  assert(bytes(m.params[1].grad) == first)
  assert(y)
end)

test("a result stays as it is while somebody holds it", function()
  local graph = vt.capture(function(x) return x * 2 end, { vt.tensor{ 1.0, 2.0 } })
  local a = graph:run(vt.tensor{ 3.0, 4.0 })
  local b = graph:run(vt.tensor{ 5.0, 6.0 })
  assert(a[1]:item() == 6 and b[1]:item() == 10)
end)

test("numbers in a function are constants, variables are not", function()
  local scale = vt.var("scale", 3)
  local graph = vt.capture(function(x) return x * scale + 1, x:dropout{ p = 0.5, seed = vt.var("seed", 1) } end, { vt.ones(64) })
  local y, dropped = graph:run(vt.ones(64))
  assert(y[1]:item() == 4)
  y = graph:run({ vt.ones(64) }, { scale = 5.5, seed = 2 })
  assert(y[1]:item() == 6.5)
  local _, other = graph:results()
  assert(bytes(other) ~= bytes(dropped))
  assert(bytes(other) == bytes(vt.ones(64):dropout{ p = 0.5, seed = 2 }))
  raises("NOT_FOUND", "speed", graph.set, graph, "speed", 1)
  raises("INVALID", "integer", graph.set, graph, "seed", 1.5)
  raises("UNSUPPORTED", "slope", function() return vt.ones(2):leaky_relu(vt.var("slope", 0.1)) end)
end)

test("views of inputs, inputs as results, and inputs that do not lie in a row", function()
  local graph = vt.capture(function(x) return x, x:transpose():copy() end, { vt.ones(2, 3) })
  local x = vt.arange(6, { dtype = "f32" }):reshape(3, 2)
  local same, turned = graph:run(x:transpose())
  assert(bytes(same) == bytes(x:transpose():copy()) and bytes(turned) == bytes(x))
end)

test("what a replay cannot do is refused by name", function()
  local x = vt.ones(4)
  raises("STATE", "f32[]", vt.capture, function(a) return vt.tensor{ a[1]:item() } end, { x })
  raises("STATE", "another capture", function() vt.capture(function(a) vt.capture(function(b) return b end, { a }) return a end, { x }) end)
  raises("INVALID", "number", vt.capture, function() return 1 end, { x })
  local graph = vt.capture(function(a) return a + 1 end, { x })
  raises("SHAPE", "f32[5], captured was f32[4]", graph.run, graph, vt.ones(5))
  raises("DTYPE", "i64[4], captured was f32[4]", graph.run, graph, vt.ones(4, { dtype = "i64" }))
  raises("INVALID", "0 inputs", graph.run, graph, {})
  raises("DEVICE", "opaque", graph.run, graph, x:to("opaque"))
  local held = {}
  raises("STATE", "Make the state before", vt.capture, function(a)
    held.state = held.state or vt.zeros(4)
    held.state:add_(a)
    return held.state * 1
  end, { x })
end)

test("what a graph needs does not depend on what ran before", function()
  local function work(n) return vt.ones(1, n, 16, 16):conv2d(vt.ones(n, n, 3, 3), { padding = { 1 } }) end
  local function scratch()
    local x, w = vt.ones(1, 12, 16, 16), vt.ones(12, 12, 3, 3)
    return vt.capture(function(a) return a:conv2d(w, { padding = { 1 } }) end, { x }).scratch_bytes
  end
  local first = scratch()
  for n = 16, 128, 16 do work(n) end
  assert(first > 0 and scratch() == first)
end)

test("an error of the function is its own, and tensors live on", function()
  local kept
  local ok, err = pcall(vt.capture, function(a) kept = a + 1 error("mine", 0) end, { vt.ones(2) })
  assert(not ok and err == "mine")
  assert(kept[1]:item() == 2)
end)

test("a saved graph gives the same numbers, trains on, and has half the weights as f16", function()
  local folder, m = s.folder(), net()
  local x, y = batch(3)
  local graph = vt.capture(m.learn, { x, y })
  graph:save(folder .. "/a.graph")
  local want = bytes((graph:run({ x, y }, { step = 2 })))
  for _, device in ipairs{ "cpu", "opaque" } do
    local opened = vt.open_graph(folder .. "/a.graph", { device = device })
    raises("STATE", "has not run", opened.results, opened)
    local loss = opened:run({ x:to(device), y:to(device) }, { step = 2 })
    assert(bytes(loss) == want)
    assert(opened.peak_bytes == graph.peak_bytes and opened.steps == graph.steps and opened.flops == graph.flops)
  end
  local forward = vt.capture(function(a) return vt.no_grad(m.forward, a) end, { x })
  forward:save(folder .. "/b.graph")
  forward:save(folder .. "/c.graph", { f16 = true })
  local exact, half = forward:run(x), vt.open_graph(folder .. "/c.graph"):run(x)
  assert(bytes(vt.open_graph(folder .. "/b.graph"):run(x)) == bytes(exact))
  assert((exact - half):abs():max():item() < 0.01 and bytes(exact) ~= bytes(half))
  raises("NOT_FOUND", "d.graph", vt.open_graph, folder .. "/d.graph")
  local text = graph:report()
  assert(vt.json.decode(text).steps[1].op)
end)

test("a saved graph is a model whose graphs go side by side", function()
  local folder, m = s.folder(), net()
  local x, y = batch(3)
  vt.capture(m.learn, { x, y }):save(folder .. "/a.graph")
  local opened = vt.open_graph(folder .. "/a.graph")
  local model = vt.model(folder .. "/a.graph")
  local info, a, b = model:info(), model:graph(), model:graph()
  s.equal({ info.architecture, info.n_vocab, info.size }, { "graph", 0, opened.kept_bytes })
  s.equal(a:inputs(), { { dtype = "f32", shape = { 8, 9 } }, { dtype = "i64", shape = { 8 } } })
  s.equal(a:outputs(), { { dtype = "f32", shape = {} } })
  for i = 1, 3 do
    local want = bytes((opened:run({ x, y }, { step = i })))
    assert(bytes((a:run({ x, y }, { step = i }))) == want)
    if i == 3 then model:close() end
    assert(bytes((b:run({ x, y }, { step = i }))) == want)
  end
  model = vt.model(folder .. "/a.graph")
  raises("UNSUPPORTED", "a.graph is a saved graph, no language model", model.tokenizer, model)
  raises("UNSUPPORTED", "session", model.session, model)
  raises("UNSUPPORTED", "kv", model.kv, model)
  raises("UNSUPPORTED", "batch", model.batch, model)
  local llama = vt.model(s.golden .. "/tiny_llama.gguf")
  raises("UNSUPPORTED", "no saved graph", llama.graph, llama)
end)

-- A denoiser of classes: input x, times and labels; with the bits of the plain run.
local function denoiser()
  local w, u, classes = vt.randn(5, 6, { seed = 1, std = 0.3 }), vt.randn(6, 5, { seed = 2, std = 0.3 }), vt.randn(4, 5, { seed = 3 })
  return function(x, t, labels)
    local h = x:linear(w) + (t:cast("f32") * 0.01):reshape(-1, 1):sin()
    if labels then h = h + classes:embedding(labels) end
    return h:gelu():linear(u)
  end
end

test("a saved graph is a solver's model, with the bits of the function", function()
  local folder, predict, x, labels, none = s.folder(), denoiser(), vt.randn(3, 6, { seed = 5 }), vt.tensor({ 1, 2, 3 }, { dtype = "i64" }), vt.zeros(3, { dtype = "i64" })
  local function solver(options)
    local o = { schedule = vt.schedule{}, kind = "dpm", steps = 7 } -- of second order
    for k, v in pairs(options or {}) do o[k] = v end
    return vt.solver(o)
  end
  local function saved(dtype, ...)
    vt.capture(predict, { x, vt.ones(3, { dtype = dtype }), ... }):save(folder .. "/net.graph")
    return vt.open_graph(folder .. "/net.graph")
  end
  for _, kind in ipairs{ "dpm", "ddim", "heun", "ancestral" } do
    local options = { kind = kind }
    local want = solver(options):begin(x, { 1, 2, 3 }):run(function(a, t) return predict(a, t) end)
    for _, dtype in ipairs{ "f32", "f64" } do
      local have = solver(options):begin(x, { 1, 2, 3 }):run(saved(dtype))
      s.equal(have.shape, { 3, 6 })
      if dtype == "f64" then assert(bytes(have) == bytes(want), kind) end
    end
  end
  local with = saved("f64", labels)
  local want = solver():begin(x):run(function(a, t) return predict(a, t, labels) end)
  assert(bytes(solver():begin(x):run(with, labels)) == bytes(want))
  local guided = { guidance = "cfg", guidance_scale = 3 }
  want = solver(guided):begin(x):run(function(a, t) return predict(a, t, labels), predict(a, t, none) end)
  assert(bytes(solver(guided):begin(x):run(with, labels, none)) == bytes(want))

  local function refused(code, text, options, start, ...)
    local one = solver(options):begin(start)
    raises(code, text, one.run, one, ...)
  end
  local plain = saved("f64")
  refused("SHAPE", "captured for 3 rows, the solver has 2", nil, vt.randn(2, 6, { seed = 1 }), plain)
  refused("SHAPE", "other extents", nil, vt.randn(3, 7, { seed = 1 }), plain)
  refused("DTYPE", "states of f32, the solver's are f64", { dtype = "f64" }, x:cast("f64"), plain)
  refused("INVALID", "this one takes 2", nil, x, plain, labels)
  refused("INVALID", "this one takes 3", nil, x, with)
  refused("DTYPE", "input 3", nil, x, with, labels:cast("i32"))
  refused("INVALID", "`plain`", guided, x, with, labels)
  refused("INVALID", "a function or a graph, got number", nil, x, 3)
  refused("SHAPE", "its result", nil, x, vt.capture(function(a, t) return a:sum() + t:sum():cast("f32") end, { x, vt.ones(3, { dtype = "f64" }) }))
  local momentum = vt.zeros(3, 6)
  local writes = vt.capture(function(a, t)
    vt.op.sgd_step(a, a * 1, momentum, { lr = 0.1, out = { a, vt.empty(3, 6) } })
    return a + t:cast("f32"):reshape(3, 1)
  end, { x * 1, vt.ones(3, { dtype = "f64" }) })
  refused("UNSUPPORTED", "writes to its input 1", nil, x, writes)
  refused("DTYPE", "times are f32 or f64", nil, x, vt.capture(function(a, t) return a + t:cast("f32"):reshape(3, 1) end, { x, labels }))
end)

s.done()
