--- Which level each chunk of a compressed cache is sent at, or whether its text is sent and computed again: the rules of CacheGen (Algorithm 1, section 5.3)
-- and of its artifact, as pure functions and as a run over known rates, one chunk after the other. The text itself costs nothing to send.
local M = {}

M.TEXT = -1
local MEDIUM = 1 -- level of the first chunk where no rate is known

-- Sum of list from i on.
local function rest(list, i)
  local sum = 0.0
  for j = i, #list do sum = sum + list[j] end
  return sum
end

--- The paper's rule: text if computing all that is left meets the deadline, else the finest level of which all that is left does.
-- @tparam table link { sizes = { [level] = { bytes of each chunk } } with level 1 the finest, recompute = { seconds of each chunk } }
-- @tparam integer i chunk, from 1
-- @tparam number left seconds to the deadline
-- @tparam ?number rate bytes a second, the last that was measured
-- @treturn integer level from 0 (the finest), or M.TEXT
function M.adaptive(link, i, left, rate)
  if not rate then return MEDIUM end
  local computing = rest(link.recompute, i)
  if computing <= left then return M.TEXT end
  local coarsest = #link.sizes
  for level = 1, coarsest do
    if rest(link.sizes[level], i) / rate <= left then return level - 1 end
  end
  return rest(link.sizes[coarsest], i) / rate <= computing and coarsest - 1 or M.TEXT -- nothing meets it: what comes first
end

--- The artifact's rule: each chunk has an even share of the time, the rate is known, and text is what is left.
function M.artifact(link, i, share, rate)
  for level = 1, #link.sizes do
    if link.sizes[level][i] / rate <= share then return level - 1 end
  end
  return M.TEXT
end

--- Goes through all chunks; a rate is measured by transfers only.
-- @tparam table link as above, with rates = { bytes a second for each chunk }
-- @tparam number slo seconds for all of them
-- @tparam string rule "adaptive" or "artifact"
-- @tparam ?number prior rate that is assumed before the first transfer
-- @treturn table levels, number seconds
function M.run(link, slo, rule, prior)
  local levels, elapsed, rate = {}, 0.0, prior
  for i = 1, #link.recompute do
    local level
    if rule == "artifact" then level = M.artifact(link, i, slo / #link.recompute, link.rates[i])
    else level = M.adaptive(link, i, slo - elapsed, rate)
    end
    levels[i] = level
    if level == M.TEXT then
      elapsed = elapsed + link.recompute[i]
    else
      elapsed, rate = elapsed + link.sizes[level + 1][i] / link.rates[i], link.rates[i]
    end
  end
  return levels, elapsed
end

return M
