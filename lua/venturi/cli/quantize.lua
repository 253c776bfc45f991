--- venturi quantize: a GGUF file with its matrices in another block type.
local program = require "venturi.program"
local shared = require("venturi.cli.options").shared
local talk = require "venturi.cli.talk"
local vt = require "venturi"

local types = { "f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k" }

local M = {
  name = "quantize",
  summary = "write a model with its weights in another type",
  examples = {
    "venturi quantize model-f16.gguf model-q8_0.gguf --type q8_0",
    "venturi quantize model-f16.gguf model-q4_k.gguf --type q4_k --threads 4",
    "venturi quantize --pure --type q4_k model-00001-of-00003.gguf model-q4_k.gguf",
  },
  arguments = { { "input", help = "a GGUF file; of a model in several files any of them" }, { "output", help = "the new file; an existing one needs --force" } },
  options = {
    { "type", arg = "TYPE", kind = "choice", choices = types, group = "Weights", help = table.concat(types, ", ") },
    { "pure", kind = "flag", group = "Weights", help = "the output matrix too gets the type, which is q6_k otherwise" },
    shared.threads,
    { "force", kind = "flag", group = "Output", env = false, help = "overwrite the output" },
  },
  notes = "Vectors, norms and small tables stay as they are. Where rows are no multiple of 256, q8_0 stands for\n"
    .. "q6_k, q5_1 for q5_k, q5_0 for q4_k, q4_0 for q3_k and q2_k. What the input has lost stays lost: begin\nwith f32, f16 or bf16 if you can.",
}

local function size_of(path)
  local file = io.open(path, "rb")
  local size = file and file:seek("end") or 0
  if file then file:close() end
  return size
end

function M.run(opt)
  if not opt.type then error({ usage = "option '--type' is missing" }, 0) end
  if program.kind(opt.input) == "folder" then talk.fail(3, opt.input .. ": is a folder") end
  if program.kind(opt.output) and not opt.force then talk.fail(1, opt.output .. ": exists already", "Add --force to overwrite it.") end
  if program.kind(opt.output) == "folder" then talk.fail(3, opt.output .. ": is a folder") end
  if program.kind(opt.output) and program.realpath(opt.input) == program.realpath(opt.output) then -- what the input has could not be had back
    talk.fail(1, opt.output .. ": is the input too", "Name another file for the output.")
  end
  local start = program.clock()
  vt.quantize(opt.input, opt.output, {
    type = opt.type, pure = opt.pure,
    progress = function(fraction, name) talk.progress("%3.0f%%  %s", 100 * fraction, name) end,
  })
  talk.clear()
  talk.say("%s: %.1f MB, in %.1f s", opt.output, size_of(opt.output) / 1e6, program.clock() - start)
  return 0
end

return M
