--- What choosing rows costs a layer, and what it saves: times of WTA-CRS (nn.Linear's option wta) beside the exact layer.
--- venturi run --threads 1 scripts/recipes/train/wta_time.lua [--keep 0.3] [--repeats 20] [--quick]
-- Microseconds of the processor, the least of some repeats, f32, captured; give one thread. product: the forward product alone; choice: norms of rows, draws and the
-- copy of the kept rows; step: forward and backward with the gradients of input, weight and bias.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. package.path
local study = require "study"
local vt = require "venturi"
local nn = vt.nn

local opt = study.options(arg, { keep = 0.3, repeats = 20, warm = 0.2, layers = { { 512, 256, 256 }, { 512, 512, 512 }, { 2048, 512, 512 }, { 4096, 512, 2048 } },
  quick = { repeats = 3, warm = 0, layers = { { 512, 256, 256 } } } })

-- Least microseconds of a run; short ones many at a time, as the clock has steps, and after a while: a core takes some time to come up to speed.
local function least(f, ...)
  local run, best = vt.compiled(f), math.huge
  run(...)
  run(...)
  local began = os.clock()
  run(...)
  local n = math.max(1, 0.005 // math.max(os.clock() - began, 1e-6))
  while os.clock() - began < opt.warm do run(...) end
  for _ = 1, opt.repeats do
    began = os.clock()
    for _ = 1, n do run(...) end
    best = math.min(best, (os.clock() - began) / n)
  end
  return best * 1e6
end

local function step_of(layer)
  return function(x, g)
    local h = x * 1 -- an input with a gradient
    h.requires_grad = true
    local y = layer(h)
    local found = vt.gradients(y, { h, layer.weight, layer.bias }, { grads = g })
    return y, found[1], found[2], found[3]
  end
end

local rows = { { "rows, in, out", "product", "choice", "of the product", "step exact", "step wta", "saved" } }
for _, size in ipairs(opt.layers) do
  local n, n_in, n_out = table.unpack(size)
  local x, g, k = vt.randn(n, n_in, { seed = 1 }), vt.randn(n, n_out, { seed = 2 }), math.ceil(opt.keep * n)
  local function layer(wta)
    nn.seed(1)
    return nn.Linear(n_in, n_out, { wta = wta })
  end
  local exact, cheap = layer(), layer{ keep = opt.keep }
  local product = least(function(a) return vt.op.linear(a, exact.weight:detach()) end, x)
  local choice = least(function(a)
    return vt.op.crs_rows(a, a:norm{ dims = { 2 } }, vt.op.uniform(vt.empty(k, { dtype = "f64" }), { seed = 1 }))
  end, x)
  local whole, part = least(step_of(exact), x, g), least(step_of(cheap), x, g)
  rows[#rows + 1] = { ("%d, %d, %d"):format(n, n_in, n_out), ("%.0f"):format(product), ("%.0f"):format(choice), ("%.1f %%"):format(100 * choice / product),
    ("%.0f"):format(whole), ("%.0f"):format(part), ("%.0f %%"):format(100 * (1 - part / whole)) }
end
print(("µs; %g of the rows are kept"):format(opt.keep))
study.table(rows)
