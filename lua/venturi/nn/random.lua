--- Where parameters begin and which units are dropped: numbers of Philox by (seed, stream), so that the same program makes the same net.
-- Parameters take one stream each, in the order in which they are made. Dropout takes a seed of its own for each layer and the step as its stream.
local M = {}

local state = { seed = 0, stream = 0, step = 0, counted = true }

--- seed(n): modules made from now on begin with the numbers of this seed.
function M.seed(n)
  state.seed, state.stream, state.step, state.counted = assert(math.tointeger(n), "seed: an integer is needed"), 0, 0, true
end

--- The seed and a stream that nobody has had yet.
function M.next_stream()
  local stream = state.stream
  state.stream = stream + 1
  return state.seed, stream
end

--- random_state() -> { seed, stream }; random_state(s) puts it back.
function M.random_state(s)
  if s then state.seed, state.stream = s.seed, s.stream end
  return { seed = state.seed, stream = state.stream }
end

--- The step that random layers use as their stream: a number, or a `vt.var` while a graph is captured. Without one each call of a layer is a step.
function M.set_step(step)
  state.step, state.counted = step or 0, step == nil
end

--- The stream of a layer's next call.
function M.step()
  if state.counted then state.step = state.step + 1 end
  return state.step
end

return M
