--- Training: `vt.train.fit(net, options)` runs steps of an optimizer over batches; it is captured after the first step, resumes from a checkpoint to the bit,
-- logs, shows progress, and stops early.
--
--     batch        function(step) -> tensors; step counts from 0. A batch must be a function of its step, so that a run that goes on sees the same ones
--     loss         function(net, tensors...) -> a tensor without dims
--     steps        how many
--     optimizer    of vt.optim
--     schedule     function(step) -> learning rate, or a vt.optim.plateau, which is told the measure `watch`; the optimizer's own by default
--     clip         the gradients' common norm is held to this
--     ema          a vt.optim.EMA of the net, updated after every step
--     captured     true: steps are replayed from a graph, one for each extents of a batch; false: run as they are
--     checkpoint   a path: the state is written there every `every` steps (500) and at the end; resume = true: a file that is there is gone on from
--     validate     function(net, step) -> { name = number }, called every `validate_every` steps (those of `every`) and at the end, without gradients
--     watch, patience, greater    stop when the measure `watch` has not become smaller (greater = true: greater) for `patience` calls of validate
--     log          a path: rows of numbers, .csv, or .jsonl with an object a line; log_every = 10 steps
--     progress     true: a line on stderr
--
-- A checkpoint has the net, the optimizer, the average, and what this loop remembers (the best measure, a plateau, the losses since the last row), so that a run
-- that goes on stops where it would have, too. What it returns begins where it went on.
--
-- Returns { steps, losses = { { step, loss } ... }, measures = { { step, name = number } ... }, stopped = what ended it }.
local vt = require "venturi"
local checkpoint = require "venturi.train.checkpoint"
local logs = require "venturi.train.log"
local progress = require "venturi.train.progress"
local random = require "venturi.nn.random"

local M = {}

local defaults = { batch = false, loss = false, steps = false, optimizer = false, schedule = false, clip = false, ema = false, captured = true, checkpoint = false,
  every = 500, resume = true, validate = false, validate_every = false, watch = false, patience = false, greater = false, log = false, log_every = 10, progress = false }

-- One step as a function of the batch. lr, step and the rates of averages are variables: a graph is run with those of the day.
local function stepper(net, opt)
  local lr, number, rate = vt.var("lr", 0), vt.var("step", 1), vt.var("ema", 0)
  local layers = vt.var("layers' step", 0)
  local params = net:parameters()
  local function step(...)
    local loss = opt.loss(net, ...)
    loss:backward()
    if opt.clip then vt.optim.clip_grad_norm(params, opt.clip) end
    local over = { step = number }
    if opt.schedule then over.lr = lr end
    opt.optimizer:step(over)
    opt.optimizer:zero_grad()
    if opt.ema then opt.ema:update{ rate = rate } end
    return loss:detach()
  end
  local variables = { lr, number, rate, layers }
  local run = opt.captured and vt.compiled(step, { vars = variables }) or step
  return function(i)
    if opt.schedule then lr.value = opt.schedule(i) end
    number.value = i + 1
    random.set_step(i, layers, variables)
    if opt.ema then rate.value = opt.ema:rate(i + 1) end
    local loss = run(opt.batch(i))
    opt.optimizer.steps = i + 1
    if opt.ema then opt.ema.updates = i + 1 end
    return loss:item(), lr.value
  end
end

-- What the loop itself remembers from step to step, for checkpoints: is the run over, and the losses of the row to come.
local Memory = {}
Memory.__index = Memory

function Memory:is_over(opt, measures)
  if not opt.watch then return false end
  local now = measures[opt.watch] or error(("train: validate gives no '%s' to watch"):format(opt.watch), 0)
  local better = not self.best or self.best ~= self.best or (opt.greater and now > self.best) or (not opt.greater and now < self.best)
  if better then self.best, self.since = now, 0 else self.since = self.since + 1 end
  if type(opt.schedule) == "table" and opt.schedule.seen then opt.schedule:seen(now) end
  return opt.patience and self.since >= opt.patience or false
end

