--- Measures of a judge of pictures, each with a 95 % interval: shares of names that are right, calibration, precision of words.
local vt = require "venturi"

local M = {}

local REPEATS = 1000 -- of a bootstrap

--- Mean of one number a picture, and the interval of a bootstrap over the pictures: a picture seen several times counts as one, so give its mean.
-- values: [n] tensor
function M.bootstrap(values)
  return vt.no_grad(function()
    local n = values.shape[1]
    values = values:cast("f32")
    local means = values[vt.randint(REPEATS * n, { seed = 7, high = n })]:reshape{ REPEATS, n }:mean{ dims = { 2 } }:sort():totable()
    return { mean = values:mean():item(), low = means[math.floor(REPEATS * 0.025) + 1], high = means[math.ceil(REPEATS * 0.975)] }
  end)
end

--- The share k of n with Wilson's interval, which also holds at none and all.
function M.share(k, n)
  local z = 1.96
  local p, d = k / n, 1 + z * z / n
  local middle, half = (p + z * z / (2 * n)) / d, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
  return { mean = p, low = math.max(middle - half, 0), high = math.min(middle + half, 1) }
end

--- [n] f32: 1 where the class is among the k largest logits.
function M.hits(logits, classes, k)
  return vt.no_grad(function()
    local own = logits:gather(classes:reshape{ -1, 1 }, { dim = 2 })
    return logits:gt(own):cast("f32"):sum{ dims = { 2 } }:lt(k):cast("f32")
  end)
end

--- Expected calibration error: bins of equally many pictures by confidence, mean of |confidence - share right| weighted by them.
local function calibration_error(pairs_of, bins)
  local n, sum = #pairs_of, 0
  for b = 1, bins do
    local from, to, confidence, right = (b - 1) * n // bins + 1, b * n // bins, 0, 0
    for i = from, to do confidence, right = confidence + pairs_of[i][1], right + pairs_of[i][2] end
    sum = sum + math.abs(confidence - right)
  end
  return sum / n
end

local function by_confidence(a, b) return a[1] < b[1] end

--- Calibration of probabilities: { mean, low, high } of the error in 15 bins (the interval is a bootstrap over what is given).
function M.calibration(logits, classes, temperature)
  return vt.no_grad(function()
    local sure, first = (logits / temperature):softmax{ dim = 2 }:max{ dims = { 2 } }:totable(), M.hits(logits, classes, 1):totable()
    local list, n = {}, #sure
    for i = 1, n do list[i] = { sure[i], first[i] } end
    table.sort(list, by_confidence)
    local index, errors = vt.randint(200, n, { seed = 8, high = n }):totable(), {}
    for r, row in ipairs(index) do
      local drawn = {}
      for i, k in ipairs(row) do drawn[i] = list[k + 1] end
      table.sort(drawn, by_confidence)
      errors[r] = calibration_error(drawn, 15)
    end
    table.sort(errors)
    return { mean = calibration_error(list, 15), low = errors[6], high = errors[195] }
  end)
end

--- The temperature with the least cross entropy, by golden sections of its logarithm.
function M.temperature(logits, classes)
  local function loss(t) return vt.no_grad(function() return vt.op.cross_entropy(logits / math.exp(t), classes):item() end) end
  local low, high, g = math.log(0.2), math.log(5), (math.sqrt(5) - 1) / 2
  for _ = 1, 24 do
    local a, b = high - g * (high - low), low + g * (high - low)
    if loss(a) < loss(b) then high = b else low = a end
  end
  return math.exp((low + high) / 2)
end

--- Average precision of each picture's words, and the share of its first k that are right.
-- scores: [n, words]; targets: [n, words] of 0 and 1; k = 5. Returns two vectors over the pictures that have a word at all.
function M.words(scores, targets, k)
  return vt.no_grad(function()
    local n, m = table.unpack(scores.shape)
    local _, order = scores:sort{ dim = 2, descending = true }
    local right = targets:gather(order, { dim = 2 })
    local precision = right:cumsum{ dim = 2 } / (vt.arange(m):cast("f32") + 1)
    local many = targets:sum{ dims = { 2 } }
    local average = (precision * right):sum{ dims = { 2 } } / many:clamp{ min = 1 }
    local first = precision[{ {}, k or 5 }]
    local keep = {}
    for i, count in ipairs(many:totable()) do
      if count > 0 then keep[#keep + 1] = i - 1 end
    end
    keep = vt.tensor(keep, { dtype = "i64" })
    return average[keep], first[keep], n - keep.shape[1]
  end)
end

--- Of the words that are given more than even odds: how many there are, their mean probability, and the share that is right. The interval is a bootstrap
-- over pictures, since the words of one picture go together.
function M.likely(scores, targets)
  return vt.no_grad(function()
    local p, n = scores:sigmoid(), scores.shape[1]
    local said = p:gt(0.5):cast("f32")
    local counts, rights = said:sum{ dims = { 2 } }, (said * targets):sum{ dims = { 2 } }
    local count, index = counts:sum():item(), vt.randint(REPEATS * n, { seed = 9, high = n })
    local function draws(values) return values[index]:reshape{ REPEATS, n }:sum{ dims = { 2 } } end
    local shares = (draws(rights) / draws(counts):clamp{ min = 1 }):sort():totable()
    return { words = count, odds = (said * p):sum():item() / math.max(count, 1), mean = rights:sum():item() / math.max(count, 1),
      low = shares[math.floor(REPEATS * 0.025) + 1], high = shares[math.ceil(REPEATS * 0.975)] }
  end)
end

return M
