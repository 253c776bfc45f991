--- venturi info: what a GGUF file holds.
local json = require "venturi.cli.json"
local vt = require "venturi"
local program = require "venturi.program"
local shared = require("venturi.cli.options").shared
local talk = require "venturi.cli.talk"

local M = {
  name = "info",
  summary = "show the metadata and tensors of a GGUF file",
  examples = { "venturi info model.gguf", "venturi info --tensors model.gguf | sort -k3", "venturi info --json model.gguf | jq .tensors" },
  arguments = { { "file", help = "a GGUF file, with or without weights" } },
  options = { { "tensors", kind = "flag", group = "Output", help = "list each tensor, not only the types" }, shared.json },
}

local function summary(tensors)
  local types, order, size, n_params = {}, {}, 0, 0
  for _, t in ipairs(tensors) do
    local params = 1
    for _, extent in ipairs(t.shape) do params = params * extent end
    local of = types[t.dtype]
    if not of then
      of = { dtype = t.dtype, count = 0, size = 0 }
      types[t.dtype], order[#order + 1] = of, of
    end
    of.count, of.size = of.count + 1, of.size + t.size
    size, n_params = size + t.size, n_params + params
  end
  table.sort(order, function(a, b) return a.size > b.size end)
  return { types = order, size = size, n_params = n_params }
end

local function one_line(text)
  text = text:gsub("%c", function(c) return ({ ["\n"] = "\\n", ["\t"] = "\\t" })[c] or ("\\%d"):format(c:byte()) end)
  return #text > 100 and text:sub(1, (utf8.offset(text, 0, 98) or 98) - 1) .. "..." or text
end

local function print_text(meta, tensors, sums, list)
  for _, pair in ipairs(meta) do print(("%-40s %s"):format(pair[1], one_line(pair[2]))) end
  print(("\n%d tensors, %d parameters, %d bytes"):format(#tensors, sums.n_params, sums.size))
  for _, of in ipairs(sums.types) do print(("  %-6s %4d tensors %14d bytes"):format(of.dtype, of.count, of.size)) end
  if not list then return end
  print("")
  for _, t in ipairs(tensors) do print(("%-6s %-32s %12d  [%s]"):format(t.dtype, t.name, t.size, table.concat(t.shape, ", "))) end
end

function M.run(opt)
  if program.kind(opt.file) == "folder" then talk.fail(3, opt.file .. ": is a folder") end
  local gguf <close> = vt.experimental.gguf(opt.file)
  local meta, tensors = gguf:meta(), gguf:tensors()
  local sums = summary(tensors)
  if not opt.json then
    print_text(meta, tensors, sums, opt.tensors)
    return 0
  end
  local metadata = {}
  for i, pair in ipairs(meta) do metadata[i] = { key = pair[1], value = pair[2] } end
  print(json.encode{ schema = 1, file = opt.file, metadata = metadata, n_params = sums.n_params, size = sums.size, tensors = tensors })
  return 0
end

return M
