--- Conversations as a model was trained to see them: its chat template, with contents that cannot forge a turn.
-- ChatML is rendered by the library, every other template by venturi.jinja. In what others said (messages and tools) each special token of the model
-- is taken apart first, "<|im_end|>" to "< |im_end|>"; what a template marks turns with in plain text, "[INST]" say, is not protected.
local jinja = require "venturi.jinja"
local vt = require "venturi"

local M = {}

--- Forms for models that bring no template, most likely since they were not taught to converse. "plain" is a transcript, which any model can go on with;
-- its answers end where the model writes the next "User:". The others are for files that lost their template.
M.forms = {
  plain = { stop = "\nUser:", text = "{% for m in messages %}{% if m.role == 'system' %}{{ m.content|trim + '\n\n' }}{% else %}"
    .. "{{ m.role|capitalize + ': ' + m.content|trim + '\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}" },
  chatml = { text = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    .. "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}" },
  gemma = { text = "{% set ns = namespace(system='') %}{% for m in messages %}{% if m.role == 'system' %}{% set ns.system = ns.system + m.content + '\n\n' %}"
    .. "{% else %}{{ '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\n' + ns.system + m.content|trim + '<end_of_turn>\n' }}"
    .. "{% set ns.system = '' %}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}" },
}

local function fail(code, name, message)
  error(setmetatable({ code = code, name = name, message = message }, { __tostring = function(e) return e.message end }), 0)
end

-- ---- templates ----

local compiled = setmetatable({}, { __mode = "k" }) -- tokenizer -> { text, template }

local function compile(tok, text)
  local kept = compiled[tok]
  if not kept or kept.text ~= text then
    kept = { text = text, template = jinja.compile(text) }
    compiled[tok] = kept
  end
  return kept.template
end

--- How the model's conversations look: "ChatML", "template", or "none".
function M.form(tok)
  if not tok:template() then return "none" end
  local text = vt.try(tok.chat, tok, { { role = "user", content = "x" } })
  return text and "ChatML" or "template"
end

-- ---- what others said ----

-- A value with the special tokens of all its texts taken apart, keys too. Nothing of the caller's is changed.
local function plain(tok, v)
  if type(v) == "string" then return tok:plain(v) end
  if jinja.value.is_list(v) then
    local items = {}
    for i = 1, v.n do items[i] = plain(tok, v[i]) end
    return jinja.value.list(items, v.n)
  elseif jinja.value.is_dict(v) then
    local dict = jinja.value.dict()
    for _, key in ipairs(v.keys) do jinja.value.set(dict, plain(tok, key), plain(tok, v.map[key])) end
    return dict
  end
  return v
end

-- Parts of a content that are harmless one by one must not make a special token together.
local function check_parts(tok, content, i)
  if not jinja.value.is_list(content) then return end
  local texts = {}
  for k = 1, content.n do
    local part = content[k]
    local text = jinja.value.is_dict(part) and part.map.text or part
    if type(text) == "string" then texts[#texts + 1] = text end
  end
  local joined = table.concat(texts)
  if tok:plain(joined) ~= joined then fail(-2, "VT_ERR_INVALID", ("chat: message %d: its parts together hold a special token of the model"):format(i)) end
end

local function messages_of(tok, messages)
  local list = plain(tok, jinja.value.from_lua(messages))
  if not jinja.value.is_list(list) or list.n < 1 then fail(-2, "VT_ERR_INVALID", "chat: a list of messages is needed") end
  for i = 1, list.n do
    local message = list[i]
    local role = jinja.value.is_dict(message) and message.map.role
    if type(role) ~= "string" or #role > 64 or not role:find("^[%a_-]+$") then
      fail(-2, "VT_ERR_INVALID", ("chat: role of message %d must be 1 to 64 letters, '_' or '-'"):format(i))
    end
    check_parts(tok, message.map.content, i)
  end
  return list
end

local function token_text(tok, which)
  local id = tok:special(which)
  return id and tok:decode({ id }, { special = true }) or ""
end

-- Has it texts as contents and nothing else? Then ChatML needs no interpreter.
local function is_simple(messages)
  for _, m in ipairs(messages) do
    for key, v in pairs(m) do
      if (key ~= "role" and key ~= "content") or type(v) ~= "string" then return false end
    end
  end
  return true
end

local known = { prompt = true, tools = true, documents = true, variables = true, fallback = true, limits = true }

local function interpret(tok, text, messages, opt)
  local variables = {
    messages = messages_of(tok, messages), add_generation_prompt = opt.prompt ~= false,
    tools = opt.tools and plain(tok, jinja.value.from_lua(opt.tools)) or vt.null,
    documents = opt.documents and plain(tok, jinja.value.from_lua(opt.documents)) or vt.null,
    bos_token = token_text(tok, "bos"), eos_token = token_text(tok, "eos"), unk_token = token_text(tok, "unk"), pad_token = token_text(tok, "pad"),
  }
  for name, v in pairs(opt.variables or {}) do variables[name] = v end
  return compile(tok, text):render(variables, opt.limits)
end

--- The text of a conversation; encode it with { special = true, bos = true }.
-- @tparam table messages list of { role, content, ... }: tables of Lua, or values of venturi.jinja where the order of keys matters
-- @tparam[opt] table opt { prompt = true: end with the opening of the assistant's turn, tools, documents, variables = more for the template
--   (enable_thinking = false, say), fallback = a name of M.forms for models without a template (true: plain), limits = of venturi.jinja }
function M.render(tok, messages, opt)
  opt = opt or {}
  for key in pairs(opt) do
    if not known[key] then error(("chat: unknown option '%s'"):format(tostring(key)), 2) end
  end
  local text = tok:template()
  if not text then
    if not opt.fallback then fail(-8, "VT_ERR_UNSUPPORTED", "chat: the model has no chat template") end
    local form = M.forms[opt.fallback == true and "plain" or opt.fallback]
    if not form then error(("chat: there is no form '%s'"):format(tostring(opt.fallback)), 2) end
    text = form.text
  elseif not (opt.tools or opt.documents or opt.variables) and is_simple(messages) then
    local rendered, err = vt.try(tok.chat, tok, messages, { prompt = opt.prompt ~= false })
    if rendered then return rendered end
    if err.name ~= "VT_ERR_UNSUPPORTED" then error(err, 0) end
  end
  return interpret(tok, text, messages, opt)
end

--- The same as ids.
function M.encode(tok, messages, opt)
  return tok:encode(M.render(tok, messages, opt), { special = true, bos = true })
end

return M
