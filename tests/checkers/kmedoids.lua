--- 64_kmedoids_*: k-medoids on given matrices or points. A file is one data set or a list of them; a data set has runs, each with initial medoids
-- and what algorithms made of them, and lists of results of sampled methods by seed. Algorithms that are not there are skipped and counted;
-- a field of a known one that is not known fails.
local vt = require "venturi"

local M = {}

-- ---- numbers of the file ----

local function length(list)
  if type(list) ~= "table" then return 0 end
  local n = 0
  for _ in pairs(list) do n = n + 1 end
  return n == #list and n or 0
end

local function integer(v, what)
  return math.type(v) and math.tointeger(v) or error(what .. ": no integer", 0)
end

local function integers(list, what)
  if length(list) == 0 then error(what .. ": no list of integers", 0) end
  local out = {}
  for i, v in ipairs(list) do out[i] = integer(v, what) end
  return out
end

-- Rows of numbers, all of one length.
local function rows_of(list, what)
  if length(list) == 0 or length(list[1]) == 0 then error(what .. ": no list of rows", 0) end
  for i, row in ipairs(list) do
    if length(row) ~= #list[1] then error(("%s[%d]: %d numbers, not %d"):format(what, i - 1, length(row), #list[1]), 0) end
    for _, v in ipairs(row) do
      if not math.type(v) or v - v ~= 0 then error(("%s[%d]: no number"):format(what, i - 1), 0) end
    end
  end
  return list
end

-- ---- distances ----

local metrics = {}

function metrics.sqeuclidean(a, b)
  local sum = 0
  for i = 1, #a do
    local d = a[i] - b[i]
    sum = sum + d * d
  end
  return sum
end

function metrics.euclidean(a, b)
  return math.sqrt(metrics.sqeuclidean(a, b))
end

function metrics.cityblock(a, b)
  local sum = 0
  for i = 1, #a do sum = sum + math.abs(a[i] - b[i]) end
  return sum
end

function metrics.chebyshev(a, b)
  local most = 0
  for i = 1, #a do most = math.max(most, math.abs(a[i] - b[i])) end
  return most
end

function metrics.cosine(a, b)
  local dot, aa, bb = 0, 0, 0
  for i = 1, #a do dot, aa, bb = dot + a[i] * b[i], aa + a[i] * a[i], bb + b[i] * b[i] end
  return 1 - dot / (math.sqrt(aa) * math.sqrt(bb))
end

local other_names = { l2 = "euclidean", l2_squared = "sqeuclidean", squared_euclidean = "sqeuclidean", l1 = "cityblock", manhattan = "cityblock",
  taxicab = "cityblock", linf = "chebyshev", maximum = "chebyshev" }
-- What the library itself has, for data sets whose rows are in a file of their own.
local library_names = { euclidean = "l2", sqeuclidean = "l2_squared", cityblock = "l1", cosine = "cosine" }

local function metric_name(name)
  name = type(name) == "string" and name:lower() or error("no name of a metric", 0)
  name = other_names[name] or name
  if not metrics[name] then error(("metric '%s' is not known"):format(name), 0) end
  return name
end

local dtypes = { i32 = "i32", int32 = "i32", i64 = "i64", int64 = "i64", f32 = "f32", float32 = "f32", f64 = "f64", float64 = "f64" }

local function matrix_of(points, metric, is_integer)
  local matrix = {}
  for i, a in ipairs(points) do
    matrix[i] = {}
    for j = 1, i - 1 do
      local d = metric(a, points[j])
      if is_integer then d = math.tointeger(d) or error(("points %d and %d: their distance is no integer"):format(i - 1, j - 1), 0) end
      matrix[i][j], matrix[j][i] = d, d
    end
    matrix[i][i] = 0
  end
  return matrix
end

-- Rows of NAME.npy for a file 64_kmedoids_NAME.json; the metric is a word of the file's description.
local function distance_of_rows(file, set)
  local text = type(set.data) == "string" and set.data:lower() or error("neither matrix nor points nor a description of data", 0)
  local rows = vt.npy(file.bytes(file.name:gsub("^64_kmedoids_", ""):gsub("%.json$", "") .. ".npy"), { dtype = "f64" })
  local metric = file.get(set, "metric") or text:match("euclidean") or text:match("cityblock") or text:match("manhattan") or text:match("cosine")
  local name = library_names[metric_name(metric)] or error("metric that the library has not", 0)
  return vt.distance{ rows = rows, metric = name, store = true }, "f64"
