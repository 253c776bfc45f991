--- What solver_search.lua searches: tables of steps, each with its time, prediction, order, relaxation and corrector. A time is the share of log(alpha / sigma) from the
-- noisy end to the clean one.
local vt = require "venturi"

local M = {}

local predictions, relaxations = { "data", "noise" }, { "none", "bh2", "bh1", "linear" }

--- A source of random numbers: random() in [0, 1), random(n) in 1..n, random "normal".
function M.randomness(seed)
  local at, block = 0, {}
  local function uniform()
    if #block == 0 then
      at = at + 1
      block = vt.rand(4096, { seed = seed, stream = at, dtype = "f64" }):totable()
    end
    return table.remove(block)
  end
  return function(n)
    if n == "normal" then return math.sqrt(-2 * math.log(1 - uniform())) * math.cos(2 * math.pi * uniform()) end
    return n and math.floor(uniform() * n) + 1 or uniform()
  end
end

local function step_of(order, prediction, relax, corrector)
  return { order = order, prediction = prediction, relax = relax or "none", coefficient = 0, corrector = corrector or false }
end

--- Solvers of the literature as tables: even steps, orders that rise and fall again.
function M.known(n)
  local list = {}
  for _, prediction in ipairs(predictions) do
    for order = 1, 3 do
      for _, corrects in ipairs{ false, true } do
        local t = { times = {}, steps = {} }
        for i = 1, n do
          t.times[i] = i / n
          t.steps[i] = step_of(math.min(order, i, n + 1 - i), prediction, order == 2 and "bh2" or "none", corrects)
        end
        list[#list + 1] = t
      end
    end
  end
  return list
end

-- Orders that history allows, times in order and apart, no corrector in the last step, whose prediction is never asked for.
local function settle(t)
  local n = #t.steps
  table.sort(t.times)
  t.times[n] = 1
  for i, s in ipairs(t.steps) do
    s.order = math.max(1, math.min(s.order, i, 4))
    if i == n then s.corrector = false end
  end
  for i = 1, n - 1 do t.times[i] = math.max(t.times[i], (t.times[i - 1] or 0) + 0.01) end
  for i = n - 1, 1, -1 do t.times[i] = math.min(t.times[i], t.times[i + 1] - 0.01) end
  return t
end

local function draw_step(random)
  local u = random()
  local order = u < 0.2 and 1 or u < 0.6 and 2 or u < 0.9 and 3 or 4
  local s = step_of(order, predictions[random(2)], relaxations[random(#relaxations)], random() < 0.5)
  s.coefficient = 0.03 * random "normal"
  return s
end

function M.random(random, n)
  local t = { times = {}, steps = {} }
  for i = 1, n do t.times[i], t.steps[i] = i / n * (1 + 0.2 * random "normal"), draw_step(random) end
  for i = 1, n do t.times[i] = math.max(0.01, math.min(0.99, t.times[i])) end
  return settle(t)
end

local function copy(t)
  local c = { times = table.move(t.times, 1, #t.times, 1, {}), steps = {} }
  for i, s in ipairs(t.steps) do
    c.steps[i] = {}
    for k, v in pairs(s) do c.steps[i][k] = v end
  end
  return c
end

function M.mutate(random, t)
  t = copy(t)
  for i, s in ipairs(t.steps) do
    if random() < 0.3 then t.times[i] = math.max(0.01, math.min(0.99, t.times[i] * (1 + 0.08 * random "normal"))) end
    if random() < 0.15 then s.order = s.order + (random() < 0.5 and 1 or -1) end
    if random() < 0.15 then s.prediction = predictions[random(2)] end
    if random() < 0.15 then s.relax = relaxations[random(#relaxations)] end
    if random() < 0.3 then s.coefficient = s.coefficient + 0.03 * random "normal" end
    if random() < 0.15 then s.corrector = not s.corrector end
  end
  return settle(t)
end

function M.cross(random, a, b)
  local t, other = copy(a), copy(b)
  for i in ipairs(t.steps) do
    if random() < 0.5 then t.steps[i] = other.steps[i] end
    if random() < 0.5 then t.times[i] = other.times[i] end
  end
  return settle(t)
end

local function derivatives(n, points, s)
  local list = {}
  for k = 1, n - 1 do list[k] = { points = points, relax = k == 1 and s and s.relax or nil, coefficient = k == 1 and s and s.relax == "linear" and s.coefficient or nil } end
  return #list > 0 and list or nil
end

--- Options of vt.solver for a table on a problem.
function M.options(problem, t)
  local ends = problem.schedule:levels{ problem.start, problem.finish }.log_snr
  local values, usf = {}, {}
  for i, share in ipairs(t.times) do values[i] = ends[1] + share * (ends[2] - ends[1]) end
  local times = problem.schedule:find(values)
  table.insert(times, 1, problem.start)
  times[#times] = problem.finish
  for i, s in ipairs(t.steps) do
    local back, ahead = {}, { -1 }
    for k = 1, s.order - 1 do back[k], ahead[k + 1] = k, k end
    usf[i] = { prediction = s.prediction, order = s.order, derivatives = derivatives(s.order, back, s) }
    if s.corrector then
      usf[i].corrector, usf[i].corrector_order, usf[i].corrector_derivatives = "pseudo", s.order + 1, derivatives(s.order + 1, ahead)
    end
  end
  return { kind = "usf", times = times, usf = usf }
end

--- Numbers that the predictor sees.
function M.features(t)
  local f = {}
  for i, s in ipairs(t.steps) do
    f[#f + 1] = t.times[i] * 6
    f[#f + 1] = s.order * 0.5
    f[#f + 1] = s.prediction == "data" and 1 or 0
    f[#f + 1] = s.corrector and 1 or 0
    f[#f + 1] = s.relax == "linear" and s.coefficient * 10 or 0
    f[#f + 1] = (s.relax == "bh1" or s.relax == "bh2") and 0.7 or 0
  end
  return f
end

--- x of a x = b for symmetric positive a [n, n] and b [n, 1], by conjugate gradients.
function M.solve(a, b)
  local x, r = b * 0, b
  local p, size = r, r:square():sum():item()
  for _ = 1, 200 do
    if size < 1e-18 then break end
    local q = a:matmul(p)
    local step = size / (p * q):sum():item()
    x, r = x + p * step, r - q * step
    local now = r:square():sum():item()
    p, size = r + p * (now / size), now
  end
  return x
end

--- One line a step.
function M.text(t)
  local lines = {}
  for i, s in ipairs(t.steps) do
    lines[i] = ("  to %.3f of log(alpha / sigma): %s, order %d%s%s"):format(t.times[i], s.prediction, s.order, s.order > 1 and s.relax ~= "none" and
      (s.relax == "linear" and (", relaxed by 1 %+.3f h"):format(s.coefficient) or ", relaxed as " .. s.relax) or "", s.corrector and ", corrected" or "")
  end
  return table.concat(lines, "\n")
end

return M
