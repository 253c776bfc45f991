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

s.done()
