--- venturi info of a saved graph: what goes in and comes out, what it keeps, what a run costs.
local json = require "venturi.cli.json"
local vt = require "venturi"

local M = {}

--- Does the file begin as saved graphs do?
function M.is_graph(path)
  local file = io.open(path, "rb")
  local head = file and file:read(8)
  if file then file:close() end
  return head == "VTGRAPH\n"
end

-- Steps by operation, those with the most work first.
local function by_operation(steps)
  local ops, list = {}, {}
  for _, step in ipairs(steps) do
    local op = ops[step.op]
    if not op then
      op = { op = step.op, steps = 0, flops = 0 }
      ops[step.op], list[#list + 1] = op, op
    end
    op.steps, op.flops = op.steps + 1, op.flops + step.flops
  end
  table.sort(list, function(a, b)
    if a.flops ~= b.flops then return a.flops > b.flops end
    return a.op < b.op
  end)
  return list
end

local function facts_of(path)
  local model <close> = vt.model(path)
  local graph <close> = model:graph()
  local report, info, written = vt.json.decode(graph:report()), model:info(), 0
  for _, value in ipairs(report.values) do
    if value.written then written = written + value.bytes end
  end
  return { schema = 1, file = path, architecture = info.architecture, runs = true, n_params = info.n_params, size = info.size, written_bytes = written,
    inputs = graph:inputs(), results = graph:outputs(), variables = report.variables, steps = graph.steps, flops = graph.flops, peak_bytes = graph.peak_bytes,
    arena_bytes = graph.arena_bytes, scratch_bytes = graph.scratch_bytes, result_bytes = graph.result_bytes, input_bytes = graph.input_bytes,
    operations = by_operation(report.steps) }
end

local function line(label, fmt, ...) print(("%-15s %s"):format(label, fmt:format(...))) end

local function size(n)
  if n < 2^20 then return n < 2^10 and ("%d bytes"):format(n) or ("%.1f KiB"):format(n / 2^10) end
  return n >= 2^30 and ("%.2f GiB"):format(n / 2^30) or ("%.1f MiB"):format(n / 2^20)
end

local function thousands(n)
  local text = ("%.0f"):format(n):reverse():gsub("%d%d%d", "%0,"):reverse()
  return (text:gsub("^,", ""))
end

local function print_ends(label, list)
  for i, t in ipairs(list) do line(("%s %d"):format(label, i), "%s[%s]", t.dtype, table.concat(t.shape, ",")) end
end

local function print_report(facts)
  line("File", "%s", facts.file)
  line("Architecture", "saved graph of %d steps; Venturi runs it", facts.steps)
  print_ends("Input", facts.inputs)
  print_ends("Result", facts.results)
  local variables = {}
  for name, value in pairs(facts.variables) do variables[#variables + 1] = ("%s %.9g"):format(name:gsub("%c", "?"), value) end
  table.sort(variables)
  if #variables > 0 then line("Variables", "%s", table.concat(variables, ", ")) end
  line("Weights", "%s numbers, %s%s", thousands(facts.n_params), size(facts.size),
    facts.written_bytes > 0 and ("; each run writes to %s of them"):format(size(facts.written_bytes)) or "")
  line("Work", "%s FLOPs a run", thousands(facts.flops))
  line("Memory", "%s for a run: temporaries %s, scratch %s, results %s; inputs %s", size(facts.peak_bytes), size(facts.arena_bytes), size(facts.scratch_bytes),
    size(facts.result_bytes), size(facts.input_bytes))
  print(("\n%-24s %8s %20s"):format("operation", "steps", "FLOPs"))
  for _, op in ipairs(facts.operations) do print(("%-24s %8d %20s"):format(op.op, op.steps, thousands(op.flops))) end
end

--- The report of the file, or as JSON.
function M.run(path, as_json)
  local facts = facts_of(path)
  if as_json then print(json.encode(facts)) else print_report(facts) end
end

return M
