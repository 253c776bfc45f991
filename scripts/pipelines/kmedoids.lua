--- Objects grouped around k of them, the medoids: rows of numbers, passages of documents, pictures, the emoji of a font.
-- load -> distance -> cluster -> report (-> page). Every step is a function of this table: replace one, and the others use yours.
-- Methods: FasterPAM (Schubert and Rousseeuw 2021); DynMSC, which chooses k (Lenssen and Schubert 2024). Both are in C: vt.distance, distance:kmedoids.
local vt = require "venturi"
local objects = require "pipelines.objects"

local kmedoids = {}

--- Defaults, to be read through kmedoids.options; false: none.
kmedoids.defaults = {
  k = false,              -- clusters; false: DynMSC chooses among k_min to k_max
  k_min = 2,
  k_max = false,          -- false: the square root of the number of objects, at most 20
  method = "fasterpam", seed = 0, shuffle = false,
  init = false,           -- lab, random, first or build; false: as the method does
  max_iter = false, sample_size = false, n_samples = false, n_local = false, rate = false,
  metric = false,         -- false: cosine for documents, l2 for all else
  matrix = false,         -- the numbers are distances, not rows
  header = "auto", label_column = false, -- of CSV
  size = 16,              -- pixels a side that pictures are brought to
  picture = false,        -- { width, height }: the rows are grey pictures
  max_words = 250,        -- of a passage
  store_up_to = 8192,     -- objects up to which all distances are kept: they are asked for again and again
  silhouette_up_to = 20000, -- objects up to which silhouettes, of O(n^2), are worth their time
}

function kmedoids.options(given)
  return vt.options("kmedoids", kmedoids.defaults, given)
end

--- Reads what a folder holds; see pipelines.objects.
kmedoids.load = objects.load

--- Distances between the items.
function kmedoids.distance(data, opt)
  local n = #data.items
  if n == 0 then vt.fail("VT_ERR_NOT_FOUND", "nothing to cluster: no rows, pictures or passages") end
  if opt.matrix then return vt.distance{ matrix = data.numbers } end
  local store = n <= opt.store_up_to
  if data.weights then
    local w = data.weights
    local csr = { offsets = w.offsets, columns = w.columns, values = w.values }
    return vt.distance{ csr = csr, n = w.n, dim = math.max(w.dim, 1), metric = opt.metric or "cosine", store = store }
  end
  if (opt.metric == "hamming" or opt.metric == "jaccard") and data.numbers.dtype ~= "u8" then
    vt.fail("VT_ERR_DTYPE", ("metric %s: rows must be packed bits, an .npy file of type u1; these are %s"):format(opt.metric, data.numbers.dtype))
  end
  return vt.distance{ rows = data.numbers, metric = opt.metric or "l2", store = store }
end

--- The largest number of clusters that DynMSC tries on n objects. Every medoid counts as perfectly placed in its score, so that on few objects many
-- clusters would always win: hence the square root.
function kmedoids.k_max(n, opt)
  return opt.k_max or math.max(opt.k_min, math.min(20, math.floor(math.sqrt(n))))
end

--- Clusters by the options; without k DynMSC chooses one.
function kmedoids.cluster(distance, opt, progress)
  local given = { method = opt.method, seed = opt.seed, progress = progress }
  for _, key in ipairs{ "k", "init", "shuffle", "max_iter", "sample_size", "n_samples", "n_local", "rate" } do given[key] = opt[key] or nil end
  if not opt.k then given.method, given.k, given.k_min = "dynmsc", kmedoids.k_max(distance:count(), opt), opt.k_min end
  return distance:kmedoids(given)
end

-- Mean silhouette, or that of the medoids where the former would take too long; nil for one cluster. Results: means, and each object's.
local function silhouettes(distance, labels, medoids, opt)
  if #medoids < 2 then return nil, nil, nil end
  local by_medoid, samples = distance:medoid_silhouette(medoids)
  if #labels > opt.silhouette_up_to then return nil, by_medoid, samples end
  local mean, exact = distance:silhouette(labels, #medoids)
  return mean, by_medoid, exact
end

--- What came out, as a value for JSON, and beside it what a page needs: members of each cluster from the medoid outwards, silhouettes.
-- Objects and clusters are numbered from 0.
-- @treturn table report { k, n, loss, n_iter, n_swap, silhouette, medoid_silhouette, medoids, labels, clusters, curve }; silhouettes nil where there are none
-- @treturn table detail { members = list of lists of objects, nearest, samples }
function kmedoids.report(data, distance, clustering, opt)
  local info, medoids, labels, nearest = clustering:info(), clustering:medoids(), clustering:labels(), clustering:nearest()
  local mean, by_medoid, samples = silhouettes(distance, labels, medoids, opt)
  local clusters, members = {}, {}
  for c, medoid in ipairs(medoids) do
    clusters[c] = { medoid = medoid, title = data.items[medoid + 1].title, size = 0, loss = 0, silhouette = samples and 0 }
    members[c] = {}
  end
  for i, label in ipairs(labels) do
    local cluster = clusters[label + 1]
    cluster.size, cluster.loss = cluster.size + 1, cluster.loss + nearest[i]
    if samples then cluster.silhouette = cluster.silhouette + samples[i] end
    table.insert(members[label + 1], i - 1)
  end
  for c, list in ipairs(members) do
    if math.type(info.loss) == "integer" then clusters[c].loss = math.tointeger(clusters[c].loss) end
    if samples and #list > 0 then clusters[c].silhouette = clusters[c].silhouette / #list end
    table.sort(list, function(a, b)
      if (a == medoids[c]) ~= (b == medoids[c]) then return a == medoids[c] end
      local da, db = nearest[a + 1], nearest[b + 1]
      return da ~= db and da < db or da == db and a < b
    end)
  end
  return { kind = data.kind, passed_over = data.passed_over, dtype = info.dtype, n = info.n, k = info.k, loss = info.loss, n_iter = info.n_iter,
    n_swap = info.n_swap, silhouette = mean, medoid_silhouette = by_medoid, medoids = medoids, labels = labels, clusters = clusters,
    curve = clustering:curve() }, { members = members, nearest = nearest, samples = samples }
end

return kmedoids
