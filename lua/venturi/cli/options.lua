--- Options of the verbs: described once in a table, from which the parser (lua-argparse) and the help text come.
-- An option: { "model", short = "m", arg = "FILE", kind = "string", default = ..., help = "...", group = "Model" }
-- `alias` is a second name. kinds: flag string integer number choice (with `choices`) list (of strings: the option may come several times); `min`
-- and `max` bound a number, `above` and `below` leave the bound out.
-- An option with a value may also come from the environment: --top-k from VENTURI_TOP_K. The command line wins.
local M = {}

--- Options that several verbs share.
M.shared = {
  model = { "model", short = "m", arg = "FILE", kind = "string", group = "Model", help = "GGUF model file (default: the model in the cache)" },
  ctx = { "ctx-size", short = "c", arg = "N", kind = "integer", min = 0, default = 0, group = "Model",
    help = "most tokens of prompt and answer; 0: what the model was trained for" },
  threads = { "threads", short = "t", arg = "N", kind = "integer", min = 0, max = 256, default = 0, group = "Model", help = "threads; 0: one a CPU" },
  exact = { "exact", kind = "flag", group = "Model", help = "float arithmetic throughout: slower, for comparisons" },
  json = { "json", kind = "flag", group = "Output", help = 'one JSON object on stdout, with "schema": 1' },
  output = { "output", short = "o", arg = "FILE", kind = "string", group = "Output", env = false, help = "write the result to FILE; an existing file needs --force" },
  force = { "force", kind = "flag", group = "Output", help = "let --output overwrite" },
}

--- Every verb has these.
M.always = {
  { "quiet", short = "q", kind = "flag", group = "Talk", help = "only results and errors" },
  { "verbose", short = "v", kind = "flag", group = "Talk", help = "say more on stderr" },
  { "color", arg = "WHEN", kind = "choice", choices = { "auto", "always", "never" }, default = "auto", group = "Talk", help = "auto, always or never" },
  { "help", short = "h", kind = "flag", group = "Talk", help = "this text" },
}

local function usage_error(message)
  error({ usage = message }, 0)
end

local function key_of(option)
  return (option[1]:gsub("-", "_"))
end

