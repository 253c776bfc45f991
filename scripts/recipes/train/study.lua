--- What the studies beside this file share: options of the command line, the digits, a training run, means with intervals, tables and charts.
local vt = require "venturi"

local M = {}

-- A wrong command line ends the script, with one line.
local function wrong(args, text)
  if not args[0] then error(text, 0) end
  io.stderr:write(args[0], ": ", text, "; --help lists the options\n")
  os.exit(2, true)
end

-- Prints the comment at the head of a script.
local function help(path)
  for line in io.lines(path) do
    local text = line:match "^%-%-%-? ?(.*)"
    if not text then break end
    print(text)
  end
end

-- The value of an option, of its default's type; what is counted is counted from 1.
local function value_of(args, name, text, default)
  if not text then wrong(args, ("option '--%s' needs a value"):format(name)) end
  if type(default) ~= "number" then return text end
  local value = tonumber(text)
  if not value or value ~= value or math.abs(value) == math.huge then wrong(args, ("option '--%s' needs a number, got '%s'"):format(name, text)) end
  if math.type(default) == "integer" and math.type(value) ~= "integer" then wrong(args, ("option '--%s' needs a whole number, got '%s'"):format(name, text)) end
  if math.type(default) == "integer" and default > 0 and name ~= "seed" and value < 1 then wrong(args, ("option '--%s' needs a number above 0, got '%s'"):format(name, text)) end
  return value
end

--- options(args, defaults): { name = value } from "--name VALUE"; "--quick" takes defaults.quick over the others. A number stays a number, and must be one.
-- "--help" prints the comment at the script's head and ends it.
function M.options(args, defaults)
  local opt, given, i = {}, {}, 1
  while args[i] do
    local name = args[i]:match "^%-%-(.+)$"
    if args[0] and (name == "help" or args[i] == "-h") then
      help(args[0])
      os.exit(0, true)
    elseif name == "quick" and defaults.quick then
      given.quick, i = true, i + 1
    elseif name and defaults[name] ~= nil and type(defaults[name]) ~= "table" then
      given[name] = value_of(args, name, args[i + 1], defaults[name])
      i = i + 2
    else
      wrong(args, ("unknown option '%s'"):format(args[i]))
    end
  end
  for name, value in pairs(defaults) do opt[name] = value end
  for name, value in pairs(given.quick and defaults.quick or {}) do opt[name] = value end
  for name, value in pairs(given) do opt[name] = value end
  return opt
end

--- The digits as pictures [n, 1, 8, 8] or rows [n, 64]: three quarters to train with, a quarter to test, by a seed of their own. set: "mnist-5k" for those of 28 x 28.
function M.digits(flat, set)
  if set and set ~= "digits" and set ~= "mnist-5k" then error(("there is no set '%s' of digits"):format(set), 0) end
  local all = vt.data.load(set or "digits")
  if flat then all.fields.x = all.fields.x:reshape{ all.count, -1 } end
  return all:split(0.75, { seed = 2024 })
end

--- Bytes of a text as windows [n, context + 1], each of which begins where the one before has its last byte.
function M.windows(text, context)
  local n = (#text - 1) // context
  return vt.from_string(text, "u8", { #text }):cast("i64"):unfold{ dim = 1, size = context + 1, step = context }[{ { 1, n } }]:copy()
end

--- Error in percent of a net on a data set.
function M.error_of(net, set)
  net:eval()
  local errors = vt.no_grad(function() return net(set.fields.x):argmax{ dim = 2 }:ne(set.fields.y):sum():item() end)
  net:train()
  return 100 * errors / set.count
end

--- A classifier trained by SGD with momentum over an order of the data set (its rounds, one after the other).
-- opt: { set, order, batch, steps, lr, kind = of the schedule, loss = function(net, x, y, index), validate, validate_every = of train.fit }
function M.train(net, opt)
  local set, order = opt.set, opt.order
  local per_round = math.ceil(order.length / opt.batch) -- the last batch of a round may be smaller
  local round, indices = -1, nil
  vt.train.fit(net, {
    steps = opt.steps, optimizer = vt.optim.SGD(net:parameters(), { lr = opt.lr, momentum = 0.9 }),
    schedule = vt.optim.schedule{ kind = opt.kind or "cosine", lr = opt.lr, total = opt.steps },
    batch = function(step)
      if step // per_round ~= round then
        round = step // per_round
        indices = order:round(round)
      end
      local first = step % per_round * opt.batch
      local index = indices[{ { first + 1, math.min(first + opt.batch, order.length) } }]:copy()
      return set.fields.x[index], set.fields.y[index], index
    end,
    validate = opt.validate, validate_every = opt.validate_every,
    loss = opt.loss or function(model, x, y) return vt.op.cross_entropy(model(x), y) end,
  })
  return net
end

-- Student's t at 97.5 % for 1, 2, ... degrees of freedom.
local student = { 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13 }

--- Mean of a list, and half of its 95 % interval.
function M.interval(list)
  local n, sum, squares = #list, 0, 0
  for _, v in ipairs(list) do sum = sum + v end
  local mean = sum / n
  for _, v in ipairs(list) do squares = squares + (v - mean) ^ 2 end
  if n < 2 then return mean, 0 end
  return mean, (student[n - 1] or 1.96 + 2.6 / n) * math.sqrt(squares / (n - 1) / n)
end

--- What a has more than b, item by item.
function M.paired(a, b)
  local list = {}
  for i = 1, #a do list[i] = a[i] - b[i] end
  return list
end

--- "3.21 ± 0.15"
function M.text(mean, half, digits)
  digits = digits or 2
  return ("%." .. digits .. "f ± %." .. digits .. "f"):format(mean, half)
end

--- "+0.012 ± 0.020", a difference
function M.signed(mean, half, digits)
  return (mean < 0 and "" or "+") .. M.text(mean, half, digits or 3)
end

--- Prints rows, lists of cells, as columns; the first row is the head.
function M.table(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for c, cell in ipairs(row) do widths[c] = math.max(widths[c] or 0, utf8.len(cell)) end
  end
  for _, row in ipairs(rows) do
    local cells = {}
    for c, cell in ipairs(row) do
      local space = (" "):rep(widths[c] - utf8.len(cell))
      cells[c] = c == 1 and cell .. space or space .. cell
    end
    print((table.concat(cells, "  "):gsub("%s+$", "")))
  end
end

--- Writes a chart where the option says so, and says where it is.
function M.write(path, svg)
  if not path or path == "" then return end
  local file = assert(io.open(path, "w"))
  file:write(svg)
  file:close()
  print("chart: " .. path)
end

return M
