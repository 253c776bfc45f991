--- Rectified flow and reflow: a small net learns the straight way from noise to data, then its own pairs, and needs one step.
--- venturi run scripts/recipes/diffusion/reflow.lua [--updates 6000] [--pairs 20000] [--samples 4000] [--width 128] [--batch 512]
--   [--lr 0.002] [--seed 1] [--out reflow.svg] [--quick]
-- "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow"; "InstaFlow". The net (three hidden layers) takes x and tau and learns x1 - x0
-- at tau x1 + (1 - tau) x0. First pairs are noise and data that know nothing of each other; then noise and where the first net's flow takes it, by 50 steps of Heun.
-- Straightness S is the mean of |x1 - x0 - v|^2 along the flow; a sample hits where a mode is nearest within three standard deviations.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../train/?.lua;" .. package.path
local problems = require "problems"
local study = require "study"
local vt = require "venturi"
local nn, optim = vt.nn, vt.optim

local opt = study.options(arg, { updates = 6000, pairs = 20000, samples = 4000, width = 128, batch = 512, lr = 0.002, seed = 1, out = "",
  quick = { updates = 300, pairs = 2000, samples = 500, width = 48, batch = 256 } })
local mixture, flow = problems.mixture(), vt.schedule{ kind = "flow" }

local function normal(n, seed, stream) return vt.randn(n, 2, { seed = seed, stream = stream }) end

local function net_of(seed)
  nn.seed(seed)
  local w = opt.width
  return nn.Sequential{ nn.Linear(3, w), nn.SiLU(), nn.Linear(w, w), nn.SiLU(), nn.Linear(w, w), nn.SiLU(), nn.Linear(w, 2) }
end

-- pairs(step) -> noise and data of a batch.
local function train(net, pairs_of, seed)
  local adam = optim.AdamW(net:parameters(), { lr = opt.lr, weight_decay = 0 })
  local rate = optim.schedule{ kind = "cosine", lr = opt.lr, total = opt.updates }
  for step = 0, opt.updates - 1 do
    local z0, z1 = pairs_of(step)
    local tau = vt.rand(opt.batch, 1, { seed = seed, stream = step })
    local loss = vt.op.mse_loss(net(vt.op.cat({ z0 + (z1 - z0) * tau, tau }, { dim = 2 })), z1 - z0)
    loss:backward()
    adam:step{ lr = rate(step) }
    adam:zero_grad()
  end
  return net
end

-- Ends of the net's flow, and its straightness.
local function run(net, z0, kind, steps)
  local states = {}
  local z1 = vt.no_grad(function()
    return vt.solver{ schedule = flow, kind = "rk", variant = kind, prediction = "flow", steps = steps }:begin(z0):run(function(x, time)
      local v = net(vt.op.cat({ x, time:cast("f32"):reshape{ -1, 1 }:expand{ x.shape[1], 1 } }, { dim = 2 }))
      states[#states + 1] = v
      return v
    end)
  end)
  local sum = 0
  for _, v in ipairs(states) do sum = sum + (z1 - z0 - v):square():sum(2):mean():item() end
  return z1, sum / #states
end

-- Share of rows within three standard deviations of their nearest mode, and squared distance of means and variances to the data's.
local data = mixture:draw(100000, { seed = opt.seed + 50 })
local function measures(x)
  x = x:cast("f64")
  local hit = problems.strays(mixture, x):le(3):cast("f64"):mean():item()
  local mean = (x:mean(1) - data:mean(1)):square():sum():item()
  return hit, mean + (x:var(1):sqrt() - data:var(1):sqrt()):square():sum():item()
end

local rows, series = { { "net", "S", "steps", "hits", "Frechet (diagonal)" } }, {}
local function report(name, net)
  local start, points = normal(opt.samples, opt.seed + 90), {}
  local _, s = run(net, start, "euler", 100)
  for i, steps in ipairs{ 1, 2, 4, 8, 20 } do
    local hit, frechet = measures((run(net, start, "euler", steps)))
    rows[#rows + 1] = { name, ("%.4f"):format(s), tostring(steps), ("%.3f"):format(hit), ("%.4f"):format(frechet) }
    points[i] = { steps, hit }
  end
  series[#series + 1] = { name = name, points = points }
  return s
end

local began = os.clock()
local first = train(net_of(opt.seed), function(step)
  return normal(opt.batch, opt.seed, step), mixture:draw(opt.batch, { seed = opt.seed * 1000003 + step }):cast("f32")
end, opt.seed + 1)
local s1 = report("1-rectified", first)
local z0 = normal(opt.pairs, opt.seed + 20)
local z1 = run(first, z0, "heun2", 50)
local second = train(net_of(opt.seed + 1), function(step)
  local index = vt.rand(opt.batch, { seed = opt.seed + 30, stream = step, high = opt.pairs }):cast("i64")
  return z0[index], z1[index]
end, opt.seed + 2)
local s2 = report("2-rectified", second)
print(("%d updates of %d rows a net, %d pairs, %.0f s"):format(opt.updates, opt.batch, opt.pairs, os.clock() - began))
study.table(rows)
print(("reflow leaves %.3f of S = %.3f; the exact flow of these data has S = 0.621"):format(s2 / s1, s1))
study.write(opt.out, vt.plot.lines{ title = "Hits after so many steps of Euler", x = { label = "steps", log = true }, y = { label = "share within 3 std" }, series = series })
