--- Training runs: captured as eager, resumed to the bit, stopped early, logged.
local vt = require "venturi"
local support = require "support"
local test, equal, raises = support.test, support.equal, support.raises
local nn, optim = vt.nn, vt.optim

local STEPS = 12

local function batch(i)
  local x = vt.randn(8, 6, { seed = 7, stream = i })
  return x, x:slice{ dim = 2, start = 0, stop = 3 }:argmax{ dim = 2 }
end

local function loss(net, x, y) return vt.op.cross_entropy(net(x), y) end

-- A net with everything that has a state or draws numbers.
local function make()
  nn.seed(5)
  local net = nn.Sequential{ nn.Linear(6, 16), nn.BatchNorm(16), nn.ReLU(), nn.Dropout(0.2), nn.Lambda(function(x) return x:reshape{ 8, 2, 8 } end),
    nn.TransformerBlock(8, 2, { dropout = 0.1, mlp = 16 }), nn.Flatten(), nn.Linear(16, 3) }
  local opt = optim.AdamW(net:parameters(), { lr = 1e-2 })
  return net, opt, optim.EMA(net, { decay = 0.9 })
end

local function run(options)
  local net, opt, ema = make()
  local all = { batch = batch, loss = loss, steps = STEPS, optimizer = opt, ema = ema, clip = 1, log_every = 1,
    schedule = optim.schedule{ kind = "rex", lr = 1e-2, total = STEPS, warmup = 3 } }
  for key, value in pairs(options or {}) do all[key] = value end
  return vt.train.fit(net, all), net, ema, opt
end

local function bytes(state)
  local names, parts = {}, {}
  for name in pairs(state) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = name .. state[name]:tostring_bytes() end
  return table.concat(parts)
end

test("captured steps give the bits of steps run as they are", function()
  local a, net_a, ema_a, opt_a = run{ captured = false }
  local b, net_b, ema_b, opt_b = run()
  equal(a.losses, b.losses)
  assert(bytes(net_a:state()) == bytes(net_b:state()), "nets differ")
  assert(bytes(ema_a:state()) == bytes(ema_b:state()), "averages differ")
  assert(bytes(opt_a:state()) == bytes(opt_b:state()), "optimizers differ")
  assert(b.losses[STEPS][2] < b.losses[1][2])
end)

test("a run that was ended goes on to the same bits, whenever it was ended", function()
  local _, whole = run()
  for _, captured in ipairs{ true, false } do
    for _, at in ipairs{ 1, 4, 11 } do
      local path = os.tmpname()
      os.remove(path)
      -- Ended between two checkpoints: what came after the last one is done again.
      local function dies(i)
        if i == at then error("killed", 0) end
        return batch(i)
      end
      raises("killed", run, { checkpoint = path, every = 2, batch = dies, captured = captured })
      local second, net = run{ checkpoint = path, every = 2, captured = captured }
      equal(second.steps, STEPS)
      assert(bytes(net:state()) == bytes(whole:state()), "ended at " .. at)
      os.remove(path)
    end
  end
end)

test("a checkpoint of another net is refused by name", function()
  local path = os.tmpname()
  os.remove(path)
  run{ checkpoint = path, steps = 2 }
  local net = nn.Linear(6, 3)
  local function fit(options)
    local all = { batch = batch, loss = loss, steps = 2, optimizer = optim.SGD(net:parameters(), {}), checkpoint = path }
    for key, value in pairs(options or {}) do all[key] = value end
    return vt.train.fit(net, all)
  end
  raises("load_state: 'weight' is missing", fit)
  vt.save(path, { x = vt.zeros(1) })
  raises("is no checkpoint", fit)
  equal(fit{ resume = false }.steps, 2)
  os.remove(path)
end)

