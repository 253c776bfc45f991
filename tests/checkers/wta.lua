--- wtacrs: chances of columns of X and rows of Y, how many are kept, the estimate by given draws, and the variances of two estimates.
local vt = require "venturi"
local wta = vt.nn.wta

local M = {}

local TOL = 1e-10

local function matrix(list) return vt.tensor(list, { dtype = "f64" }) end

-- Places in the ranking of these indices.
local function places_of(ranking, indices)
  local at, list = {}, {}
  for place, index in ipairs(ranking.order:totable()) do at[index] = place - 1 end
  for i, index in ipairs(indices) do list[i] = at[index] or error(("there is no column %s"):format(tostring(index)), 0) end
  return vt.tensor(list, { dtype = "i64" })
end

-- Sum of the products of these columns of X and rows of Y, each times its factor.
local function products(x, y, indices, factors)
  return (x:index_select(indices, { dim = 1 }) * factors:unsqueeze{ dim = 2 }):transpose():matmul(y:index_select(indices, { dim = 1 }))
end

local function check(report, case, tol)
  local x, y = matrix(case.X):transpose(), matrix(case.Y)
  local ranking = wta.rank(x:norm{ dims = { 2 } } * y:norm{ dims = { 2 } }, case.k, "wta")
  local c = ranking.c:item()
  report:close("p", vt.zeros(ranking.n, { dtype = "f64" }):scatter(ranking.order, ranking.p, { dim = 1 }):totable(), case.p, tol)
  report:same("c", c, case.c)
  local kept = ranking.order:slice{ dim = 1, start = 0, stop = c }
  report:same("deterministic", kept:totable(), case.deterministic)
  local drawn = vt.tensor(case.sampled, { dtype = "i64" })
  local estimate = products(x, y, kept, vt.ones(c, { dtype = "f64" })) + products(x, y, drawn, wta.factors(ranking, places_of(ranking, case.sampled)))
  report:close("estimate", estimate:totable(), case.estimate, tol)
  report:close("exact", x:transpose():matmul(y):totable(), case.exact, tol)
  report:close("variance, crs", wta.variance(x, y, case.k, "crs"), case.total_variance_crs, tol * case.total_variance_crs)
  report:close("variance, wta", wta.variance(x, y, case.k, "wta"), case.total_variance_wta, tol * case.total_variance_crs)
end

function M.check(file)
  local tol = file.tolerance({ "tol", "tolerance" }, TOL)
  for i, case in ipairs(file.data.cases) do
    file.report:case(("case %d"):format(i), function() check(file.report, case, tol) end)
  end
end

return M
