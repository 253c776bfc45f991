-- Distances and clusterings: what they are made of, what is refused, functions that are called back, limits of sandboxed scripts.
local t = require "support"
local vt = require "venturi"

local matrix = { { 0, 1, 2, 4, 7 }, { 1, 0, 3, 5, 8 }, { 2, 3, 0, 6, 9 }, { 4, 5, 6, 0, 1 }, { 7, 8, 9, 1, 0 } }
local points = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 10, 10 }, { 10, 11 }, { 11, 10 } }

local function pack(format, list)
  local parts = {}
  for _, row in ipairs(list) do
    for _, v in ipairs(type(row) == "table" and row or { row }) do parts[#parts + 1] = string.pack("<" .. format, v) end
  end
  return table.concat(parts)
end

local function near(got, want)
  if type(want) ~= "table" then
    assert(math.abs(got - want) <= 1e-12 * math.max(1, math.abs(want)), ("got %.17g, want %.17g"):format(got, want))
    return
  end
  t.equal(#got, #want)
  for i, v in ipairs(want) do near(got[i], v) end
end

local function gap(i, j) return math.abs(i - j) end

-- ---- distances ----

t.test("a matrix of lists keeps integers, packed ones have a dtype", function()
  local d <close> = vt.distance{ matrix = matrix }
  t.equal({ d:count(), d:dtype(), math.type(d:compute()[5][3]) }, { 5, "i64", "integer" })
  t.equal(d:compute(), matrix)
  t.equal(d:compute({ 4, 0 }, { 1, 1, 2 }), { { 8, 8, 9 }, { 1, 1, 2 } })
  t.equal(d:compute({}, { 1 }), {})
  for format, dtype in pairs{ f = "f32", d = "f64", i4 = "i32", i8 = "i64" } do
    local data = pack(format, matrix)
    t.equal(vt.distance{ matrix = data, n = 5, dtype = dtype, symmetric = true }:compute(), matrix, dtype)
    t.equal(vt.distance{ matrix = { dtype = dtype, shape = { 5, 5 }, data = data } }:dtype(), dtype)
    t.equal(vt.distance{ matrix = matrix, dtype = dtype }:dtype(), dtype)
  end
  t.equal(vt.distance{ matrix = { { 0, 0.5 }, { 2, 0 } } }:dtype(), "f64")
end)

t.test("a triangle is a matrix of half the size", function()
  local rows = { { 1 }, { 2, 3 }, { 4, 5, 6 }, { 7, 8, 9, 1 } }
  local whole = vt.distance{ triangle = rows }
  t.equal({ whole:count(), whole:dtype() }, { 5, "i64" })
  t.equal(whole:compute(), matrix)
  t.equal(vt.distance{ triangle = pack("i4", rows), dtype = "i32" }:compute(), matrix)
  t.equal(vt.distance{ triangle = { dtype = "f32", shape = { 10 }, data = pack("f", rows) }, n = 5 }:compute(), matrix)
  t.equal(vt.distance{ triangle = {} }:compute(), { { 0 } })
  t.raises("triangle[2] has 3 numbers, need 2", vt.distance, { triangle = { { 1 }, { 2, 3, 4 } } })
  t.raises("option 'n' must be given and fit it", vt.distance, { triangle = pack("d", { 1, 2 }), dtype = "f64" })
  t.raises("28 bytes", vt.distance, { triangle = pack("i4", { 1, 2, 3, 4, 5, 6, 7 }), n = 4, dtype = "i32" })
end)

t.test("rows have metrics", function()
  local rows = { { 3, 0 }, { 0, 4 }, { 0, 0 } }
  near(vt.distance{ rows = rows }:compute(), { { 0, 5, 3 }, { 5, 0, 4 }, { 3, 4, 0 } })
  near(vt.distance{ rows = rows, metric = "l2_squared" }:compute({ 0 }), { { 0, 25, 9 } })
  near(vt.distance{ rows = rows, metric = "l1", store = true }:compute({ 0 }), { { 0, 7, 3 } })
  near(vt.distance{ rows = rows, metric = "cosine" }:compute({ 0 }), { { 0, 1, 1 } })
  t.equal(vt.distance{ rows = rows }:dtype(), "f64")
  t.equal(vt.distance{ rows = rows, dtype = "f32" }:dtype(), "f32")
  t.equal(vt.distance{ rows = pack("f", rows), dtype = "f32", dim = 2 }:compute({ 0 }), { { 0, 5, 3 } })
  t.equal(vt.distance{ rows = { dtype = "u8", shape = { 3, 2 }, data = "\3\0\0\4\0\0" } }:compute({ 0 }), { { 0, 5, 3 } })
  local bits = vt.distance{ rows = { { 255, 0 }, { 15, 0 }, { 0, 1 } }, metric = "hamming" }
  t.equal({ bits:dtype(), bits:compute({ 0 }) }, { "i32", { { 0, 4, 9 } } })
  near(vt.distance{ rows = "\255\15\0", dim = 1, metric = "jaccard" }:compute({ 0 }), { { 0, 0.5, 1 } })
end)

t.test("sparse rows are lists or packed", function()
  local csr = { offsets = { 0, 1, 2, 2 }, columns = { 0, 1 }, values = { 3, 4 } }
  local want = { { 0, 5, 3 }, { 5, 0, 4 }, { 3, 4, 0 } }
  t.equal(vt.distance{ csr = csr, dim = 2 }:compute(), want)
  local packed = { offsets = pack("i8", csr.offsets), columns = pack("i4", csr.columns), values = pack("f", csr.values) }
  t.equal(vt.distance{ csr = packed, n = 3, dim = 2, store = true }:compute(), want)
  for what, bad in pairs{
    ["offsets end at 3"] = { offsets = { 0, 1, 2, 3 }, columns = { 0, 1 }, values = { 3, 4 } },
    ["1 values"] = { offsets = { 0, 1, 2, 2 }, columns = { 0, 1 }, values = { 3 } },
    ["must be a number that i32 holds"] = { offsets = { 0, 1 }, columns = { 1 << 40 }, values = { 3 } },
    ["csr needs"] = { offsets = { 0 }, columns = {} },
    ["unknown option 'data'"] = { data = {} },
  } do
    t.raises(what, vt.distance, { csr = bad, dim = 2 })
  end
  for _, offsets in ipairs{ { 0, 5, 2, 2 }, { 1, 1, 2, 2 }, { 0, 1 << 40, 2, 2 }, { 0, -1, 2, 2 } } do
    local err = t.raises("", vt.distance, { csr = { offsets = offsets, columns = { 0, 1 }, values = { 3, 4 } }, dim = 2 })
    t.equal(err.name, "VT_ERR_INVALID")
  end
  t.raises("dim", vt.distance, { csr = csr })
  t.raises("metric 4", vt.distance, { csr = csr, dim = 2, metric = "hamming" })
end)

t.test("what does not fit is refused by name", function()
  for what, options in pairs{
    ["needs one of"] = {},
    ["rows.shape[2] is 0, need 1 or more"] = { rows = { dtype = "f64", shape = { 4, 0 }, data = "" } },
    ["exclude each other"] = { matrix = matrix, rows = points },
    ["unknown option 'metric'"] = { matrix = matrix, metric = "l2" },
    ["unknown option 'simmetric'"] = { matrix = matrix, simmetric = true },
    ["unknown option 'symmetric'"] = { rows = points, symmetric = true },
    ["'metric' is 'l3'"] = { rows = points, metric = "l3" },
    ["'dtype' is 'f16'"] = { rows = points, dtype = "f16" },
    ["rows[2] has 1 numbers, need 2"] = { rows = { { 1, 2 }, { 3 } } },
    ["rows[2][1] must be a number that f64 holds, got string"] = { rows = { { 1, 2 }, { "3", 4 } } },
    ["rows[2] must be a list of numbers, got number"] = { rows = { { 1 }, 2 } },
    ["rows must be a list of lists, a string or a table with a shape, got number"] = { rows = 7 },
    ["must be a number that u8 holds, got 256"] = { rows = { { 256 } }, metric = "hamming" },
    ["matrix is 2 x 3, need a square"] = { matrix = { { 0, 1, 2 }, { 1, 0, 2 } } },
    ["option 'dtype' must say"] = { matrix = "12345678", n = 1 },
    ["matrix has 8 bytes, its shape as f64 needs 32"] = { matrix = "12345678", n = 2, dtype = "f64" },
    ["option 'n' must be given"] = { matrix = "12345678", dtype = "f64" },
    ["option 'dim' must be given"] = { rows = "12345678", dtype = "f64" },
    ["rows has 0 rows, need 1"] = { rows = {} },
    ["has 6 rows, need 7"] = { rows = points, n = 7 },
    ["is 2, the options say 3"] = { rows = { dtype = "u8", shape = { 2, 2 }, data = "1234" }, n = 3 },
    ["shape must be a list of 2"] = { rows = { dtype = "u8", shape = { 4 }, data = "1234" } },
    ["shape[2] must be an integer >= 1"] = { rows = { dtype = "u8", shape = { 4, "x" }, data = "1234" } },
    ["unknown option 'fortran'"] = { rows = { dtype = "u8", shape = { 4, 1 }, data = "1234", fortran = true } },
    ["needs option 'n'"] = { callback = gap },
    ["callback must be a function"] = { callback = 7, n = 3 },
    ["row 1, column 0"] = { matrix = { { 0.0, 1.0 }, { 0 / 0, 0 } } },
  } do
    t.raises(what, vt.distance, options)
  end
  for _, list in ipairs{ setmetatable({}, { __len = function() return 1 << 62 end }), { [1] = { 1 }, [2] = { 1, nil, 3 } } } do
    t.raises("", vt.distance, { rows = list })
  end
  t.raises("are too many", vt.distance, { rows = "x", n = 1 << 30, dim = 1 << 40, dtype = "f64" })
  t.raises("table expected", vt.distance, nil)
  t.raises("rows[1] is 9", function() vt.distance{ matrix = matrix }:compute({ 0, 9 }) end)
end)

t.test("data lives as long as what looks at it", function()
  local function cluster()
    local d <close> = vt.distance{ matrix = pack("d", matrix), n = 5, dtype = "f64" }
    return d:kmedoids{ medoids = { 0, 1 } }
  end
  local c = cluster()
  collectgarbage()
  collectgarbage()
  t.equal(c:medoids(), { 0, 3 })
  local rows = vt.distance{ rows = points }:kmedoids{ k = 2 }
  collectgarbage()
  t.equal(rows:predict(points), rows:labels())
end)

t.test("close is idempotent, use after close says so", function()
  local d = vt.distance{ matrix = matrix }
  local c = d:kmedoids{ k = 2 }
  d:close()
  d:close()
  t.raises("distance is closed", d.compute, d)
  t.raises("distance is closed", d.kmedoids, d, { k = 2 })
  t.equal(#c:labels(), 5)
  c:close()
  t.raises("clustering is closed", c.labels, c)
  t.raises("vt.distance expected, got vt.clustering", d.count, c)
end)

t.test("principal axes are found", function()
  local coordinates, shares = vt.distance{ rows = { { 0, 0 }, { 1, 2 }, { 2, 4 }, { 3, 6 } } }:project(2)
  t.equal({ #coordinates, #coordinates[1], #shares }, { 4, 2, 2 })
  assert(math.abs(shares[1] - 1) < 1e-9 and math.abs(shares[2]) < 1e-9)
  assert(math.abs(coordinates[4][1] - 1.5 * math.sqrt(5)) < 1e-9)
  t.equal(t.raises("", function() vt.distance{ matrix = matrix }:project(1) end).name, "VT_ERR_UNSUPPORTED")
end)

-- ---- k-medoids ----

t.test("medoids, labels and what is known of them", function()
  local c <close> = vt.distance{ matrix = matrix }:kmedoids{ medoids = { 0, 1 } }
  t.equal({ c:medoids(), c:labels() }, { { 0, 3 }, { 0, 0, 0, 1, 1 } })
  t.equal({ c:nearest(), c:second() }, { { 0, 1, 2, 0, 1 }, { 4, 5, 6, 4, 7 } })
  t.equal(c:info(), { dtype = "i64", n = 5, k = 2, n_iter = 2, n_swap = 2, loss = 4, silhouette = 0, dim = 0 })
  t.equal(math.type(c:info().loss), "integer")
  t.equal({ c:centroids(), c:curve() }, {})
  local float <close> = vt.distance{ matrix = matrix, dtype = "f32" }:kmedoids{ k = 2 }
  t.equal({ math.type(float:info().loss), float:info().loss }, { "float", 4 })
end)

t.test("every method clusters two clouds", function()
  local d <close> = vt.distance{ rows = points, metric = "l1" }
  for _, method in ipairs{ "fasterpam", "fastpam1", "pam", "alternating", "fasterclara", "fastclarans", "fasterclarans", "fastermsc", "fastmsc", "dynmsc",
    "pammedsil", "pamsil" } do
    local c <close> = d:kmedoids{ k = 2, method = method, seed = 3, k_min = method == "dynmsc" and 2 or nil,
      published = method == "dynmsc" or nil }
    local labels = c:labels()
    t.equal(#labels, 6)
    if method ~= "alternating" then assert(labels[1] == labels[3] and labels[4] == labels[6] and labels[1] ~= labels[4], method) end
  end
  for _, init in ipairs{ "lab", "random", "first", "build" } do
    local c <close> = d:kmedoids{ k = 2, init = init, method = "init_only" }
    t.equal(#c:medoids(), 2, init)
  end
  t.equal(d:kmedoids{ k = 2, init = "first", method = "init_only" }:medoids(), { 0, 1 })
  local curve = d:kmedoids{ k = 3, method = "dynmsc" }:curve()
  t.equal({ #curve, curve[1].k, curve[2].k, math.type(curve[1].silhouette) }, { 2, 2, 3, "float" })
end)

t.test("a seed fixes the result", function()
  local d <close> = vt.distance{ callback = gap, n = 40, symmetric = true }
  local function run(seed) return d:kmedoids{ k = 5, init = "random", method = "init_only", seed = seed }:medoids() end
  t.equal(run(7), run(7))
  assert(table.concat(run(7), " ") ~= table.concat(run(8), " "))
  assert(d:kmedoids{ k = 3, seed = -1, shuffle = true }:info().k == 3)
end)

t.test("weights count objects several times", function()
  local d <close> = vt.distance{ callback = gap, n = 5, symmetric = true, store = true }
  t.equal(d:kmedoids{ k = 1 }:medoids(), { 2 })
  local heavy = d:kmedoids{ k = 1, weights = { 1, 1, 1, 1, 10 } }
  t.equal({ heavy:medoids(), heavy:info().loss }, { { 4 }, 10 })
  t.raises("4 weights", d.kmedoids, d, { k = 1, weights = { 1, 1, 1, 1 } })
  t.raises("weights[2] must be a number", d.kmedoids, d, { k = 1, weights = { 1, "x", 1, 1, 1 } })
end)

t.test("options of other methods are refused by name", function()
  local d <close> = vt.distance{ matrix = matrix }
  for what, options in pairs{
    ["unknown option 'n_clusters'"] = { n_clusters = 2 },
    ["'rate'"] = { k = 2, rate = 0.5 },
    ["'published'"] = { k = 2, published = true },
    ["'k_min'"] = { k = 2, k_min = 2 },
    ["'sample_size'"] = { k = 2, sample_size = 5 },
    ["'n_local'"] = { k = 2, method = "fasterclara", n_local = 2 },
    ["'shuffle'"] = { k = 2, method = "pam", shuffle = true },
    ["option 'method' is 'clara', must be one of fasterpam, "] = { k = 2, method = "clara" },
    ["option 'init' is 'given'"] = { k = 2, init = "given" },
    ["option 'k' is 0"] = { k = 0 },
    ["k=6, need 1 to 5"] = { k = 6 },
    ["k=0"] = {},
    ["k=2 but 1 medoids"] = { k = 2, medoids = { 0 } },
    ["medoids[1] must be a number that i64 holds, got 0.5"] = { medoids = { 0.5 } },
    ["progress"] = { k = 2, progress = true },
  } do
    t.raises(what, d.kmedoids, d, options)
  end
  for _, medoids in ipairs{ { 0, 0 }, { 0, 5 }, { 0, -1 } } do t.raises("", d.kmedoids, d, { medoids = medoids }) end
end)

t.test("silhouettes of labels and of medoids", function()
  local d <close> = vt.distance{ matrix = matrix }
  local mean, samples = d:silhouette({ 0, 0, 0, 1, 1 }, 2)
  near(mean, 0.7522494172494172)
  near(samples, { 0.7272727272727273, 0.6923076923076923, 0.6666666666666666, 0.8, 0.875 })
  mean, samples = d:medoid_silhouette{ 0, 3 }
  near(mean, 0.8647619047619047)
  near(samples, { 1, 0.8, 2 / 3, 1, 6 / 7 })
  t.raises("4 labels", d.silhouette, d, { 0, 0, 1, 1 }, 2)
  t.raises("labels[1] must be a number that i32 holds", d.silhouette, d, { 1 << 40, 0, 0, 0, 0 }, 2)
  t.raises("number expected", d.silhouette, d, { 0, 0, 0, 0, 0 })
  t.equal(t.raises("", d.silhouette, d, { 0, 0, 0, 0, 2 }, 2).name, "VT_ERR_INVALID")
  t.equal(t.raises("k=1", d.medoid_silhouette, d, { 0 }).name, "VT_ERR_SHAPE")
end)

t.test("new points find their medoid", function()
  local c <close> = vt.distance{ rows = points, metric = "l1" }:kmedoids{ medoids = { 0, 3 } }
  local labels, distances = c:predict{ { 1, 1 }, { 9, 10 }, { 0, 0 } }
  t.equal({ labels, distances }, { { 0, 1, 0 }, { 2, 1, 0 } })
  t.equal({ c:predict(pack("d", { 9, 10 })) }, { { 1 }, { 1 } })
  t.equal({ c:predict({ dtype = "f64", shape = { 1, 2 }, data = pack("d", { 9, 10 }) }) }, { { 1 }, { 1 } })
  t.equal(t.raises("", c.predict, c, pack("f", { 9, 10 }), { dtype = "f32" }).name, "VT_ERR_DTYPE")
  t.raises("has 3 numbers, need 2", c.predict, c, { { 1, 2, 3 } })
  t.raises("unknown option 'dims'", c.predict, c, points, { dims = 2 })
  local bytes <close> = vt.distance{ rows = "\0\0\1\0\100\100", dim = 2, dtype = "u8" }:kmedoids{ medoids = { 0, 2 } }
  t.equal(bytes:predict({ dtype = "u8", shape = { 2, 2 }, data = "\99\99\3\3" }), { 1, 0 })
  t.equal(t.raises("", function() vt.distance{ matrix = matrix }:kmedoids{ k = 2 }:predict(points) end).name, "VT_ERR_UNSUPPORTED")
end)

-- ---- k-means ----

t.test("k-means finds means", function()
  local c <close> = vt.kmeans{ rows = points, k = 2, centroids = { { 0, 0 }, { 10, 10 } } }
  t.equal({ c:labels(), c:medoids(), c:second() }, { { 0, 0, 0, 1, 1, 1 } })
  near(c:centroids(), { { 1 / 3, 1 / 3 }, { 31 / 3, 31 / 3 } })
  near(c:info().loss, 8 / 3)
  t.equal({ c:info().dtype, c:info().dim, c:info().k }, { "f64", 2, 2 })
  t.equal(c:predict{ { 1, 1 }, { 9, 9 } }, { 0, 1 })
  for _, method in ipairs{ "lloyd", "mini_batch" } do
    for _, init in ipairs{ "k-means++", "random" } do
      local labels = vt.kmeans{ rows = points, k = 2, method = method, init = init, n_init = 5, seed = 4 }:labels()
      assert(labels[1] == labels[2] and labels[4] == labels[6], method .. " " .. init)
    end
  end
  local f32 <close> = vt.kmeans{ rows = "\0\0\0\1\100\100\100\101", dim = 2, dtype = "u8", k = 2, centroids = { { 0, 0 }, { 99, 99 } } }
  t.equal({ f32:info().dtype, f32:labels() }, { "f32", { 0, 0, 1, 1 } })
end)

t.test("k-means refuses what does not fit", function()
  for what, options in pairs{
    ["option 'rows' is missing"] = { k = 2 },
    ["unknown option 'medoids'"] = { rows = points, medoids = { 1 } },
    ["option 'method' is 'elkan'"] = { rows = points, k = 2, method = "elkan" },
    ["centroids[1] has 1 numbers, need 2"] = { rows = points, centroids = { { 1 } } },
    ["centroids has 1 rows, need 2"] = { rows = points, k = 2, centroids = { { 1, 1 } } },
    ["2 weights for 6 rows"] = { rows = points, k = 2, weights = { 1, 1 } },
    ["k=7"] = { rows = points, k = 7 },
    ["batch_size"] = { rows = points, k = 2, batch_size = 5 },
  } do
    t.raises(what, vt.kmeans, options)
  end
end)

-- ---- functions that are called back ----

t.test("a function is a distance", function()
  local d <close> = vt.distance{ callback = function(i, j) return (i - j) * (i > j and 2 or -1) end, n = 3 }
  t.equal({ d:dtype(), d:compute() }, { "f64", { { 0, 1, 2 }, { 2, 0, 1 }, { 4, 2, 0 } } })
  local calls = 0
  local stored <close> = vt.distance{ callback = function(i, j) calls = calls + 1 return gap(i, j) end, n = 6, symmetric = true, store = true }
  t.equal(calls, 15)
  t.equal({ stored:compute({ 5 }, { 0, 5 }), calls }, { { { 5, 0 } }, 15 })
  t.equal(d:kmedoids{ k = 3 }:info().loss, 0)
end)

t.test("an error in a function comes through as it was raised", function()
  local thing = { "thing" }
  local function fails(i) if i == 3 then error(thing) end return 1 end
  local d <close> = vt.distance{ callback = fails, n = 5 }
  for name, call in pairs{ compute = function() d:compute() end, kmedoids = function() d:kmedoids{ k = 2 } end,
    silhouette = function() d:silhouette({ 0, 0, 0, 1, 1 }, 2) end, medoid_silhouette = function() d:medoid_silhouette{ 0, 1 } end,
    store = function() vt.distance{ callback = fails, n = 5, store = true } end } do
    local ok, err = pcall(call)
    assert(not ok and rawequal(err, thing), name)
  end
  t.equal(d:compute({ 0 }, { 1 }), { { 1 } }, "and it works again")
  local text <close> = vt.distance{ callback = function() return "7" end, n = 2 }
  t.raises("callback(0, 1) must return a number, got string", text.compute, text)
  local nan <close> = vt.distance{ callback = function() return 0 / 0 end, n = 2 }
  t.equal(t.raises("", nan.compute, nan).name, "VT_ERR_NUMERIC")
end)

t.test("a function may not use its own distance, and may close it", function()
  local d
  d = vt.distance{ callback = function() return d:count() end, n = 3 }
  t.equal(d:compute({ 0 }, { 1 }), { { 3 } })
  local inner
  inner = vt.distance{ callback = function() return inner:compute()[1][1] end, n = 3 }
  t.equal(t.raises("its callback is running", inner.compute, inner).name, "VT_ERR_STATE")
  local closing
  closing = vt.distance{ callback = function(i, j) closing:close() collectgarbage() return gap(i, j) end, n = 3 }
  t.equal(closing:compute(), { { 0, 1, 2 }, { 1, 0, 1 }, { 2, 1, 0 } })
  t.raises("distance is closed", closing.compute, closing)
end)

t.test("a function runs in the coroutine that asks, and cannot yield", function()
  local d <close> = vt.distance{ callback = function(i, j) return gap(i, j) end, n = 4 }
  local co = coroutine.wrap(function() return d:compute({ 0 }) end)
  t.equal(co(), { { 0, 1, 2, 3 } })
  local yields <close> = vt.distance{ callback = coroutine.yield, n = 4 }
  t.raises("yield across a C-call boundary", coroutine.wrap(function() yields:compute() end))
end)

t.test("progress is told, and cancels", function()
  local seen = {}
  local d <close> = vt.distance{ callback = gap, n = 60, symmetric = true }
  d:kmedoids{ k = 4, progress = function(fraction, message) seen[#seen + 1] = { fraction, message } end }
  assert(#seen >= 1 and math.type(seen[1][1]) == "float" and #seen[1][2] > 0)
  t.equal(t.raises("progress", d.kmedoids, d, { k = 4, progress = function() return true end }).name, "VT_ERR_CANCELLED")
  t.raises("stop it", d.kmedoids, d, { k = 4, progress = function() error("stop it") end })
  t.equal(t.raises("", vt.kmeans, { rows = points, k = 2, progress = function() return true end }).name, "VT_ERR_CANCELLED")
end)

-- ---- sandboxed ----

local function run(text, options)
  local script <close> = vt.script(options)
  script:load("test", text)
end

t.test("a sandboxed script clusters", function()
  run([[
    local vt = require "venturi"
    local d = vt.distance{ rows = { { 0, 0 }, { 0, 1 }, { 9, 9 }, { 9, 8 } } }
    local c = d:kmedoids{ k = 2, progress = function() end }
    assert(c:labels()[1] ~= c:labels()[4])
    assert(vt.kmeans{ rows = { { 0 }, { 9 } }, k = 2 }:info().loss == 0)
    assert(not pcall(function() vt.distance{ callback = function() error "x" end, n = 3 }:compute() end))
  ]])
end)

t.test("limits of a script hold in functions and in the library", function()
  local endless = [[
    local vt = require "venturi"
    local d = vt.distance{ callback = function() while true do end end, n = 3 }
    while true do pcall(d.compute, d) end
  ]]
  t.equal(t.raises("time limit", run, endless, { time_ms = 50 }).name, "VT_ERR_LIMIT")
  t.equal(t.raises("instruction limit", run, endless, { instructions = 100000 }).name, "VT_ERR_LIMIT")
  local many = [[
    local vt = require "venturi"
    local d = vt.distance{ callback = math.max, n = 100000, symmetric = true }
    d:kmedoids{ k = 2 }
  ]]
  t.equal(t.raises("", run, many, { time_ms = 100 }).name, "VT_ERR_LIMIT")
  t.equal(t.raises("instruction limit", run, many, { instructions = 1000000 }).name, "VT_ERR_LIMIT")
  local slow = [[
    local vt = require "venturi"
    local rows = {}
    for i = 1, 2000 do rows[i] = { math.sin(i), math.cos(3 * i), math.sin(7 * i) } end
    local d = vt.distance{ rows = rows }
    d:kmedoids{ k = 100, method = "pamsil" }
  ]]
  t.equal(t.raises("", run, slow, { time_ms = 300 }).name, "VT_ERR_LIMIT")
end)

t.test("a script that runs out of memory anywhere leaves nothing behind and says so", function()
  local text = [[
    local vt = require "venturi"
    local rows = {}
    for i = 1, 30 do rows[i] = { i, i * i % 7 } end
    local d = vt.distance{ rows = rows, store = true }
    local c = d:kmedoids{ k = 3, progress = function() return false end }
    local f = vt.distance{ callback = function(i, j) return (i - j) ^ 2 end, n = 20 }
    f:kmedoids{ k = 2, method = "dynmsc" }:curve()
    f:silhouette(f:kmedoids{ k = 2 }:labels(), 2)
    c:predict(rows)
    vt.kmeans{ rows = rows, k = 2 }:centroids()
    d:project(2)
  ]]
  t.with_little_memory(text)
end)

t.done()