end

local function distance_of(file, set)
  local matrix, points = file.get(set, "matrix"), file.get(set, "points")
  if matrix == nil and points == nil then return distance_of_rows(file, set) end
  local dtype = dtypes[file.get(set, "dtype") or "f64"] or error("dtype is not known", 0)
  if matrix ~= nil then
    rows_of(matrix, "matrix")
  else
    matrix = matrix_of(rows_of(points, "points"), metrics[metric_name(set.metric)], dtype:find("^i"))
  end
  local n = file.get(set, "n")
  if n ~= nil and integer(n, "n") ~= #matrix then error(("n is %s, there are %d objects"):format(n, #matrix), 0) end
  return vt.distance{ matrix = matrix, dtype = dtype }, dtype
end

-- ---- comparing a clustering ----

-- One data set under test.
local Set = {}
Set.__index = Set

function Set:close(what, got, want)
  if type(want) == "table" then
    if length(want) == 0 then error(what .. ": no list of numbers", 0) end
    for i, v in ipairs(want) do self:close(("%s[%d]"):format(what, i - 1), got[i], v) end
    return
  end
  if not math.type(want) then error(what .. ": no number", 0) end
  self.report:close(what, got, want, self.tol * math.abs(want) + 1e-15)
end

function Set:same_loss(what, info, want)
  if math.type(info.loss) == "integer" then
    self.report:same(what, info.loss, integer(want, what))
  else
    self:close(what, info.loss, want)
  end
end

-- What a field of an algorithm says of a clustering.
local fields = {
  medoids = function(self, c, want) self.report:same("medoids", c:medoids(), integers(want, "medoids")) end,
  labels = function(self, c, want) self.report:same("labels", c:labels(), integers(want, "labels")) end,
  n_iter = function(self, c, want) self.report:same("n_iter", c:info().n_iter, integer(want, "n_iter")) end,
  n_swap = function(self, c, want) self.report:same("n_swap", c:info().n_swap, integer(want, "n_swap")) end,
  loss = function(self, c, want) self:same_loss("loss", c:info(), want) end,
  silhouette = function(self, c, want) self:close("silhouette", c:info().silhouette, want) end,
  bestk = function(self, c, want) self.report:same("bestk", c:info().k, integer(want, "bestk")) end,
}

function fields.rangek(self, c, want)
  local ks = {}
  for i, point in ipairs(c:curve()) do ks[i] = point.k end
  self.report:same("rangek", ks, integers(want, "rangek"))
end

function fields.losses(self, c, want)
  local curve = {}
  for i, point in ipairs(c:curve()) do curve[i] = point.silhouette end
  if #curve ~= length(want) then error(("losses: %d values instead of %d"):format(#curve, length(want)), 0) end
  self:close("losses", curve, want)
end

-- Compares every field of `want` that is not in `input`; names: field -> field above where they differ.
function Set:compare(c, want, names, input)
  local keys = {}
  for key in pairs(want) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local name = names[key] or key
    if not input[key] and self.file.get(want, key) ~= nil then
      local compare = fields[name] or error(("field '%s' is not known"):format(key), 0)
      compare(self, c, want[key])
    end
  end
end

-- ---- algorithms of a run ----

local plain = {}
local by_silhouette = { loss = "silhouette" }

-- name -> options beside the initial medoids, how fields are called
local from_init = {
  fasterpam = { { method = "fasterpam" }, plain },
  fastpam1 = { { method = "fastpam1" }, plain },
  pam_swap = { { method = "pam" }, plain },
  alternating = { { method = "alternating" }, plain },
  fastermsc = { { method = "fastermsc" }, by_silhouette },
  fastmsc = { { method = "fastmsc" }, by_silhouette },
  pammedsil_swap = { { method = "pammedsil" }, by_silhouette },
  pamsil_swap = { { method = "pamsil" }, by_silhouette },
}
local from_build = {
  pam_build = { { method = "init_only", init = "build" }, plain },
  pam_build_swap = { { method = "pam", init = "build" }, plain },
}

local function with(options, more)
  local all = {}
  for key, v in pairs(options) do all[key] = v end
  for key, v in pairs(more) do all[key] = v end
  return all
