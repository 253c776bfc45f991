--- The task of search.lua: to find noise that becomes a point of the rarest mode.
local here = (debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local problems = require "problems"
local vt = require "venturi"

local M = {}

local mixture = problems.mixture()
local schedule = vt.schedule{ kind = "linear" }
local model = vt.diffusion.exact(mixture)
local grid = { kind = "ddim", schedule = schedule, spacing = "trailing", steps = 10, dtype = "f64" }

--- Log density under the data.
function M.log_density(x) return mixture:log_density(x, { alpha = 1, sigma = 0 }) end

--- Shares of the modes.
function M.shares(x) return problems.shares(mixture, x) end

--- The task: noise of a seed, each draw from numbers of its own.
function M.rare_mode(seed)
  local goal, drawn = vt.tensor({ { -0.3, 0.8 } }, { dtype = "f64" }), 0
  local task = { cost = grid.steps }
  function task.noise(n)
    drawn = drawn + 1
    return vt.randn(n, 2, { dtype = "f64", seed = seed, stream = drawn })
  end
  function task.sample(noise) return vt.solver(grid):begin(noise):run(model) end
  function task.verify(x) return (x - goal):square():sum(2) * -1 end
  -- For paths: the same grid, part of it.
  local levels = vt.solver(grid):levels()
  task.levels = levels
  function task.advance(x, from, to)
    if from == to then return x end
    local times = table.move(levels.t, from, to, 1, {})
    return vt.solver{ kind = "ddim", schedule = schedule, times = times, dtype = "f64" }:begin(x):run(model)
  end
  function task.data(x, i) return mixture:predict(x, { alpha = levels.alpha[i], sigma = levels.sigma[i], kind = "x0" }) end
  return task
end

return M
