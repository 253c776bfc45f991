--- DPM-OT: from noise straight to the latents of a late step by semi-discrete optimal transport, and five steps from there.
--- venturi run scripts/recipes/diffusion/dpm_ot.lua [--targets 2000] [--samples 4000] [--time 0.3] [--steps 5] [--seed 1] [--out dpm_ot.svg] [--quick]
-- "DPM-OT: A New Diffusion Probabilistic Model Based on Optimal Transport". Targets are data with the noise of level t; the map from white noise to them is the
-- gradient of a Brenier potential (vt.ot); few steps of DDIM take what it gives to the data. Points whose two best cells have normals far apart lie on a singular
-- set, where data would be mixed that does not mix: they are left out, as the paper has it. The same number of steps from noise is the comparison.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/?.lua;" .. here .. "/../train/?.lua;" .. package.path
local problems = require "problems"
local study = require "study"
local vt = require "venturi"

local opt = study.options(arg, { targets = 2000, samples = 4000, time = 0.3, steps = 5, seed = 1, iterations = 300, angle = 0.7, out = "",
  quick = { targets = 200, samples = 1000, iterations = 150 } })
local mixture, schedule = problems.mixture(), vt.schedule{ kind = "vp" }
local level = schedule:levels{ opt.time }
local alpha, sigma = level.alpha[1], level.sigma[1]

-- Section 3.2: targets, and the map to them.
local data = mixture:draw(opt.targets, { seed = opt.seed })
local targets = data * alpha + vt.randn(opt.targets, 2, { dtype = "f64", seed = opt.seed, stream = 1 }) * sigma
local map = vt.ot(targets)
local began = os.clock()
local report = map:solve{ max_iter = opt.iterations, doublings = -1, seed = opt.seed }
local seconds = os.clock() - began
local noise = problems.noise(opt.samples, opt.seed + 1)

-- Section 3.3: the angle of the lifted normals (y, -1) of the two best cells, as a share of the widest of all, says how singular a point is.
local function angles(index)
  local a, b = targets:index_select(index:select{ dim = 2, index = 0 }, { dim = 1 }), targets:index_select(index:select{ dim = 2, index = 1 }, { dim = 1 })
  local cosine = ((a * b):sum(2) + 1) / ((a:square():sum(2) + 1) * (b:square():sum(2) + 1)):sqrt()
  local angle = cosine:clamp{ min = -1, max = 1 }:acos()
  return angle / angle:max()
end
local index = map:map(noise, 2)
local kept = {}
for i, a in ipairs(angles(index):totable()) do if a <= opt.angle then kept[#kept + 1] = i - 1 end end
local keep = vt.tensor(kept)
local start = targets:index_select(index:select{ dim = 2, index = 0 }:index_select(keep, { dim = 1 }), { dim = 1 })

local function solve(x, from, kind, spacing)
  return vt.solver{ kind = kind, schedule = schedule, spacing = spacing, start = from, end_time = 1e-3, steps = opt.steps, dtype = "f64" }:begin(x):run(vt.diffusion.exact(mixture))
end

-- Frechet distance of diagonal Gaussians, a kernel distance (Gaussian kernels of three widths), strays and shares.
local truth = mixture:draw(opt.samples, { seed = opt.seed + 2 })
local function frechet(x) return ((x:mean(1) - truth:mean(1)):square():sum() + (x:std(1) - truth:std(1)):square():sum()):item() end
local function kernel_mean(a, b)
  local d = (a:unsqueeze(2) - b:unsqueeze(1)):square():sum(3)
  return ((d * -50):exp() + (d * -5):exp() + (d * -0.5):exp()):mean():item()
end
local function mmd(x)
  local n = math.min(1000, x.shape[1])
  local a, b = x[{ { 1, n } }], truth[{ { 1, n } }]
  return kernel_mean(a, a) + kernel_mean(b, b) - 2 * kernel_mean(a, b)
end

local rows = { { "samples", "Frechet", "MMD^2", "beyond 4 std in %", "shares of the modes" } }
local function add(name, x)
  local far = 100 * problems.strays(mixture, x):gt(4):cast("f64"):mean():item()
  rows[#rows + 1] = { name, ("%.5f"):format(frechet(x)), ("%.5f"):format(mmd(x)), ("%.2f"):format(far), ("%.3f %.3f %.3f %.3f"):format(table.unpack(problems.shares(mixture, x))) }
end
local mapped, plain = solve(start, opt.time, "ddim", "log_snr"), solve(noise, 1, "ddim", "log_snr")
add("data", mixture:draw(opt.samples, { seed = opt.seed + 3 }))
add(("DPM-OT, %d steps"):format(opt.steps), mapped)
add(("DPM-OT, %d steps of 2M"):format(opt.steps), solve(start, opt.time, "dpm", "ratio"))
add(("DDIM, %d steps"):format(opt.steps), plain)
add(("2M, %d steps"):format(opt.steps), solve(noise, 1, "dpm", "log_snr"))
print(("%d targets at t = %g; error %.1e, %d empty cells after %d iterations, %.1f s; %d of %d points off the singular set"):format(opt.targets, opt.time, report.error,
  report.empty, report.iterations, seconds, keep.shape[1], opt.samples))
study.table(rows)
if opt.out ~= "" then
  local function points(x)
    local list = {}
    for i = 1, math.min(600, x.shape[1]) do list[i] = { x[{ i, 1 }]:item(), x[{ i, 2 }]:item() } end
    return list
  end
  study.write(opt.out, vt.plot.points{ title = "Five steps", series = { { name = "DDIM", points = points(plain) }, { name = "DPM-OT", points = points(mapped) } } })
end
