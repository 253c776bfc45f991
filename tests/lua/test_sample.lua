-- Samplers and grammars from Lua: every option reaches its stage, what a chain remembers, log-probabilities, grammars and schemas.
local vt = require "venturi"
local t = require "support"

local row = { 3, 2, 1, 0, -1, -2, -3 }

local function kept(options)
  options.temperature = options.temperature or 1
  local sampler <close> = vt.sampler(options)
  return #sampler:filter(row)
end

t.test("each option reaches its stage", function()
  t.equal(kept{}, 7)
  t.equal(kept{ typical_p = 0.5 }, 2)
  t.equal(kept{ typical_p = 0.5, min_keep = 3 }, 3)
  t.equal(kept{ top_n_sigma = 1 }, 3)
  t.equal(kept{ xtc_probability = 1, xtc_threshold = 0.05 }, 5)
  t.equal(kept{ logit_bias = { [0] = -math.huge, [6] = 9 } }, 6)
  t.equal(kept{ mirostat_tau = 1 }, 1)
  local sampler <close> = vt.sampler{ temperature = 2, temperature_range = 1, temperature_exponent = 2 }
  assert(sampler:filter(row)[1][2] > 3 / 3 and sampler:filter(row)[1][2] < 3 / 1)
end)

t.test("penalties and repetitions look at accepted tokens", function()
  local sampler <close> = vt.sampler{ repeat_penalty = 2, frequency_penalty = 0.5, presence_penalty = 0.25, penalty_last_n = 2, temperature = 1 }
  sampler:accept(0)
  t.equal(sampler:filter(row)[3], { 0, 3 / 2 - 0.75 })
  local copy <close> = sampler:clone()
  sampler:observe{ 4, 4 }
  t.equal(sampler:filter(row)[1], { 0, 3.0 })
  t.equal(copy:filter(row)[3], { 0, 3 / 2 - 0.75 })
  sampler:reset()
  t.equal(sampler:filter(row)[5], { 4, -1.0 })
  local dry <close> = vt.sampler{ dry_multiplier = 1, dry_base = 2, dry_allowed_length = 2, dry_last_n = 50, dry_breakers = { 6 }, temperature = 1 }
  for _, id in ipairs{ 0, 1, 2, 0, 1 } do dry:accept(id) end
  t.equal(dry:filter(row)[3], { 2, 0.0 })
end)

t.test("log-probabilities are kept where they are asked for", function()
  local sampler <close> = vt.sampler{ top_k = 1, temperature = 1, log_probabilities = 2 }
  t.equal(t.raises("no token was drawn", sampler.log_probabilities, sampler).name, "VT_ERR_STATE")
  t.equal(sampler:sample(row), 0)
  local list = sampler:log_probabilities()
  t.equal({ #list, list[1][1], list[3][1] }, { 3, 0, 1 })
  assert(math.abs(list[2][2] - list[3][2] - 1) < 1e-6 and list[1][2] < 0)
  local last <close> = vt.sampler{ top_k = 1, temperature = 1, log_probabilities = 2, log_probabilities_of = "chain" }
  last:sample(row)
  t.equal(last:log_probabilities(), { { 0, 0.0 }, { 0, 0.0 } })
  local without <close> = vt.sampler()
  t.raises("not kept", without.log_probabilities, without)
end)

t.test("wrong options are refused", function()
  t.raises("typical p", vt.sampler, { typical_p = 2 })
  t.raises("'logit_bias' must be", vt.sampler, { logit_bias = { a = 1 } })
  t.raises("'logit_bias' must be", vt.sampler, { logit_bias = { [1] = "x" } })
  t.raises("come together", vt.sampler, { grammar = vt.grammar('root ::= "a"') })
  for option, other in pairs { dry_base = "dry_multiplier", mirostat_eta = "mirostat_tau", temperature_exponent = "temperature_range",
    xtc_threshold = "xtc_probability", penalty_last_n = "a penalty" } do
    t.raises(("'%s' does nothing without '%s'"):format(option, other), vt.sampler, { [option] = 1 })
  end
  t.raises("must be one of", vt.sampler, { log_probabilities = 1, log_probabilities_of = "both" })
end)

t.test("a grammar judges texts", function()
  local g <close> = vt.grammar('root ::= "a" [b-d]+')
  t.equal({ g:check("a"), g:check("abd"), g:check("ax") }, { "beginning", "match", "mismatch" })
  t.equal(t.raises("line 1", vt.grammar, 'root ::= "a').name, "VT_ERR_FORMAT")
  t.raises("give a text of GBNF", vt.grammar, {})
  t.raises("unknown option 'scheme'", vt.grammar, { scheme = "{}" })
end)

t.test("a schema is a grammar, and GBNF to read", function()
  local schema = '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}'
  local g <close> = vt.grammar{ schema = schema }
  t.equal({ g:check('{"n": 12}'), g:check("{}") }, { "match", "mismatch" })
  local again <close> = vt.grammar(vt.schema_to_gbnf(schema))
  t.equal(again:check('{"n": 12}'), "match")
  t.equal(t.raises("'not' is not supported", vt.schema_to_gbnf, '{"not": {}}').name, "VT_ERR_UNSUPPORTED")
end)

t.done()
