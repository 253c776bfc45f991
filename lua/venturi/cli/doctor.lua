--- venturi doctor: what this machine and this build are, to be pasted into a report.
local json = require "venturi.cli.json"
local vt = require "venturi"
local models = require "venturi.cli.model"
local program = require "venturi.program"
local shared = require("venturi.cli.options").shared

local M = {
  name = "doctor",
  summary = "show processor, kernels, libraries, memory and caches",
  examples = { "venturi doctor", "venturi doctor --json", "VT_ISA=avx2 venturi doctor" },
  options = { shared.threads, shared.json },
}

-- First value of a "key : value" or "key: value" line of a file of /proc.
local function proc(file, key)
  local f = io.open("/proc/" .. file)
  if not f then return nil end
  local text = f:read("a")
  f:close()
  return ("\n" .. text):match("\n" .. key .. "%s*:%s*([^\n]*)")
end

local interesting = { "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "asimd", "asimddp" }

local function cpu_flags()
  local has = {}
  for flag in (proc("cpuinfo", "flags") or proc("cpuinfo", "Features") or ""):gmatch("%S+") do has[flag] = true end
  return has
end

local function cpu_features()
  local has, list = cpu_flags(), {}
  for _, name in ipairs(interesting) do
    if has[name] then list[#list + 1] = name end
  end
  return table.concat(list, " ")
end

-- What a kernel level needs of the processor, lowest first; each needs those before it.
local levels = {
  { "ref" }, { "avx2", "avx2", "fma", "f16c" }, { "avx512", "avx512f", "avx512bw", "avx512dq", "avx512vl" }, { "avx512vnni", "avx512_vnni" }, { "avx512bf16", "avx512_bf16" },
}

-- What VT_ISA does that its user may not know; nil: nothing.
local function isa_note()
  local cap, flags = os.getenv("VT_ISA") or "", cpu_flags()
  if cap == "" then return nil end
  local wanted, best
  for i, level in ipairs(levels) do
    local has = best == nil or best == i - 1
    for k = 2, #level do has = has and flags[level[k]] end
    if has then best = i end
    if level[1] == cap then wanted = i end
  end
  if not wanted then return ("VT_ISA=%s is not known (ref, avx2, avx512, avx512vnni, avx512bf16): %s is used"):format(cap, vt.isa()) end
  if wanted < best then return ("VT_ISA=%s is lower than this machine, which has %s"):format(cap, levels[best][1]) end
  return wanted > best and ("VT_ISA=%s is more than this machine has: %s is used"):format(cap, vt.isa()) or nil
end

local function kib(text)
  local n = text and text:match("^(%d+)")
  return n and ("%.1f GiB"):format(tonumber(n) / 1048576)
end

local function script_module()
  local script, err = vt.try(vt.script, {})
  if not script then return "not usable: " .. err.message end
  script:close()
  return "found"
end

local function argparse_version()
  local ok, argparse = pcall(require, "argparse")
  return ok and (argparse.version or "found") or "missing"
end

local function model_state()
  local path = models.cache() .. "/models"
  local names = {}
  if program.kind(path) == "folder" then
    for _, name in ipairs(program.list(path)) do
      if name:find("%.gguf$") then names[#names + 1] = name end
    end
  end
  return path, #names > 0 and table.concat(names, ", ") or "none"
end

--- The findings, in order: list of { key, value }.
function M.findings()
  local path, found = model_state()
  local alive = vt.memory()
  return {
    { "version", vt.version() }, { "abi", tostring(vt.abi_version()) }, { "lua", _VERSION },
    { "argparse", argparse_version() }, { "line_editing", program.readline and "libedit" or "none" }, { "script_module", script_module() },
    { "processor", proc("cpuinfo", "model name") or "unknown" }, { "features", cpu_features() },
    { "kernels", vt.isa() }, { "VT_ISA", os.getenv("VT_ISA") or "not set" }, { "isa_note", isa_note() or "none" }, { "threads", tostring(vt.threads()) },
    { "memory_total", kib(proc("meminfo", "MemTotal")) or "unknown" }, { "memory_available", kib(proc("meminfo", "MemAvailable")) or "unknown" },
    { "memory_context", ("%d bytes"):format(alive) }, { "models_folder", path }, { "models", found },
  }
end

function M.run(opt)
  local findings = M.findings()
  if opt.json then
    local object = { schema = 1 }
    for _, pair in ipairs(findings) do object[pair[1]] = pair[2] end
    print(json.encode(object))
  else
    for _, pair in ipairs(findings) do print(("%-18s %s"):format(pair[1], pair[2])) end
  end
  return 0
end

return M
