--- Every operation that has a gradient, forward and backward, at the points of gradcheck_samples: captured, done again with other numbers, saved, opened and
-- done again, it gives the bits of the operation itself.
local vt = require "venturi"
local op_samples = require "op_samples"
local support = require "support"

local all, folder = op_samples.load(), support.folder()

local function tensors(list)
  local out = {}
  for i, t in ipairs(list) do out[i] = t:detach():copy() end
  return out
end

-- The result of f and the gradients of its sum for those inputs that can have one; backward false: the result alone.
local function work(f, backward)
  return function(...)
    local leaves, wanted = { ... }, {}
    for _, t in ipairs(leaves) do
      if backward and t.dtype:find("^[fbc]") and t.dtype ~= "bool" then t.requires_grad = true wanted[#wanted + 1] = t end
    end
    local result = f(...)
    local out = { result:detach() }
    if #wanted == 0 or not result.requires_grad then return out[1] end
    local loss = result.dtype:find("^c") and (result:real() + result:imag()):sum() or result:sum()
    for _, g in ipairs(vt.gradients({ loss }, wanted)) do out[#out + 1] = g:detach() end
    return table.unpack(out)
  end
end

local function same(what, want, have)
  assert(#want == #have, what .. ": number of results")
  for i = 1, #want do
    assert(want[i].dtype == have[i].dtype, what .. ": type of result " .. i)
    assert(want[i]:tostring_bytes() == have[i]:tostring_bytes(), ("%s: result %d"):format(what, i))
  end
end

local function check(name, sample, seed)
  local leaves, f = op_samples.make(name, sample, seed)
  local others = op_samples.make(name, sample, seed + 1)
  local run, path = work(f, true), folder .. "/op.graph"
  local ok, err = pcall(run, table.unpack(tensors(others)))
  if not ok then -- some inputs have no gradient, and say so
    assert(err.name == "VT_ERR_UNSUPPORTED", tostring(err))
    run = work(f, false)
  end
  local want = { run(table.unpack(tensors(others))) }
  local graph = vt.capture(run, tensors(leaves))
  same("captured", { run(table.unpack(tensors(leaves))) }, { graph:results() })
  same("replayed", want, { graph:run(tensors(others)) })
  graph:save(path)
  same("opened", want, { vt.open_graph(path):run(tensors(others)) })
end

for _, op in ipairs(vt.ops()) do
  for i, sample in ipairs(all[op.name] or {}) do
    support.test(("%s, sample %d"):format(op.name, i), function() check(op.name, sample, 100 * i) end)
  end
end

support.done()
