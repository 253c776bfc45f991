--- Options of the sampling chain, shared by the verbs that make text, and the sampler that they describe.
local vt = require "venturi"
local input = require "venturi.cli.input"
local talk = require "venturi.cli.talk"

local M = {}

local function option(name, arg, kind, help, more)
  local o = { name, arg = arg, kind = kind, group = "Sampling", help = help }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

--- In the order of the help text.
M.options = {
  option("temp", "T", "number", "temperature; 0 takes the likeliest token, whatever --top-k, --top-p and their like say", { min = 0, default = 0.8, alias = "temperature" }),
  option("top-k", "K", "integer", "keep the K likeliest tokens; 0: off", { min = 0, default = 40 }),
  option("top-p", "P", "number", "keep the smallest set that reaches P; 1: off", { above = 0, max = 1, default = 0.95 }),
  option("min-p", "P", "number", "keep tokens at least P times as likely as the best; 0: off", { min = 0, max = 1, default = 0.05 }),
  option("typical", "P", "number", "keep the most typical tokens up to P; 1: off", { above = 0, max = 1, default = 1 }),
  option("top-n-sigma", "N", "number", "keep logits within N standard deviations of the best; 0: off", { min = 0, default = 0 }),
  option("xtc-probability", "P", "number", "how often the likeliest tokens are dropped; 0: off", { min = 0, max = 1, default = 0 }),
  option("xtc-threshold", "P", "number", "from which probability they are", { min = 0, max = 1, default = 0.1 }),
  option("dynatemp-range", "R", "number", "temperature from T-R to T+R by entropy; 0: off", { min = 0, default = 0 }),
  option("dynatemp-exp", "E", "number", "exponent of the entropy's share", { above = 0, default = 1 }),
  option("mirostat-tau", "BITS", "number", "mirostat 2 aims at so much surprise; 0: off", { min = 0, default = 0 }),
  option("mirostat-eta", "RATE", "number", "and moves so fast", { min = 0, default = 0.1 }),
  option("repeat-penalty", "R", "number", "logits of recent tokens are divided by R; 1: off", { above = 0, default = 1 }),
  option("repeat-last-n", "N", "integer", "recent: the last N tokens", { min = 0, max = 1 << 20, default = 64 }),
  option("frequency-penalty", "F", "number", "taken off for each time that a recent token came", { default = 0 }),
  option("presence-penalty", "F", "number", "taken off once for a recent token", { default = 0 }),
  option("dry-multiplier", "M", "number", "penalty of tokens that repeat a passage; 0: off", { min = 0, default = 0 }),
  option("dry-base", "B", "number", "grows with each token of it by B", { min = 1, default = 1.75 }),
  option("dry-allowed-length", "N", "integer", "passages shorter than N are free", { min = 1, default = 2 }),
  option("logit-bias", "ID=V", "list", "adds V to the logit of token ID (-inf bars it); may come several times", { env = false }),
  option("min-keep", "N", "integer", "stages that go by probability leave at least N tokens", { min = 1, default = 1 }),
  option("grammar", "FILE", "string", "only texts of this grammar (GBNF)", { env = false }),
  option("json-schema", "FILE", "string", "only JSON that satisfies this schema", { env = false }),
  option("seed", "N", "integer", "seed of the random numbers (default: drawn, and printed)"),
}

local function with_default(one, value)
  local copy = {}
  for key, v in pairs(one) do copy[key] = v end
  copy.default = value
  return copy
end

