--- Where parameters begin and which units are dropped: numbers of Philox by (seed, stream), so that the same program makes the same net.
-- Parameters take one stream each, in the order in which they are made. Dropout takes a seed of its own for each layer and the step as its stream.
local vt = require "venturi"

local M = {}

local state = { seed = 0, stream = 0, step = 0, counted = true, layers = {} }

--- seed(n): modules made from now on begin with the numbers of this seed.
function M.seed(n)
  state.seed, state.stream = assert(math.tointeger(n), "seed: an integer is needed"), 0
  M.set_step()
end

--- The seed and a stream that nobody has had yet.
function M.next_stream()
  local stream = state.stream
  state.stream = stream + 1
  return state.seed, stream
end

local function seed_at(layer, step) return layer * 1000003 + step end

--- The step that random layers use as their stream. variable: a `vt.var` that stands for it while a graph is captured; its value is set here.
-- variables: the list of all variables of that graph; layers that need a seed add one of their own when they are first called. Without a step each call of a
-- layer is one.
function M.set_step(step, variable, variables)
  if variable ~= state.variable then state.layers = {} end
  state.step, state.counted, state.variable, state.variables = step or 0, step == nil, variable, variables
  if not variable then return end
  variable.value = step
  for _, layer in ipairs(state.layers) do layer.variable.value = seed_at(layer.seed, step) end
end

--- The stream of a layer's next call.
function M.step()
  if state.counted then state.step = state.step + 1 end
  return state.variable or state.step
end

--- A seed for one call of a layer, of operations that have a seed and no stream.
function M.seed_of(layer)
  if not state.variable then
    M.step()
    return seed_at(layer, state.step)
  end
  for _, known in ipairs(state.layers) do
    if known.seed == layer then return known.variable end
  end
  local made = vt.var("seed of layer " .. layer, seed_at(layer, state.step))
  table.insert(state.layers, { seed = layer, variable = made })
  table.insert(state.variables, made)
  return made
end

return M
