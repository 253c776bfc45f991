--- wtacrs: chances of columns of X and rows of Y, how many are kept, the estimate by given draws, and the variances of two estimates.
local vt = require "venturi"
local wta = vt.nn.wta

local M = {}

local TOL = 1e-10

local function matrix(list) return vt.tensor(list, { dtype = "f64" }) end

-- Numbers in [0, 1) that draw these columns: the middles of their shares of what is left.
local function draws_of(ranking, indices)
  local tail, p, list = ranking.tail:totable(), ranking.p:totable(), {}
  for place, index in ipairs(ranking.order:totable()) do
    for i, wanted in ipairs(indices) do
      if wanted == index then list[i] = (tail[place] - p[place] / 2) / ranking.rest end
    end
  end
  for i = 1, #indices do
    if not list[i] then error(("there is no column %s"):format(tostring(indices[i])), 0) end
  end
  return list
end

-- By the operation that layers use: the places of numbers below c have no draw.
local function check(report, case, tol)
  local x, y = matrix(case.X):transpose(), matrix(case.Y)
  local weights = x:norm{ dims = { 2 } } * y:norm{ dims = { 2 } }
  local ranking = wta.rank(weights, case.k, "wta")
  report:close("p", vt.zeros(ranking.n, { dtype = "f64" }):scatter(ranking.order, ranking.p, { dim = 1 }):totable(), case.p, tol)
  report:same("c", ranking.c, case.c)
  local u = draws_of(ranking, case.sampled)
  for _ = 1, ranking.c do table.insert(u, 1, 0.5) end
  local rows, index = vt.op.crs_rows(x, weights, vt.tensor(u, { dtype = "f64" }))
  local chosen = index:totable()
  report:same("deterministic", { table.unpack(chosen, 1, ranking.c) }, case.deterministic)
  report:same("draws", { table.unpack(chosen, ranking.c + 1) }, case.sampled)
  report:close("estimate", rows:transpose():matmul(y:index_select(index, { dim = 1 })):totable(), case.estimate, tol)
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