test("logs have a row a step; one that goes on repeats none", function()
  for _, ending in ipairs{ ".csv", ".jsonl" } do
    local path, log = os.tmpname(), os.tmpname()
    os.remove(path)
    os.remove(log)
    log = log .. ending
    local function dies(i)
      if i == 5 then error("killed", 0) end
      return batch(i)
    end
    raises("killed", run, { checkpoint = path, every = 2, batch = dies, log = log })
    run{ checkpoint = path, every = 2, log = log, validate = function() return { accuracy = 0.5 } end }
    local steps = {}
    for line in io.lines(log) do
      local at, what = line:match "^(%d+),(.*)"
      if not at then at, what = line:match '"step": ?(%d+)', line end
      if at and not what:find "accuracy" then steps[#steps + 1] = math.tointeger(at) end
    end
    local want = {}
    for i = 1, STEPS do want[i] = i end
    equal(steps, want, log)
    os.remove(path)
    os.remove(log)
  end
end)

test("it stops when a measure gets no better", function()
  local values, seen = { 3, 2, 2.5, 2.2, 1 }, 0
  local result = run{ validate_every = 2, watch = "error", patience = 2, validate = function()
    seen = seen + 1
    return { error = values[seen] }
  end }
  equal(result.stopped, "patience")
  equal(result.steps, 8)
  equal(#result.measures, 4)
end)

test("a run that was ended stops where it would have, with the same log and plateau", function()
  local values = { 3, 2, 2.5, 2.2, 2.1, 2.4, 2.3, 9, 9, 9, 9, 9 }
  local function fit(options)
    local log, path = os.tmpname(), options.checkpoint
    os.remove(log)
    local plateau = optim.plateau{ lr = 1e-2, factor = 0.5, patience = 1 }
    local all = { validate_every = 1, every = 1, watch = "error", patience = 5, log_every = 3, log = log .. ".jsonl", schedule = plateau, checkpoint = path,
      validate = function(_, i) return { error = values[i], strange = i == 2 and 0 / 0 or 1 / 0 } end }
    for key, value in pairs(options) do all[key] = value end
    local ok, result = pcall(run, all)
    local lines = {}
    for line in io.lines(log .. ".jsonl") do
      if line:find '"loss"' then lines[#lines + 1] = line end
      assert(vt.json.decode(line))
    end
    os.remove(log .. ".jsonl")
    return ok and result, lines, plateau.rate
  end
  local whole, want, rate = fit{}
  equal({ whole.stopped, whole.steps, rate < 1e-2 }, { "patience", 7, true })
  for at = 1, 6 do
    local path = os.tmpname()
    os.remove(path)
    fit{ checkpoint = path, batch = function(i) return i == at and error("killed", 0) or batch(i) end }
    local second, lines, same = fit{ checkpoint = path }
    equal({ second.stopped, second.steps, same }, { "patience", 7, rate }, "ended at " .. at)
    equal(lines[#lines], want[#want], "ended at " .. at)
    equal(fit{ checkpoint = path }.steps, 7) -- over is over
    os.remove(path)
  end
end)

test("a step that uses neither rate nor number nor average is captured too", function()
  nn.seed(1)
  local net = nn.Linear(6, 3)
  local result = vt.train.fit(net, { batch = batch, loss = loss, steps = 5, optimizer = optim.SGD(net:parameters(), { lr = 0.1 }) })
  equal(result.steps, 5)
end)

test("what is wrong is said", function()
  raises("option 'steps' is missing", run, { steps = false })
  raises("unknown option 'step'", run, { step = 3 })
  raises("patience needs", run, { patience = 3 })
  raises("watch needs", run, { watch = "x" })
  raises("gives no 'x' to watch", run, { watch = "x", validate = function() return { y = 1 } end })
  raises("the loss is", run, { captured = false, loss = function(net, x, y) return loss(net, x, y) / 0 end })
  raises("validate gives a string as 'x'", run, { validate = function() return { x = "y" } end })
  raises("log_every must be", run, { log_every = 0 })
  raises("steps must be", run, { steps = 1.5 })
  raises("a plateau needs", run, { schedule = optim.plateau{ lr = 1 } })
  raises(".csv or a .jsonl", run, { log = "x.txt" })
end)

support.done()