end

-- Options and field names of an algorithm of a run; nil for one that is not known.
local function algorithm(run, name)
  if from_init[name] then return with(from_init[name][1], { medoids = integers(run.init, "init") }), from_init[name][2] end
  if from_build[name] then return with(from_build[name][1], { k = integer(run.k, "k") }), from_build[name][2] end
  local k_min = name:match("^dynmsc_min(%d+)$")
  -- The package that made these files slips when it drops a medoid (venturi/cluster.h says how); asked for, we slip alike.
  if k_min then return { method = "dynmsc", medoids = integers(run.init, "init"), k_min = tonumber(k_min), published = true }, by_silhouette end
end

function Set:run_algorithm(run, name, want)
  local options, names = algorithm(run, name)
  local c <close> = self.distance:kmedoids(options)
  self:compare(c, want, names, {})
end

-- Labels and medoids of an algorithm: the file's, else ours.
function Set:result_of(run, name)
  local given = self.file.get(run, name)
  if type(given) == "table" and self.file.get(given, "labels") and self.file.get(given, "medoids") then
    return integers(given.labels, "labels"), integers(given.medoids, "medoids")
  end
  local options = algorithm(run, name) or error(("silhouettes of '%s', which is not known"):format(name), 0)
  local c <close> = self.distance:kmedoids(options)
  return c:labels(), c:medoids()
end

function Set:check_silhouette(mean, samples, want)
  for key in pairs(want) do
    if key ~= "mean" and key ~= "samples" then error(("field '%s' is not known"):format(key), 0) end
  end
  if self.file.get(want, "mean") then self:close("mean", mean, want.mean) end
  if self.file.get(want, "samples") then self:close("samples", samples, want.samples) end
end

