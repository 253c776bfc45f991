--- Search over noise at inference: random, zero-order, and over paths.
-- "Inference-Time Scaling for Diffusion Models beyond Scaling Denoising Steps", section 3.2. Many searches run side by side: the candidates of one lie together.
--
-- A task is { noise = function(n) -> fresh noise [n, ...], sample = function(noise) -> samples, verify = function(samples) -> scores [n] (larger is better), cost =
-- predictions a sample takes }. A search answers { x = its best sample a row, noise =, score =, curve = list of { candidates, mean best score }, cost = }.
local vt = require "venturi"

local M = {}

-- Rows of the best of each n neighbours.
local function best_of(scores, searches, n)
  return scores:reshape{ searches, n }:argmax{ dim = 2 } + vt.arange(searches) * n
end

local function rows(x, index) return x:index_select(index, { dim = 1 }) end

-- Each row n times, one behind the other.
local function repeated(x, n) return rows(x, vt.arange(x.shape[1]):reshape{ -1, 1 }:expand{ x.shape[1], n }:reshape{ -1 }) end

-- Takes a row of b where its score is larger.
local function better(a, b, score_a, score_b)
  local takes = score_b:gt(score_a)
  local shape = { -1 }
  for _ = 2, #a.shape do shape[#shape + 1] = 1 end
  return vt.op.where(takes:reshape(shape):expand(a.shape), b, a), vt.op.where(takes, score_b, score_a)
end

--- Random search: the best of `candidates` noises.
function M.random(task, opt)
  local s, n = opt.searches or 1, opt.candidates
  local noise = task.noise(s * n)
  local x = task.sample(noise)
  local scores = task.verify(x)
  local curve, table_of, best = {}, scores:reshape{ s, n }, nil
  for k = 1, n do
    local column = table_of:select{ dim = 2, index = k - 1 }
    best = best and best:maximum(column) or column
    curve[k] = { k, best:mean():item() }
  end
  local index = best_of(scores, s, n)
  return { x = rows(x, index), noise = rows(noise, index), score = rows(scores, index), curve = curve, cost = n * task.cost }
end

--- Zero-order search: neighbours at a distance `radius` of a pivot, which the best of them becomes if it is better. The form that keeps the noise's length is used:
-- y = sqrt(1 - radius^2) pivot + radius z.
function M.zero_order(task, opt)
  local s, n, radius = opt.searches or 1, opt.neighbours or 4, opt.radius or 0.3
  local pivot = task.noise(s)
  local x = task.sample(pivot)
  local score = task.verify(x)
  local curve = { { 1, score:mean():item() } }
  for round = 1, opt.rounds do
    local noise = repeated(pivot, n) * math.sqrt(1 - radius * radius) + task.noise(s * n) * radius
    local drawn = task.sample(noise)
    local scores = task.verify(drawn)
    local index = best_of(scores, s, n)
    local found = rows(scores, index)
    pivot = better(pivot, rows(noise, index), score, found)
    x, score = better(x, rows(drawn, index), score, found)
    curve[round + 1] = { 1 + round * n, score:mean():item() }
  end
  return { x = x, noise = pivot, score = score, curve = curve, cost = (1 + n * opt.rounds) * task.cost }
end

--- Search over paths: `beams` states at a level of the grid; each gets `forks` forward noisings by `back` steps, which come down by `ahead` steps; the best stay.
-- task also has: levels = { alpha =, sigma = } (lists), advance = function(x, from, to) -> x (steps of the grid, from 1), data = function(x, level) -> predicted data.
function M.paths(task, opt)
  local s, beams, forks = opt.searches or 1, opt.beams or 2, opt.forks or 4
  local back, ahead, last = opt.back or 2, opt.ahead or 4, #task.levels.alpha
  local at = math.max(opt.start or last // 2, back + 1)
  local x, cost = task.advance(task.noise(s * beams), 1, at), (at - 1) * beams
  while at < last do
    local up = at - back
    local to = math.min(up + ahead, last)
    local ratio = task.levels.alpha[up] / task.levels.alpha[at]
    local spread = math.sqrt(math.max(0, task.levels.sigma[up] ^ 2 - (ratio * task.levels.sigma[at]) ^ 2))
    local noisy = repeated(x, forks) * ratio
    noisy = noisy + task.noise(noisy.shape[1]) * spread
    local down = task.advance(noisy, up, to)
    local scores = task.verify(to < last and task.data(down, to) or down):reshape{ s, beams * forks }
    local _, top = scores:topk{ k = beams, dim = 2 }
    x = rows(down, (top + vt.arange(s):reshape{ s, 1 } * (beams * forks)):reshape{ -1 })
    cost = cost + beams * forks * (to - up + (to < last and 1 or 0))
    at = to
  end
  local scores = task.verify(x)
  local index = best_of(scores, s, beams)
  return { x = rows(x, index), score = rows(scores, index), cost = cost }
end

--- A verifier of several: the mean of the ranks that each gives among all that is judged at once (0: worst).
function M.ensemble(verifiers)
  return function(x)
    local sum
    for _, verify in ipairs(verifiers) do
      local scores = verify(x)
      local _, order = scores:sort()
      local ranks = vt.zeros(scores.shape[1], { dtype = "f64" }):scatter(order, vt.arange(scores.shape[1]):cast("f64"), { dim = 1 })
      sum = sum and sum + ranks or ranks
    end
    return sum * (1 / #verifiers)
  end
end

return M