--- A verb's options with those of the chain behind them.
-- @tparam table own the verb's options
-- @tparam ?table rest options that come after the chain's
-- @tparam ?table defaults other defaults than the chain's own, by name: { temp = 0 }
function M.join(own, rest, defaults)
  local list = table.move(own, 1, #own, 1, {})
  for _, one in ipairs(M.options) do
    local value = defaults and defaults[one[1]]
    list[#list + 1] = value ~= nil and with_default(one, value) or one
  end
  return rest and table.move(rest, 1, #rest, #list + 1, list) or list
end

local function draw_seed()
  local source = io.open("/dev/urandom", "rb")
  local bytes = source and source:read(4)
  if source then source:close() end
  return bytes and #bytes == 4 and string.unpack("<I4", bytes) or os.time()
end

local function grammar(opt)
  if opt.grammar then return vt.grammar(input.read(opt.grammar)) end
  return opt.json_schema and vt.grammar{ schema = input.read(opt.json_schema) } or nil
end

-- Options that do nothing unless another one is on, and the value by which that one is off.
local needs = {
  xtc_threshold = { "xtc_probability", 0 }, dynatemp_exp = { "dynatemp_range", 0 }, mirostat_eta = { "mirostat_tau", 0 },
  dry_base = { "dry_multiplier", 0 }, dry_allowed_length = { "dry_multiplier", 0 },
}

-- What keeps the likeliest token and drops others, which changes nothing where that one is taken. Typical and XTC may drop it.
local narrowing = { "top_k", "top_p", "min_p", "top_n_sigma" }

local function is_greedy(opt)
  return opt.temp == 0 and opt.dynatemp_range == 0 and opt.mirostat_tau == 0 and opt.xtc_probability == 0 and opt.typical == 1
end

-- Scripts pass --temp 0 together with a chain, and mean the likeliest token: it is taken, and whoever looks is told.
local function note_greedy(opt)
  local vain = {}
  for _, key in ipairs(narrowing) do
    if opt.typed[key] then vain[#vain + 1] = "--" .. key:gsub("_", "-") end
  end
  if #vain > 0 then talk.say("--temp 0 takes the likeliest token: no effect of %s", table.concat(vain, ", ")) end
end

--- Refuses what the command line asks for in vain. Called before the model is opened.
-- @tparam table opt values of the options; of `stop` too, where the verb has it
function M.check(opt)
  local function usage(fmt, ...) error({ usage = fmt:format(...) }, 0) end
  for _, o in ipairs(M.options) do
    local key = o[1]:gsub("-", "_")
    local on = needs[key]
    if on and opt.typed[key] and opt[on[1]] == on[2] then usage("option '--%s' does nothing without --%s", o[1], (on[1]:gsub("_", "-"))) end
  end
  if opt.typed.repeat_last_n and opt.repeat_penalty == 1 and opt.frequency_penalty == 0 and opt.presence_penalty == 0 then
    usage("option '--repeat-last-n' does nothing without --repeat-penalty, --frequency-penalty or --presence-penalty")
  end
  if opt.grammar and opt.json_schema then usage("give either --grammar or --json-schema") end
  for _, text in ipairs(opt.stop or {}) do
    if #text < 1 or #text > 1024 then usage("option '--stop' needs a text of 1 to 1024 bytes, got %d", #text) end
    if not utf8.len(text) then usage("option '--stop' is not valid UTF-8") end
  end
  if #(opt.stop or {}) > 60 then usage("option '--stop' may come 60 times at most, got %d", #opt.stop) end
end

local function biases(list, tok)
  local out
  for _, text in ipairs(list or {}) do
    local id, value = text:match("^(%d+)=(.+)$")
    id, value = math.tointeger(tonumber(id)), value == "-inf" and -math.huge or tonumber(value)
    if not id or not value or value == math.huge then error({ usage = ("option '--logit-bias' must be ID=NUMBER or ID=-inf, got '%s'"):format(text) }, 0) end
    if tok and id >= tok:count() then
      error({ usage = ("option '--logit-bias': there is no token %d, the vocabulary has 0 to %d"):format(id, tok:count() - 1) }, 0)
    end
    out = out or {}
    out[id] = value
  end
  return out
end

--- The sampler that the options describe, and its seed; a seed that had to be drawn is printed.
-- @tparam table opt values of the options
-- @tparam ?userdata tok the model's tokenizer, for a grammar
-- @tparam ?integer n_top log-probabilities of each token and of so many others are kept
function M.sampler(opt, tok, n_top)
  local seed, rules = opt.seed, grammar(opt)
  if not (is_greedy(opt) or seed) then
    seed = draw_seed()
    talk.say("seed: %d", seed)
  end
  if is_greedy(opt) then note_greedy(opt) end
  local set = {}
  for key, on in pairs(needs) do
    if opt[on[1]] ~= on[2] then set[key] = opt[key] end
  end
  local has_penalty = opt.repeat_penalty ~= 1 or opt.frequency_penalty ~= 0 or opt.presence_penalty ~= 0
  return vt.sampler{
    temperature = opt.temp, temperature_range = opt.dynatemp_range, temperature_exponent = set.dynatemp_exp, top_k = opt.top_k, top_p = opt.top_p,
    min_p = opt.min_p, typical_p = opt.typical, top_n_sigma = opt.top_n_sigma, xtc_probability = opt.xtc_probability,
    xtc_threshold = set.xtc_threshold, mirostat_tau = opt.mirostat_tau, mirostat_eta = set.mirostat_eta, repeat_penalty = opt.repeat_penalty,
    penalty_last_n = has_penalty and opt.repeat_last_n or nil, frequency_penalty = opt.frequency_penalty, presence_penalty = opt.presence_penalty,
    dry_multiplier = opt.dry_multiplier, dry_base = set.dry_base, dry_allowed_length = set.dry_allowed_length, logit_bias = biases(opt.logit_bias, tok),
    min_keep = opt.min_keep, grammar = rules, tokenizer = rules and (tok or error("a grammar needs a tokenizer")), log_probabilities = n_top, seed = seed,
  }, seed
end

return M