local function all_options(verb)
  local list = {}
  for _, option in ipairs(verb.options or {}) do list[#list + 1] = option end
  for _, option in ipairs(M.always) do list[#list + 1] = option end
  return list
end

local function check_range(option, value, where)
  local function refuse(what) usage_error(("%s must be %s, got %s"):format(where, what, value)) end
  if value ~= value then refuse("a number") end
  if option.min and value < option.min then refuse("at least " .. option.min) end
  if option.max and value > option.max then refuse("at most " .. option.max) end
  if option.above and value <= option.above then refuse("above " .. option.above) end
end

local function convert(option, text, where)
  if option.kind == "integer" then
    local value = text:find("^[+-]?%d+$") and math.tointeger(tonumber((text:gsub("^%+", ""))))
    if not value then usage_error(("%s must be an integer, got '%s'"):format(where, text)) end
    check_range(option, value, where)
    return value
  elseif option.kind == "number" then
    local value = tonumber(text)
    if not value then usage_error(("%s must be a number, got '%s'"):format(where, text)) end
    check_range(option, value, where)
    return value
  elseif option.kind == "choice" then
    for _, choice in ipairs(option.choices) do
      if text == choice then return text end
    end
    usage_error(("%s must be one of %s, got '%s'"):format(where, table.concat(option.choices, ", "), text))
  end
  return text
end

local function load_argparse()
  local ok, argparse = pcall(require, "argparse")
  if not ok then error({ exit = 1, message = "lua-argparse is not installed", hint = "On Debian: apt install lua-argparse" }, 0) end
  return argparse
end

local function build(verb)
  local parser = load_argparse()("venturi " .. verb.name):add_help(false)
  parser.error = function(_, message) error({ usage = message:match("^[^\n]*"), meant = message:match("\n(Did you mean '[^']*'%?)") }, 0) end
  for _, option in ipairs(all_options(verb)) do
    local names = (option.short and "-" .. option.short .. " " or "") .. "--" .. option[1] .. (option.alias and " --" .. option.alias or "")
    if option[1] == "help" then
      parser:flag(names):target("help"):action(function() error({ help = true }, 0) end)
    elseif option.kind == "flag" then
      parser:flag(names):target(key_of(option))
    else
      parser:option(names):target(key_of(option)):argname(option.arg):count(option.kind == "list" and "*" or "?")
    end
  end
  for _, argument in ipairs(verb.arguments or {}) do
    parser:argument(argument[1]):args(argument.count or 1):target(argument[1])
  end
  return parser
end

-- What follows the first positional argument belongs to a script: split it off before the parser sees it.
local function split_rest(verb, argv)
  if not verb.rest then return argv, {} end
  local takes = {}
  for _, option in ipairs(all_options(verb)) do
    if option.kind ~= "flag" then
      takes["--" .. option[1]] = true
      if option.short then takes["-" .. option.short] = true end
    end
  end
  local i = 1
  while i <= #argv and argv[i]:find("^%-.") and argv[i] ~= "--" do i = i + (takes[argv[i]] and 2 or 1) end
  if argv[i] == "--" then i = i + 1 end
  return table.move(argv, 1, math.min(i, #argv), 1, {}), table.move(argv, i + 1, #argv, 1, {})
end

-- "-n -1" as "--max-tokens=-1": the parser takes a word that begins with '-' for an option.
local function join_negative(verb, argv)
  local long, out = {}, {}
  for _, option in ipairs(all_options(verb)) do
    if option.kind ~= "flag" then
      long["--" .. option[1]] = "--" .. option[1]
      if option.short then long["-" .. option.short] = "--" .. option[1] end
    end
  end
  local i = 1
  while i <= #argv do
    if argv[i] == "--" then return table.move(argv, i, #argv, #out + 1, out) end
    if long[argv[i]] and (argv[i + 1] or ""):find("^%-%.?%d") then
      out[#out + 1] = long[argv[i]] .. "=" .. argv[i + 1]
      i = i + 2
    else
      out[#out + 1] = argv[i]
      i = i + 1
    end
  end
  return out
end

--- Parses the words after the verb. Raises { usage = message } or { help = true }.
-- @treturn table values by name, '-' as '_', with defaults filled in; `given` tells which came from the user, `typed` which from the command line
function M.parse(verb, argv)
  local own, rest = split_rest(verb, argv)
  local values = build(verb):parse(join_negative(verb, own))
  local given, typed = {}, {}
  for _, option in ipairs(all_options(verb)) do
    local key = key_of(option)
    local text = values[key]
    local where = "option '--" .. option[1] .. "'"
    if type(text) == "table" and #text == 0 then text = nil end
    typed[key] = text ~= nil
    if text == nil and option.kind ~= "flag" and option.env ~= false then
      local variable = "VENTURI_" .. key:upper()
      text, where = os.getenv(variable), "environment variable " .. variable
      if option.kind == "list" and text then text = { text } end
    end
    given[key] = text ~= nil
    if type(text) == "string" then text = convert(option, text, where) end
    values[key] = text == nil and option.default or text
  end
  if typed.force and verb.options and not (values.output or values.html) then
    for _, option in ipairs(verb.options) do
      if option[1] == "output" then usage_error("option '--force' does nothing without --output") end
    end
  end
  values.given, values.typed, values.rest = given, typed, rest
  return values
end

--- A text of the user's, which must be UTF-8.
-- @tparam string what as the message names it: "the prompt"
function M.text(what, text)
  local n, at = utf8.len(text)
  if not n then usage_error(("%s is not valid UTF-8 at byte %d"):format(what, at)) end
  return text
end

-- ---- help ----

local function wrap(text, indent, width)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    if line ~= "" and #line + 1 + #word > width - indent then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. (" "):rep(indent))
end

local function label(option)
  return ("  %s--%s%s"):format(option.short and "-" .. option.short .. ", " or "    ", option[1], option.arg and " " .. option.arg or "")
end

local function describe(option)
  local text = option.help
  if option.default ~= nil and option.kind ~= "flag" and not text:find("default") then text = ("%s (default: %s)"):format(text, option.default) end
  return text
end

local column = 28

local function entry(left, text)
  if #left > column - 2 then left = left .. "\n" .. (" "):rep(column) else left = left .. (" "):rep(column - #left) end
  return left .. wrap(text, column, 100)
end

local function usage_line(verb)
  local parts = { "venturi " .. verb.name, "[options]" }
  for _, argument in ipairs(verb.arguments or {}) do
    local name = argument[1]:upper()
    local form = { ["?"] = "[%s]", ["*"] = "[%s...]", ["+"] = "%s..." }
    parts[#parts + 1] = (form[argument.count] or "%s"):format(name)
  end
  if verb.rest then parts[#parts + 1] = "[ARGUMENT...]" end
  return table.concat(parts, " ")
end

--- Help text of a verb: purpose, usage, examples first, then arguments and options by group.
function M.help(verb)
  local out = { ("venturi %s: %s"):format(verb.name, verb.summary), "", "Usage: " .. usage_line(verb), "", "Examples:" }
  for _, example in ipairs(verb.examples) do out[#out + 1] = "  " .. example end
  if verb.arguments and #verb.arguments > 0 then
    out[#out + 1] = "\nArguments:"
    for _, argument in ipairs(verb.arguments) do out[#out + 1] = entry("  " .. argument[1]:upper(), argument.help) end
  end
  local groups, order = {}, {}
  for _, option in ipairs(all_options(verb)) do
    if not groups[option.group] then
      groups[option.group] = {}
      order[#order + 1] = option.group
    end
    table.insert(groups[option.group], entry(label(option), describe(option)))
  end
  for _, name in ipairs(order) do
    out[#out + 1] = "\n" .. name .. ":"
    for _, line in ipairs(groups[name]) do out[#out + 1] = line end
  end
  if verb.notes then out[#out + 1] = "\n" .. verb.notes end
  return table.concat(out, "\n") .. "\n"
end

return M