function Memory:state(opt)
  local state = { memory = vt.tensor({ self.sum, self.n, self.since, self.best or 0, self.best and 1 or 0, self.over and 1 or 0 }, { dtype = "f64" }) }
  for name, t in pairs(type(opt.schedule) == "table" and opt.schedule.state and opt.schedule:state() or {}) do state["schedule." .. name] = t end
  return state
end

-- A checkpoint of a version that did not write it begins afresh.
function Memory:load_state(opt, state)
  if not state.memory then return end
  local list, schedule = state.memory:totable(), {}
  self.sum, self.n, self.since, self.best, self.over = list[1], math.tointeger(list[2]), math.tointeger(list[3]), list[5] == 1 and list[4] or nil, list[6] == 1
  for name, t in pairs(state) do
    if name:find "^schedule%." then schedule[name:sub(10)] = t end
  end
  if type(opt.schedule) == "table" and opt.schedule.load_state then opt.schedule:load_state(schedule) end
end

local function check(opt)
  for _, name in ipairs{ "batch", "loss", "steps", "optimizer" } do
    if not opt[name] then error(("train: option '%s' is missing"):format(name), 3) end
  end
  for name, least in pairs{ steps = 0, every = 1, validate_every = 1, log_every = 1, patience = 1 } do
    local v = opt[name]
    if v and (type(v) ~= "number" or v ~= math.floor(v) or v < least) then
      error(("train: %s must be an integer of %d or more, got %s"):format(name, least, tostring(v)), 3)
    end
  end
  if opt.patience and not opt.watch then error("train: patience needs `watch`, the name of a measure", 3) end
  if opt.watch and not opt.validate then error("train: watch needs `validate`", 3) end
  if type(opt.schedule) == "table" and opt.schedule.seen and not opt.watch then error("train: a plateau needs `watch`, the name of a measure", 3) end
end

function M.fit(net, options)
  local opt = vt.options("train", defaults, options)
  check(opt)
  local memory = setmetatable({ sum = 0, n = 0, since = 0, over = false }, Memory)
  local first = opt.checkpoint and opt.resume and checkpoint.read(opt.checkpoint, net, opt, memory) or 0
  local log = logs.open(opt.log, first)
  local bar = progress.new(opt.progress, first, opt.steps)
  local step = stepper(net, opt)
  local result = { steps = first, losses = {}, measures = {}, stopped = memory.over and "patience" or "steps" }
  net:train()

  local function validate(i)
    net:eval()
    local measures = vt.no_grad(opt.validate, net, i)
    net:train()
    if type(measures) ~= "table" then measures = { value = measures } end
    local row = { step = i }
    for name, value in pairs(measures) do
      if type(value) ~= "number" then error(("train: validate gives a %s as '%s', not a number"):format(type(value), name), 0) end
      row[name] = value
    end
    table.insert(result.measures, row)
    log:write(row)
    bar:note(measures)
    return memory:is_over(opt, measures)
  end

  local ok, err = pcall(function()
    for i = first, memory.over and first - 1 or opt.steps - 1 do
      local loss, lr = step(i)
      if loss ~= loss or math.abs(loss) == math.huge then error(("train: the loss is %s at step %d"):format(loss, i), 0) end
      memory.sum, memory.n = memory.sum + loss, memory.n + 1
      result.steps = i + 1
      if (i + 1) % opt.log_every == 0 or i + 1 == opt.steps then
        local mean = memory.sum / memory.n
        table.insert(result.losses, { i + 1, mean })
        log:write{ step = i + 1, loss = mean, lr = opt.schedule and lr or nil }
        bar:show(i + 1, mean)
        memory.sum, memory.n = 0, 0
      end
      local is_last = i + 1 == opt.steps
      if opt.validate and ((i + 1) % (opt.validate_every or opt.every) == 0 or is_last) and validate(i + 1) then result.stopped, memory.over = "patience", true end
      if opt.checkpoint and ((i + 1) % opt.every == 0 or is_last or result.stopped == "patience") then checkpoint.write(opt.checkpoint, net, opt, i + 1, memory) end
      if result.stopped == "patience" then break end
    end
  end)
  random.set_step()
  log:close()
  bar:done()
  if not ok then error(err, 0) end
  return result
end

M.checkpoint = checkpoint

return M
