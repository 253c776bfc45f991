--- Functions of tensors that capture themselves: `local step = vt.compiled(f)`, called as f is.
-- The first call with tensors of some types and extents runs f as it is (optimizers make their states, say), the second captures it, later ones run the
-- graph. Each call does one run of f's work. Results stay as they are while somebody holds them.
local vt = require "venturi"

local function key_of(inputs, n)
  local parts = {}
  for i = 1, n do
    local t = inputs[i]
    if type(t) ~= "userdata" then error(("compiled: argument %d is no tensor but %s"):format(i, type(t)), 3) end
    parts[i] = t.dtype .. "[" .. table.concat(t.shape, ",") .. "]@" .. t.device
  end
  return table.concat(parts, " ")
end

-- The variables of a list that a graph has: what f does not use, it has not.
local function variables_of(graph, list)
  local own = {}
  for _, v in ipairs(list) do
    local _, err = vt.try(graph.set, graph, v.name, v.value)
    if err and err.name ~= "VT_ERR_NOT_FOUND" then error(err, 0) end
    if not err then own[#own + 1] = v end
  end
  return own
end

--- compiled(f, { vars = { v, ... }, warmup = 1 }): a function of f's tensors. vars: the variables (vt.var) that f uses, whose values are those at each call;
-- warmup: how often f is run as it is before it is captured, for each kind of arguments. graph(...) -> the graph for such arguments, or nil.
return function(f, opt)
  local o = vt.options("compiled", { vars = {}, warmup = 1 }, opt)
  local calls, graphs, variables = {}, {}, {}

  local function call(_, ...)
    local inputs, n = { ... }, select("#", ...)
    local key = key_of(inputs, n)
    local graph = graphs[key]
    if graph then
      for _, v in ipairs(variables[key]) do graph:set(v.name, v.value) end
      return graph:run(inputs)
    end
    calls[key] = (calls[key] or 0) + 1
    if calls[key] <= o.warmup then return f(...) end
    graphs[key] = vt.capture(f, inputs)
    variables[key] = variables_of(graphs[key], o.vars)
    return graphs[key]:results()
  end

  return setmetatable({
    graph = function(...) return graphs[key_of({ ... }, select("#", ...))] end,
  }, { __call = call })
end
