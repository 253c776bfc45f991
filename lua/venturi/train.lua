--- Training: `vt.train.fit(net, options)` runs steps of an optimizer over batches; it is captured after the first step, resumes from a checkpoint to the bit,
-- logs, shows progress, and stops early.
--
--     batch        function(step) -> tensors; step counts from 0. A batch must be a function of its step, so that a run that goes on sees the same ones
--     loss         function(net, tensors...) -> a tensor without dims
--     steps        how many
--     optimizer    of vt.optim
--     schedule     function(step) -> learning rate; the optimizer's own by default
--     clip         the gradients' common norm is held to this
--     ema          a vt.optim.EMA of the net, updated after every step
--     captured     true: steps are replayed from a graph, one for each extents of a batch; false: run as they are
--     checkpoint   a path: the state is written there every `every` steps (500) and at the end; resume = true: a file that is there is gone on from
--     validate     function(net, step) -> { name = number }, called every `validate_every` steps (those of `every`) and at the end, without gradients
--     watch, patience, greater    stop when the measure `watch` has not become smaller (greater = true: greater) for `patience` calls of validate
--     log          a path: rows of numbers, .csv, or .jsonl with an object a line; log_every = 10 steps
--     progress     true: a line on stderr
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

-- Is the run over? Remembers the best measure.
local function watcher(opt)
  local best, since = nil, 0
  return function(measures)
    if not opt.watch then return false end
    local now = measures[opt.watch] or error(("train: validate gives no '%s' to watch"):format(opt.watch), 0)
    local better = best == nil or (opt.greater and now > best) or (not opt.greater and now < best)
    if better then best, since = now, 0 else since = since + 1 end
    return opt.patience and since >= opt.patience
  end
end

local function check(opt)
  for _, name in ipairs{ "batch", "loss", "steps", "optimizer" } do
    if not opt[name] then error(("train: option '%s' is missing"):format(name), 3) end
  end
  if opt.patience and not opt.watch then error("train: patience needs `watch`, the name of a measure", 3) end
  if opt.watch and not opt.validate then error("train: watch needs `validate`", 3) end
end

function M.fit(net, options)
  local opt = vt.options("train", defaults, options)
  check(opt)
  local first = opt.checkpoint and opt.resume and checkpoint.read(opt.checkpoint, net, opt) or 0
  local log = logs.open(opt.log, first)
  local bar = progress.new(opt.progress, first, opt.steps)
  local step, is_over = stepper(net, opt), watcher(opt)
  local result = { steps = first, losses = {}, measures = {}, stopped = "steps" }
  local sum, n = 0, 0
  net:train()

  local function validate(i)
    net:eval()
    local measures = vt.no_grad(opt.validate, net, i)
    net:train()
    if type(measures) ~= "table" then measures = { value = measures } end
    local row = { step = i }
    for name, value in pairs(measures) do row[name] = value end
    table.insert(result.measures, row)
    log:write(row)
    bar:note(measures)
    return is_over(measures)
  end

  local ok, err = pcall(function()
    for i = first, opt.steps - 1 do
      local loss, lr = step(i)
      if loss ~= loss or math.abs(loss) == math.huge then error(("train: the loss is %s at step %d"):format(loss, i), 0) end
      sum, n = sum + loss, n + 1
      result.steps = i + 1
      if (i + 1) % opt.log_every == 0 or i + 1 == opt.steps then
        table.insert(result.losses, { i + 1, sum / n })
        log:write{ step = i + 1, loss = sum / n, lr = opt.schedule and lr or nil }
        bar:show(i + 1, sum / n)
        sum, n = 0, 0
      end
      local is_last = i + 1 == opt.steps
      if opt.validate and ((i + 1) % (opt.validate_every or opt.every) == 0 or is_last) and validate(i + 1) then result.stopped = "patience" end
      if opt.checkpoint and ((i + 1) % opt.every == 0 or is_last or result.stopped == "patience") then checkpoint.write(opt.checkpoint, net, opt, i + 1) end
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
