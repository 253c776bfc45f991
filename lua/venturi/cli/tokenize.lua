--- venturi tokenize: text to token ids and back.
local json = require "venturi.cli.json"
local vt = require "venturi"
local models = require "venturi.cli.model"
local options = require "venturi.cli.options"
local talk = require "venturi.cli.talk"
local shared = options.shared

local M = {
  name = "tokenize",
  summary = "show the tokens of a text, or the text of tokens",
  examples = {
    "venturi tokenize 'Hello world'",
    "venturi tokenize --ids < README.md",
    "venturi tokenize --decode '19556 905'",
  },
  arguments = { { "text", count = "?", help = "the text; without it, stdin" } },
  options = {
    { "ids", kind = "flag", group = "Form", help = "only the ids, on one line" },
    { "count", kind = "flag", group = "Form", help = "only the number of tokens" },
    { "decode", kind = "flag", group = "Form", help = "the text is a list of ids: print what they mean" },
    { "special", kind = "flag", group = "Form", help = "text such as <|im_end|> becomes its special token" },
    { "bos", kind = "flag", group = "Form", help = "put the beginning-of-sequence token first, where the model asks for one" },
    { "eos", kind = "flag", group = "Form", help = "put the end-of-sequence token last, where the model asks for one" },
    shared.model, shared.json, shared.output, shared.force,
  },
}

local function decode(tok, text, out)
  local ids = {}
  for word in text:gmatch("[^%s,%[%]]+") do
    ids[#ids + 1] = word:find("^%d+$") and math.tointeger(tonumber(word)) or error({ usage = ("'%s' is not a token id"):format(word) }, 0)
  end
  out:write(tok:decode(ids, { special = true }), "\n")
end

-- A token's text on one line: some vocabularies have line ends and tabs as they are.
local function shown(text)
  return (text:gsub("%c", function(c) return ("\\x%02X"):format(c:byte()) end))
end

-- Forms exclude each other, and --decode the options of encoding.
local function check_forms(opt)
  local form
  for _, name in ipairs{ "ids", "count", "decode", "json" } do
    if opt[name] and form then error({ usage = ("--%s and --%s exclude each other"):format(form, name) }, 0) end
    form = opt[name] and name or form
  end
  if opt.decode and (opt.special or opt.bos or opt.eos) then error({ usage = "--special, --bos and --eos are not for --decode" }, 0) end
end

function M.run(opt)
  check_forms(opt)
  local text = options.text("the text", opt.text or io.read("a"))
  local out = talk.open(opt)
  local tok <close> = vt.tokenizer(models.path(opt))
  if opt.decode then
    decode(tok, text, out)
    talk.finish(out, opt)
    return 0
  end
  local ids = tok:encode(text, { special = opt.special, bos = opt.bos, eos = opt.eos })
  if opt.json then
    local tokens = {}
    for i, id in ipairs(ids) do tokens[i] = { id = id, text = tok:token(id) } end
    out:write(json.encode{ schema = 1, family = tok:family(), count = #ids, tokens = tokens }, "\n")
  elseif opt.count then
    out:write(#ids, "\n")
  elseif opt.ids then
    out:write(table.concat(ids, " "), "\n")
  else
    for _, id in ipairs(ids) do out:write(("%7d  %s\n"):format(id, shown(tok:token(id)))) end
  end
  talk.finish(out, opt)
  return 0
end

return M
