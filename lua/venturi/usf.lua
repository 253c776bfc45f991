--- Solver schedules of the unified sampling framework (Liu et al. 2023) and the search for a good one (S3): times and, step by step, what is predicted, the order of the Taylor
-- series, how many earlier predictions estimate its first derivative, how that is relaxed, and whether the step is corrected.
--
-- A schedule is { times = n + 1 numbers, steps = list of { prediction = "data" | "noise", order = 1 to 4, estimate = points of the first derivative (nil: order - 1),
-- relax = nil | "bh2" | "bh1" | "exp" | "minus_exp" | "linear", coefficient =, correct = boolean }, first = "asked" | "zero" }.
local vt = require "venturi"

local M = {}

local function count_to(n, first)
  local list = { first }
  for k = 1, n do list[#list + 1] = k end
  return list
end

-- The derivatives of a series: all from `points`, the first one perhaps from fewer.
local function derivatives(order, points, step)
  local list = {}
  for k = 1, order - 1 do list[k] = { points = points } end
  if list[1] and step then
    local fewer = step.estimate and step.estimate < #points and count_to(step.estimate) or points
    list[1] = { points = fewer, relax = step.relax, coefficient = step.coefficient }
  end
  return list
end

--- Options of vt.solver for a schedule. Orders are cut to what earlier predictions allow; the last step is never corrected.
function M.options(s)
  local rows = {}
  for i, step in ipairs(s.steps) do
    local order = math.min(step.order, i)
    local row = { prediction = step.prediction, order = order, derivatives = derivatives(order, count_to(order - 1), step) }
    if step.correct and i < #s.steps then
      row.corrector, row.corrector_order = "pseudo", order + 1
      row.corrector_derivatives = derivatives(order + 1, count_to(order - 1, -1))
    end
    rows[i] = row
  end
  return { kind = "usf", usf = rows, times = s.times, first = s.first }
end

--- How often a schedule asks the model.
function M.evaluations(s) return #s.steps - (s.first == "zero" and 1 or 0) end

--- A schedule as solvers without search have it: one prediction, orders that rise to `order` and fall at the end.
-- o: times, order, prediction ("data"), relax, correct
function M.baseline(o)
  local s = { times = table.move(o.times, 1, #o.times, 1, {}), steps = {}, first = "asked" }
  local n = #o.times - 1
  for i = 1, n do
    local order = math.min(o.order, i, n - i + 1)
    s.steps[i] = { prediction = o.prediction or "data", order = order, relax = order == 2 and o.relax or nil, correct = o.correct or false }
  end
  return s
end

local function copy(s)
  local c = { times = table.move(s.times, 1, #s.times, 1, {}), steps = {}, first = s.first }
  for i, step in ipairs(s.steps) do
    c.steps[i] = {}
    for k, v in pairs(step) do c.steps[i][k] = v end
  end
  return c
end

-- ---- chance ----

--- A source of numbers: pick(weights) -> key, number() in [0, 1), normal().
function M.source(seed)
  local list, at, first = {}, 0, 0
  local source = {}
  function source.number()
    if at == #list then
      list, at = vt.random.uniform(seed, 256, { first = first }), 0
      first = first + 256
    end
    at = at + 1
    return list[at]
  end
  function source.normal() return math.sqrt(-2 * math.log(1 - source.number())) * math.cos(2 * math.pi * source.number()) end
  -- Pairs in a list, not a table of keys: their order is the same in every run.
  function source.pick(pairs_)
    local sum, u = 0, source.number()
    for _, p in ipairs(pairs_) do sum = sum + p[2] end
    for _, p in ipairs(pairs_) do
      u = u - p[2] / sum
      if u < 0 then return p[1] end
    end
    return pairs_[#pairs_][1]
  end
  return source
end

--- Shares of the authors' search on images; what their third kind of prediction, which needs a model's statistics, had is shared out.
M.space = {
  order = { { 1, 0.2 }, { 2, 0.4 }, { 3, 0.3 }, { 4, 0.1 } }, prediction = { { "noise", 0.5 }, { "data", 0.5 } }, correct = { { false, 0.5 }, { true, 0.5 } },
  estimate = { { 1, 0.5 }, { 2, 0.5 } }, relax = { { "none", 0.5 }, { "linear", 0.2 }, { "bh2", 0.1 }, { "bh1", 0.1 }, { "exp", 0.05 }, { "minus_exp", 0.05 } },
  first = { { "asked", 0.5 }, { "zero", 0.5 } }, coefficient = 0.03, time = 0.08, change = 0.3, cross = 0.3, whole_steps = 0.5,
}

local function draw_part(key, step, source, space)
  if key == "relax" then
    local relax = source.pick(space.relax)
    step.relax = relax ~= "none" and relax or nil
    step.coefficient = relax == "linear" and space.coefficient * source.normal() or nil
  else
    step[key] = source.pick(space[key])
  end
end

local parts = { "order", "prediction", "correct", "estimate", "relax" }

local function draw_step(source, space)
  local step = {}
  for _, key in ipairs(parts) do draw_part(key, step, source, space) end
  return step
end

-- Moves inner times, each relative to itself, and keeps them falling.
local function move_times(times, share, source, space)
  local n, from, to = #times, times[1], times[#times]
  local spread = space.time * 4 ^ (1 - 2 * source.number()) -- four times less to four times more
  for i = 2, n - 1 do
    if source.number() < share then times[i] = times[i] * math.exp(spread * source.normal()) end
  end
  table.sort(times, function(a, b) return a > b end)
  local least = (from - to) * 1e-6
  times[1], times[n] = from, to
  for i = 2, n - 1 do times[i] = math.min(times[i], times[i - 1] - least) end
  for i = n - 1, 2, -1 do times[i] = math.max(times[i], times[i + 1] + least) end
end

-- As many steps as so many evaluations are: the longest gap (of logarithms) is cut, or the shortest joined.
local function fit(s, evaluations, source, space)
  local n = evaluations + (s.first == "zero" and 1 or 0)
  local function gap(i) return math.log(s.times[i] / s.times[i + 1]) end
  while #s.steps < n do
    local best = 1
    for i = 2, #s.steps do if gap(i) > gap(best) then best = i end end
    table.insert(s.times, best + 1, math.sqrt(s.times[best] * s.times[best + 1]))
    table.insert(s.steps, best + 1, draw_step(source, space))
  end
  while #s.steps > n do
    local best = 2
    for i = 3, #s.steps do if gap(i - 1) + gap(i) < gap(best - 1) + gap(best) then best = i end end
    table.remove(s.times, best)
    table.remove(s.steps, best)
  end
  return s
end

--- A schedule by chance. times: lists to begin from, of which one is taken and moved.
function M.random(times, evaluations, source, space)
  space = space or M.space
  local from = times[1 + math.floor(source.number() * #times)]
  local s = { times = table.move(from, 1, #from, 1, {}), steps = {}, first = source.pick(space.first) }
  for i = 1, #from - 1 do s.steps[i] = draw_step(source, space) end
  fit(s, evaluations, source, space)
  move_times(s.times, 1, source, space)
  return s
end

--- A changed copy: now in many choices, now in few, now only a little in its times.
function M.mutate(s, source, space)
  space = space or M.space
  local c, n = copy(s), M.evaluations(s)
  local strength = source.pick{ { 0, 1 }, { 0.15, 1 }, { 0.5, 1 } }
  for _, step in ipairs(c.steps) do
    for _, key in ipairs(parts) do
      if source.number() < space.change * strength then draw_part(key, step, source, space) end
    end
    if step.relax == "linear" and source.number() < space.change then step.coefficient = (step.coefficient or 0) + space.coefficient * source.normal() end
  end
  if source.number() < space.change * strength then c.first = source.pick(space.first) end
  fit(c, n, source, space)
  move_times(c.times, strength == 0 and 1 or space.change, source, space)
  return c
end

--- A child of two schedules of equally many evaluations: times of one, and steps of both, whole or part by part.
function M.crossover(a, b, source, space)
  space = space or M.space
  local c = copy(source.number() < 0.5 and a or b)
  local is_whole = source.number() < space.whole_steps
  for i, step in ipairs(c.steps) do
    local other = b.steps[i] or b.steps[#b.steps]
    if is_whole and source.number() < 0.5 then
      for _, key in ipairs(parts) do step[key] = other[key] end
      step.coefficient = other.coefficient
    elseif not is_whole then
      for _, key in ipairs(parts) do
        if source.number() < 0.5 then
          step[key] = other[key]
          if key == "relax" then step.coefficient = other.coefficient end
        end
      end
    end
  end
  return c
end

-- ---- what a score is expected to be ----

--- Numbers that say what a schedule is, equally many for all of so many evaluations. schedule: of noise, whose log(alpha / sigma) places the times.
function M.features(s, schedule)
  local at, f = schedule:levels(s.times).log_snr, { s.first == "zero" and 1 or 0 }
  local empty = { order = 0 }
  for i = 1, M.evaluations(s) + 1 do
    local step = s.steps[i] or empty
    local order, here = math.min(step.order, i), at[i] or at[#at]
    for _, v in ipairs{ here / 3, ((at[i + 1] or here) - here) / 2, order, step.prediction == "noise" and 1 or 0, step.correct and 1 or 0,
      order > 2 and step.estimate == 1 and 1 or 0, order > 1 and step.relax and 1 or 0, order > 1 and (step.coefficient or 0) * 10 or 0 } do f[#f + 1] = v end
  end
  return f
end

local function kernel(a, b, width)
  local sum = 0
  for i = 1, #a do sum = sum + (a[i] - b[i]) ^ 2 end
  return math.exp(-sum / width)
end

-- Solves (K + ridge) w = y by Cholesky's factors, in place.
local function solve(K, y, ridge)
  local n, w = #y, {}
  for i = 1, n do
    for j = 1, i do
      local sum = K[i][j] + (i == j and ridge or 0)
      local a, b = K[i], K[j]
      for k = 1, j - 1 do sum = sum - a[k] * b[k] end
      K[i][j] = i == j and math.sqrt(sum) or sum / b[j]
    end
  end
  for i = 1, n do
    local sum = y[i]
    for k = 1, i - 1 do sum = sum - K[i][k] * w[k] end
    w[i] = sum / K[i][i]
  end
  for i = n, 1, -1 do
    local sum = w[i]
    for k = i + 1, n do sum = sum - K[k][i] * w[k] end
    w[i] = sum / K[i][i]
  end
  return w
end

--- A predictor of log(score) by kernel ridge regression over tried schedules: list of { features =, score = }, scores above 0. Returns function(features).
function M.predictor(tried, ridge)
  local mean, y, K, dim = 0, {}, {}, #tried[1].features
  for i, t in ipairs(tried) do y[i] = math.log(t.score) end
  for _, v in ipairs(y) do mean = mean + v / #y end
  for i, t in ipairs(tried) do
    y[i], K[i] = y[i] - mean, {}
    for j = 1, i do K[i][j] = kernel(t.features, tried[j].features, dim) end
  end
  local w = solve(K, y, ridge or 0.05)
  return function(features)
    local sum = mean
    for i, t in ipairs(tried) do sum = sum + w[i] * kernel(features, t.features, dim) end
    return sum
  end
end

-- ---- the search ----

local function by_score(a, b)
  if a.score ~= b.score then return a.score < b.score end
  return a.number < b.number
end

-- The children to be tried next: of many, those that the predictor thinks best.
local function breed(tried, o, source)
  local pool, parents = {}, math.min(#tried, o.parents or 15)
  local predict = M.predictor(tried)
  for i = 1, 8 * o.batch do
    local function parent() return tried[1 + math.floor(source.number() * parents)].schedule end
    local child = source.number() < o.space.cross and M.crossover(parent(), parent(), source, o.space) or parent()
    child = M.mutate(child, source, o.space)
    local features = M.features(child, o.schedule)
    pool[i] = { schedule = child, features = features, score = predict(features), number = i }
  end
  table.sort(pool, by_score)
  return pool
end

--- Searches for a schedule of so many evaluations whose score is least.
-- o: score = function(schedule) -> number above 0 (nil or NaN: as bad as can be), schedule (of noise), evaluations (of the model), budget (schedules tried), start = list of
-- schedules tried first, times = lists of times that random ones begin from, n_random = 20 (tried next), batch = 10 (tried between trainings), parents = 15, seed = 1,
-- space; blind = true: all by chance, without parents and predictor; on_try = function(number, score, best)
-- @treturn table { schedule, score, number } of the best, and the list of all in the order of their trial
function M.search(o)
  local source, tried, all = M.source(o.seed or 1), {}, {}
  local own = { schedule = o.schedule, batch = o.batch or 10, parents = o.parents, space = o.space or M.space }
  local function try(s, features)
    if #all >= o.budget then return end
    local score = o.score(s)
    if not score or score ~= score or score > 1e6 then score = 1e6 end
    local entry = { schedule = s, features = features or M.features(s, o.schedule), score = math.max(score, 1e-300), number = #all + 1 }
    all[#all + 1], tried[#tried + 1] = entry, entry
    table.sort(tried, by_score)
    if o.on_try then o.on_try(entry.number, entry.score, tried[1].score) end
  end
  for _, s in ipairs(o.start or {}) do try(s) end
  for _ = 1, o.blind and o.budget or o.n_random or 20 do try(M.random(o.times, o.evaluations, source, own.space)) end
  while #all < o.budget do
    local pool = breed(tried, own, source)
    for i = 1, own.batch do try(pool[i].schedule, pool[i].features) end
  end
  return tried[1], all
end

return M
