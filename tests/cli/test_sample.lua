-- venturi sample: a solver on a mixture whose answer is known; what its JSON says, what it refuses.
local shell = require "shell"
local t = require "support"
local vt = require "venturi"
local expect, run = shell.expect, shell.run

local params = t.golden .. "/00-gmm-params.json"
local function sample(...) return vt.json.decode(expect(run("sample", "--exact", params, ...), 0).out) end

t.test("rows, the exact ends and the error between them", function()
  local r = sample("--solver", "dpmpp_2m", "--steps", "40", "--seed", "1", "--count", "3")
  t.equal(r.schema, 1)
  t.equal(r.model, "gmm2d")
  t.equal(r.evaluations, 40)
  t.equal(#r.x, 3)
  local sum = 0
  for i, row in ipairs(r.x) do
    for d, v in ipairs(row) do sum = sum + (v - r.exact[i][d]) ^ 2 end
  end
  assert(math.abs(math.sqrt(sum / 6) - r.error) < 1e-12)
  assert(r.error < 0.02, r.error)
end)

t.test("the same seed gives the same rows, another one others", function()
  local a, b, c = sample("--seed", "4"), sample("--seed", "4"), sample("--seed", "5")
  t.equal(a.x[1][1], b.x[1][1])
  assert(a.x[1][1] ~= c.x[1][1])
end)

t.test("classes, schedules, other models and solvers with noise", function()
  for _, row in ipairs(sample("--class", "0", "--guidance", "2", "--steps", "60").x) do assert(row[1] < 0.2, row[1]) end
  t.equal(#sample("--name", "gmm16d", "--schedule", "flow", "--solver", "flow_heun", "--count", "1").x[1], 16)
  t.equal(sample("--schedule", "flow").solver, "flow_heun")
  t.equal(sample("--solver", "ddpm", "--schedule", "linear").error, nil)
end)

t.test("what is refused", function()
  expect(run("sample"), 2, nil, "'--exact' is missing")
  expect(run("sample", "--exact", params, "--solver", "nope"), 2, nil, "no solver is called 'nope'; known are ddim,")
  expect(run("sample", "--exact", params, "--solver", "nope"), 2, nil, "for rectified flows flow_euler,")
  expect(run("sample", "--exact", params, "--schedule", "flow", "--solver", "dpmpp_2m"), 2, nil, "goes with flow_euler,")
  expect(run("sample", "--exact", params, "--schedule", "flow", "--spacing", "ratio"), 2, nil, "goes with uniform")
  expect(run("sample", "--exact", params, "--solver", "flowturbo"), 2, nil, "goes with --schedule flow")
  expect(run("sample", "--exact", params, "--guidance", "2"), 2, nil, "'--guidance' needs --class")
  expect(run("sample", "--exact", params, "--name", "gmm3d"), 3, nil, "none of 2 models")
  expect(run("sample", "--exact", params, "--steps", "0"), 2, nil, "at least 1")
end)
t.done()