-- The check of an object in a run, nil when it is no algorithm that we know.
function Set:check_of(run, name, want)
  local of = name:match("^silhouette_of_(.*)$")
  if of then
    return function()
      local labels, medoids = self:result_of(run, of)
      local mean, samples = self.distance:silhouette(labels, #medoids)
      self:check_silhouette(mean, samples, want)
    end
  end
  of = name:match("^medoid_silhouette_of_(.*)$")
  if of then
    return function()
      local _, medoids = self:result_of(run, of)
      local mean, samples = self.distance:medoid_silhouette(medoids)
      self:check_silhouette(mean, samples, want)
    end
  end
  if from_init[name] or from_build[name] or name:find("^dynmsc_min%d+$") then return function() self:run_algorithm(run, name, want) end end
end

local run_inputs = { init = true, k = true }

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = tostring(key) end
  table.sort(keys)
  return keys
end

function Set:check_run(i, run)
  local label = ("%s run %d"):format(self.name, i - 1)
  if type(run) ~= "table" then error(label .. ": no object", 0) end
  for _, name in ipairs(sorted_keys(run)) do
    local want = self.file.get(run, name)
    if want ~= nil and not run_inputs[name] then
      local case = label .. " " .. name
      -- A known name whose value is no object compares nothing, which fails.
      local check = self:check_of(run, name, type(want) == "table" and want or {})
      if check then
        self.report:case(case, check)
      else
        self.report:skip(case)
      end
    end
  end
end

-- ---- sampled methods: lists of { k, seed, ... } ----

-- The medoids that an initialisation alone draws.
function Set:initial(init, k, seed)
  local c <close> = self.distance:kmedoids{ method = "init_only", init = init, k = k, seed = seed }
  return c:medoids()
end

local sampled = {}

function sampled.lab(self, want)
  local c <close> = self.distance:kmedoids{ method = "init_only", init = "lab", k = integer(want.k, "k"), seed = integer(want.seed, "seed") }
  self:compare(c, want, plain, { k = true, seed = true })
end

-- Position of the smallest of the first m losses.
local function best_of(trace, m, key)
  local best = 1
  for i = 2, m do
    if trace[i][key] < trace[best][key] then best = i end
  end
  return trace[best]
end

-- The trace holds one entry a sample or restart: a call with m of them gives the best of the first m.
function Set:check_trace(want, key, count, known, each)
  local trace = self.file.get(want, "trace")
  if trace == nil then return end
  if length(trace) ~= count then error(("trace: %d entries, not %d"):format(length(trace), count), 0) end
  for m, entry in ipairs(trace) do
    for name in pairs(entry) do
      if not known[name] then error(("trace[%d]: field '%s' is not known"):format(m - 1, name), 0) end
    end
    if not math.type(entry[key]) then error(("trace[%d]: no %s"):format(m - 1, key), 0) end
    each(m, best_of(trace, m, key), trace)
  end
end

function sampled.fasterclara(self, want)
  local options = { method = "fasterclara", k = integer(want.k, "k"), seed = integer(want.seed, "seed"),
    sample_size = integer(want.samplesize, "samplesize"), n_samples = integer(want.n_samples, "n_samples") }
  local c <close> = self.distance:kmedoids(options)
  self:compare(c, want, plain, { k = true, seed = true, samplesize = true, n_samples = true, trace = true })
  self:check_trace(want, "total_loss", options.n_samples, { sample = true, init = true, medoids = true, total_loss = true }, function(m, best, trace)
    if m == 1 then self.report:same("trace[0] sample", self:initial("random", options.sample_size, options.seed), integers(trace[1].sample, "sample")) end
    local part <close> = self.distance:kmedoids(with(options, { n_samples = m }))
    self.report:same(("trace[%d] medoids"):format(m - 1), part:medoids(), integers(best.medoids, "medoids"))
    self:same_loss(("trace[%d] total_loss"):format(m - 1), part:info(), best.total_loss)
  end)
end

function sampled.fasterclarans(self, want)
  local options = { method = "fasterclarans", k = integer(want.k, "k"), seed = integer(want.seed, "seed"), n_local = integer(want.numlocal, "numlocal"),
    rate = want.rate }
  local c <close> = self.distance:kmedoids(options)
  self:compare(c, want, plain, { k = true, seed = true, numlocal = true, rate = true, trace = true })
  local known = { init = true, medoids = true, loss = true, evaluated = true, swaps = true }
  self:check_trace(want, "loss", options.n_local, known, function(m, best, trace)
    if m == 1 then self.report:same("trace[0] init", self:initial("random", options.k, options.seed), integers(trace[1].init, "init")) end
    local part <close> = self.distance:kmedoids(with(options, { n_local = m }))
    local evaluated, swaps = 0, 0
    for i = 1, m do evaluated, swaps = evaluated + integer(trace[i].evaluated, "evaluated"), swaps + integer(trace[i].swaps, "swaps") end
    self.report:same(("trace[%d] evaluated"):format(m - 1), part:info().n_iter, evaluated)
    self.report:same(("trace[%d] swaps"):format(m - 1), part:info().n_swap, swaps)
    self.report:same(("trace[%d] medoids"):format(m - 1), part:medoids(), integers(best.medoids, "medoids"))
    self:same_loss(("trace[%d] loss"):format(m - 1), part:info(), best.loss)
  end)
end

function Set:check_sampled(name, list)
  if length(list) == 0 then error(name .. ": no list of results", 0) end
  for i, want in ipairs(list) do
    self.report:case(("%s %s %d"):format(self.name, name, i - 1), function()
      if type(want) ~= "table" then error("no object", 0) end
      sampled[name](self, want)
    end)
  end
end

-- ---- data sets ----

local set_inputs = { matrix = true, points = true, runs = true, n = true, tol = true, tolerance = true }

local function check_set(file, i, set)
  if type(set) ~= "table" then error(("data set %d: no object"):format(i - 1), 0) end
  local self = setmetatable({ file = file, report = file.report, name = file.get(set, "name") or ("set " .. i - 1) }, Set)
  local dtype
  self.distance, dtype = distance_of(file, set)
  self.tol = file.tolerance({ "tolerance", "tol" }, dtype == "f32" and 1e-5 or 1e-9, set)
  for r, run in ipairs(file.get(set, "runs") or {}) do self:check_run(r, run) end
  for _, name in ipairs(sorted_keys(set)) do
    local v = file.get(set, name)
    if sampled[name] and v ~= nil then
      self:check_sampled(name, v)
    elseif type(v) == "table" and not set_inputs[name] then
      file.report:skip(self.name .. " " .. name)
    end
  end
  self.distance:close()
end

function M.check(file)
  local data = file.data
  for i, set in ipairs(#data == 0 and { data } or data) do check_set(file, i, set) end
  if file.report.cases == 0 then error("no algorithm that is known: nothing was compared", 0) end
end

return M
