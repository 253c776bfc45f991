--- venturi cluster: groups the rows of a file, the documents or pictures of a folder, or the emoji of a font around medoids.
local json = require "venturi.cli.json"
local kmedoids = require "pipelines.kmedoids"
local objects = require "pipelines.objects"
local options = require "venturi.cli.options"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"
local vt = require "venturi"
local shared = options.shared

local methods = { "fasterpam", "fastpam1", "pam", "alternating", "fasterclara", "fastclarans", "fasterclarans", "fastermsc", "fastmsc",
  "pammedsil", "pamsil" }
local defaults = kmedoids.defaults

local M = {
  name = "cluster",
  summary = "group rows, documents or pictures around typical ones",
  examples = {
    "venturi cluster digits.npy -k 10 --html digits.html --picture 8x8",
    "venturi cluster --auto 5:15 --html faq.html /usr/share/doc/debian/FAQ",
    "venturi cluster -k 12 /usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
    "venturi cluster --json -k 3 --label-column species iris.csv | jq '.clusters[].title'",
  },
  arguments = { { "input", help = "a .npy, .csv or .tsv file of rows; a colour font (.ttf: its emoji); a folder of PNG pictures or of documents" } },
  options = {
    { "clusters", short = "k", arg = "N", kind = "integer", min = 1, group = "Clusters",
      help = "clusters wanted; without it the number is chosen, see --auto" },
    { "auto", arg = "MIN:MAX", kind = "string", group = "Clusters",
      help = "choose the number of clusters by DynMSC, the largest mean medoid silhouette (default: 2 to the square root of the objects, at most 20)" },
    { "method", arg = "NAME", kind = "choice", choices = methods, default = defaults.method, group = "Clusters",
      help = table.concat(methods, ", ") .. " (default: fasterpam)" },
    { "init", arg = "NAME", kind = "choice", choices = { "lab", "random", "first", "build" }, group = "Clusters",
      help = "first medoids: lab, random, first or build (default: lab)" },
    { "seed", arg = "N", kind = "integer", default = defaults.seed, group = "Clusters", help = "seed of the random numbers" },
    { "max-iter", arg = "N", kind = "integer", min = 1, group = "Clusters", help = "most passes (default: 100)" },
    { "shuffle", kind = "flag", group = "Clusters", help = "visit candidates in random order" },
    { "sample-size", arg = "N", kind = "integer", min = 1, group = "Clusters", help = "fasterclara: objects of a sample (default: 80 + 4k)" },
    { "samples", arg = "N", kind = "integer", min = 1, group = "Clusters", help = "fasterclara: samples (default: 5)" },
    { "restarts", arg = "N", kind = "integer", min = 1, group = "Clusters", help = "fastclarans, fasterclarans: restarts (default: 2)" },
    { "rate", arg = "SHARE", kind = "number", above = 0, group = "Clusters",
      help = "fastclarans, fasterclarans: draws without a gain that end a restart, as a share of the objects (default: 0.025)" },
    { "metric", arg = "NAME", kind = "choice", choices = { "l2", "l2_squared", "l1", "cosine", "hamming", "jaccard" }, group = "Input",
      help = "l2, l2_squared, l1, cosine; hamming, jaccard: rows of bits (default: cosine for documents, else l2)" },
    { "matrix", kind = "flag", group = "Input", help = "the file holds the distances themselves, as many rows as columns" },
    { "header", arg = "WHEN", kind = "choice", choices = { "auto", "yes", "no" }, default = "auto", group = "Input",
      help = "CSV: whether the first record has names: auto, yes or no" },
    { "label-column", arg = "COLUMN", kind = "string", group = "Input",
      help = "CSV: name or number of the column that names the rows (default: the first with text)" },
    { "size", arg = "PIXELS", kind = "integer", min = 1, max = 256, default = defaults.size, group = "Input",
      help = "side to which pictures are brought before they are compared" },
    { "html", arg = "FILE", kind = "string", group = "Output", env = false,
      help = "also write a page with medoids, map, silhouettes and members; an existing file needs --force" },
    { "picture", arg = "WxH", kind = "string", group = "Output", help = "the rows are grey pictures of this size: the page shows them" },
    { "members", arg = "N", kind = "integer", min = 0, default = 5, group = "Output", help = "members to print beside each medoid, nearest first" },
    shared.json, shared.output, { "force", kind = "flag", group = "Output", help = "let --output and --html overwrite" },
    { "threads", short = "t", arg = "N", kind = "integer", min = 0, max = 256, default = 0, group = "Run", help = "threads; 0: one a CPU" },
  },
  notes = "k-medoids: each cluster is represented by one of its own objects, the medoid, and the sum of distances to the medoids is made small.\n"
    .. "Objects and clusters are numbered from 0. Documents are compared by the words of their passages (TF-IDF), pictures by their colours\n"
    .. "at --size x --size pixels. Two runs with the same seed give the same clusters, whatever the number of threads.",
}

