--- Writes the reference page of operations: venturi run docs/manual/ops_page.lua > docs/manual/ops.md   (tests/lua/test_ops_page.lua looks whether it was)
-- What operations there are comes from the library, their families from the headings of engine/tensor/ops.def.
local vt = require "venturi"

local head = [[
# Operations of tensors

Made from the table of operations by `docs/manual/ops_page.lua`; [tensors.md](tensors.md) says how they are called.

- **inputs**: `b?` may be absent, `xs*` is a list of tensors.
- **attributes**: name:type=default. Without a default an attribute must be given, `?` says that it may be absent. Dimensions (`dim`, `dims`) are as in C,
  from 0; in Lua they count from 1. Negative ones count from the end in both.
- **gradient**: 1 of first order, 2 of second order too, - none; `tests/lua/test_gradcheck.lua` compares every one with differences.
- *view*: the result shares the memory of the first input.
]]

-- Families in the file's order: { heading, names }.
local function families(text)
  local list, current = {}, nil
  text = text:gsub("^/%*.-%*/", "")
  local at = 1
  while at <= #text do
    local from, to = text:find("[^\n]*\n", at)
    if not from then break end
    if text:sub(at, at + 1) == "/*" then
      local _, stop = text:find("*/", at, true)
      current = { heading = text:sub(at + 2, stop - 2):gsub("\n %*", ""):gsub("^%s+", ""):gsub("%s+$", ""), names = {} }
      list[#list + 1] = current
      to = text:find("\n", stop, true) or #text
    else
      local name = text:sub(from, to):match("^VT_OP[A-Z_]*%(([%w_]+),")
      if name then current.names[#current.names + 1] = name end
    end
    at = to + 1
  end
  return list
end

local function code(text)
  return text == "" and "" or "`" .. text .. "`"
end

--- The page as text; def is the text of ops.def.
local function page(def)
  local ops, lines = {}, { head }
  for _, op in ipairs(vt.ops()) do ops[op.name] = op end
  for _, family in ipairs(families(def)) do
    lines[#lines + 1] = ("## %s\n"):format(family.heading:match("^[^.(:]*[^.(:%s]"))
    local rest = family.heading:match("^[^.(:]*[^.(:%s]%s*[.:]%s*(.+)") or family.heading:match("(%(.*)")
    if rest then lines[#lines + 1] = rest:gsub("|", "\\|") .. "\n" end
    lines[#lines + 1] = "| operation | inputs | attributes | results | gradient | |\n|---|---|---|---|---|---|"
    for _, name in ipairs(family.names) do
      local op = ops[name] or error("the library does not have " .. name .. ": build it anew")
      lines[#lines + 1] = ("| **%s** | %s | %s | %d | %s | %s%s |"):format(name, code(op.inputs), code(op.attrs), op.outputs,
        op.gradient > 0 and op.gradient or "-", op.is_view and "*view*: " or "", (op.doc:gsub("|", "\\|")))
    end
    lines[#lines + 1] = ""
  end
  return table.concat(lines, "\n")
end

if arg and arg[0] and arg[0]:find("ops_page%.lua$") and not arg[0]:find("test_") then
  local path = arg[0]:gsub("docs/manual/ops_page%.lua$", "engine/tensor/ops.def")
  local file = assert(io.open(path, "rb"))
  io.write(page(file:read("a")))
  file:close()
end

return page