local function usage(message, ...) error({ usage = message:format(...) }, 0) end

-- Numbers of `least` or more on both sides of a separator, or a usage error.
local function pair(name, text, separator, least, form)
  local a, b = text:match("^(%d+)" .. separator .. "(%d+)$")
  a, b = math.tointeger(a), math.tointeger(b)
  if not a or not b or a < least or b < least then usage("option '--%s' must be %s, got '%s'", name, form, text) end
  return a, b
end

local clara, clarans = { fasterclara = true }, { fastclarans = true, fasterclarans = true }

-- Options that not every method has a use for: name on the command line, and the methods that have or that have not.
local particular = {
  sample_size = { "sample-size", only = clara }, n_samples = { "samples", only = clara }, n_local = { "restarts", only = clarans },
  rate = { "rate", only = clarans }, max_iter = { "max-iter", but = clarans }, init = { "init", but = clarans },
  shuffle = { "shuffle", only = { fasterpam = true, fasterclara = true, fastermsc = true, dynmsc = true } },
}

-- What the method would not use is refused in the words of the command line.
local function check_method(given)
  local method = given.k and given.method or "dynmsc"
  for key, of in pairs(particular) do
    local fits = not (of.but and of.but[method]) and (not of.only or of.only[method])
    if given[key] and not fits then usage("option '--%s' is not for method %s", of[1], method) end
  end
end

-- What would be printed or drawn nowhere is refused, and so is a page in the place of the result.
local function check_output(opt)
  if opt.picture and opt.typed.picture and not opt.html then usage("option '--picture' needs --html: it says how the page shows the rows") end
  if opt.typed.members and opt.json then usage("--members and --json exclude each other: JSON has the labels of all objects") end
  if opt.html == "-" then usage("option '--html' must be a file: the result goes to stdout") end
  if not opt.html then return end
  if opt.html == opt.output then usage("--html and --output name the same file, '%s'", opt.html) end
  if program.kind(opt.html) and not opt.force then talk.fail(1, opt.html .. ": exists already", "Add --force to overwrite it.") end
end

-- Options of the pipeline. Results: they, and the range of --auto where it was typed.
local function settings_of(opt)
  local given = { k = opt.clusters, method = opt.method, init = opt.init, seed = opt.seed, shuffle = opt.shuffle or false, max_iter = opt.max_iter,
    sample_size = opt.sample_size, n_samples = opt.samples, n_local = opt.restarts, rate = opt.rate, metric = opt.metric, matrix = opt.matrix or false,
    header = ({ yes = true, no = false })[opt.header], label_column = math.tointeger(opt.label_column) or opt.label_column, size = opt.size }
  if opt.header == "auto" then given.header = "auto" end
  if opt.auto and opt.clusters then usage("--auto and -k exclude each other") end
  if opt.auto then given.k_min, given.k_max = pair("auto", opt.auto, ":", 2, "MIN:MAX, 2 or more") end
  if opt.auto and given.k_min > given.k_max then usage("option '--auto': %d is more than %d", given.k_min, given.k_max) end
  if not opt.clusters and opt.given.method then usage("option '--method' needs -k: the number of clusters is chosen by DynMSC") end
  if opt.matrix and opt.metric then usage("--matrix and --metric exclude each other") end
  if opt.picture then given.picture = { pair("picture", opt.picture, "x", 1, "WxH, such as 8x8") } end
  check_method(given)
  return kmedoids.options(given)
end

local nothing = "A folder may hold PNG pictures, or text, Markdown or HTML documents; a file is .npy, .csv, .tsv or .ttf."

local function load(path, settings)
  if not program.kind(path) then talk.fail(3, path .. ": no such file or folder") end
  local folder <close> = vt.folder(path)
  local data = kmedoids.load(folder, settings, function(fraction, name, problem)
    if problem then talk.say("%s: passed over: %s", name, problem.message) end
    talk.progress("reading %3d%%  %s", math.floor(100 * fraction), name)
  end)
  talk.clear()
  if #data.items == 0 then talk.fail(3, path .. ": nothing to cluster", nothing) end
  return data
end

-- An option for another kind of input would do nothing: refused.
local function check_input(opt, data, settings)
  local is_of = { size = data.kind == "pictures", picture = data.kind == "rows" and not opt.matrix, header = data.is_table, label_column = data.is_table,
    matrix = data.kind == "rows" }
  for key, fits in pairs{ size = "pictures", picture = "rows", header = "CSV", label_column = "CSV", matrix = "numbers" } do
    local name = key:gsub("_", "-")
    if opt.typed[key] and not is_of[key] then usage("option '--%s' is for %s, and %s is something else", name, fits, opt.input) end
  end
  local picture, dim = settings.picture, data.numbers and data.numbers.shape[2]
  if picture and dim ~= picture[1] * picture[2] then
    usage("option '--picture': %d x %d are not the %d numbers of a row", picture[1], picture[2], dim)
  end
end

-- The number of objects bounds the number of clusters.
local function check_count(n, settings)
  if settings.k and settings.k > n then talk.fail(1, ("-k %d: there are only %d objects"):format(settings.k, n)) end
  if settings.k then return end
  if settings.k_max and settings.k_max > n then
    talk.fail(1, ("--auto %d:%d: there are only %d objects"):format(settings.k_min, settings.k_max, n))
  elseif not settings.k_max and n < 3 then
    talk.fail(1, ("the number of clusters cannot be chosen among %d objects"):format(n), "Say how many with -k N.")
  end
  settings.k_max = kmedoids.k_max(n, settings)
end

local function method_of(settings)
  if settings.k then return settings.method end
  return ("dynmsc, k from %d to %d"):format(settings.k_min, settings.k_max)
end

local function line_of(title) return (talk.plain((title:gsub("%s", " ")))) end

local function text_of(report, detail, data, n_members)
  local out = {}
  local function add(fmt, ...) out[#out + 1] = fmt:format(...) end
  for c, cluster in ipairs(report.clusters) do
    local members = detail.members[c]
    local shown = math.min(#members, n_members + 1)
    local silhouette = cluster.silhouette and (", silhouette %.3f"):format(cluster.silhouette) or ""
    add("[%d] %s  (%d object%s%s)\n", c - 1, line_of(cluster.title), cluster.size, cluster.size == 1 and "" or "s", silhouette)
    for i = 2, shown do add("      %s\n", line_of(data.items[members[i] + 1].title)) end
    if #members > shown then add("      and %d more\n", #members - shown) end
  end
  add("\n%d objects, %d clusters; loss %.10g, %d passes, %d swaps", report.n, report.k, report.loss, report.n_iter, report.n_swap)
  if report.silhouette then add(", silhouette %.4f", report.silhouette) end
  if report.medoid_silhouette then add(", medoid silhouette %.4f", report.medoid_silhouette) end
  add("; %.2f s\n", report.seconds)
  return table.concat(out)
end

-- JSON has no infinity: where an object can reach no medoid, losses are null.
local function finite(loss) return loss < math.huge and loss or vt.null end

-- Options that had a say.
local function options_of(settings, data)
  local list = { seed = settings.seed, method = settings.k and settings.method or "dynmsc" }
  for _, key in ipairs{ "k", "init", "shuffle", "max_iter", "sample_size", "n_samples", "n_local", "rate", "matrix" } do
    list[key] = settings[key] or nil
  end
  if not settings.k then list.k_min, list.k_max = settings.k_min, settings.k_max end
  if not settings.matrix then list.metric = settings.metric or (data.weights and "cosine" or "l2") end
  if data.kind == "pictures" then list.size = settings.size end
  return list
end

local function write_page(opt, settings, data, distance, report, detail)
  local title = (program.realpath(opt.input) or opt.input):match("([^/]+)$") or opt.input
  local facts = { title = title, seconds = report.seconds,
    method = ("%s by %s, seed %d"):format(data.kind, method_of(settings), settings.seed) }
  local html = require("pipelines.kmedoids_page").html(data, distance, report, detail, settings, facts)
  talk.deliver(talk.open{ output = opt.html, force = opt.force }, { output = opt.html }, html)
end

function M.run(opt)
  local settings = settings_of(opt)
  check_output(opt)
  local out = talk.open(opt)
  local data = load(opt.input, settings)
  check_input(opt, data, settings)
  check_count(#data.items, settings)
  local start = program.clock()
  local distance <close> = kmedoids.distance(data, settings)
  local clustering <close> = kmedoids.cluster(distance, settings, function(fraction, message)
    talk.progress(fraction >= 0 and "%s %3.0f%%" or "%s", message, 100 * fraction)
  end)
  local seconds = program.clock() - start
  talk.clear()
  local report, detail = kmedoids.report(data, distance, clustering, settings)
  report.seconds = seconds
  talk.detail("distances and clusters in %.2f s, silhouettes in %.2f s", seconds, program.clock() - start - seconds)
  if opt.html then write_page(opt, settings, data, distance, report, detail) end
  if opt.json then
    report.loss = finite(report.loss)
    for _, cluster in ipairs(report.clusters) do cluster.loss = finite(cluster.loss) end
    report.schema, report.input, report.options = 1, objects.readable(opt.input), options_of(settings, data)
    talk.deliver(out, opt, json.encode(report) .. "\n")
  else
    talk.deliver(out, opt, text_of(report, detail, data, opt.members))
  end
  return 0
end

return M
