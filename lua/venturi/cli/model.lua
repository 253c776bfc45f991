--- The model of a verb: where it is, opening it.
local vt = require "venturi"
local program = require "venturi.program"
local talk = require "venturi.cli.talk"

local M = {}

local DEFAULT = "SmolLM2-135M-Instruct.Q4_1.gguf"

--- Folder of the user's cache, $XDG_CACHE_HOME/venturi.
function M.cache()
  local base = os.getenv("XDG_CACHE_HOME")
  if not base or base == "" then base = (os.getenv("HOME") or "") .. "/.cache" end
  return base .. "/venturi"
end

--- Path of the model: -m, VENTURI_MODEL, or the one in the cache.
function M.path(opt)
  local path = opt.model or M.cache() .. "/models/" .. DEFAULT
  if not program.kind(path) then
    talk.fail(3, path .. ": no such model", "Name a GGUF file with -m FILE or VENTURI_MODEL=FILE; in a source tree './dev demo' fetches the default one.")
  end
  if program.kind(path) == "folder" then talk.fail(3, path .. ": is a folder, a model is a GGUF file", "Folders are for text encoders: see 'venturi encode --help'.") end
  return path
end

--- Opens the model, its tokenizer and a session of n_ctx tokens (default: as -c says).
function M.open(opt, n_ctx)
  local path = M.path(opt)
  local start = program.clock()
  local model = vt.model(path, { mapped = opt.exact }) -- exact sessions read no packed weights
  local tok = model:tokenizer()
  talk.detail("%s: %s, %d layers, opened in %.2f s; %d threads, %s kernels", path, model:info().architecture, model:info().n_layers,
    program.clock() - start, vt.threads(), vt.isa())
  return model, tok, model:session{ ctx = n_ctx or opt.ctx_size, exact = opt.exact }
end

--- Speed of a run for -v.
function M.report_speed(what, tokens, seconds)
  if seconds > 0 then talk.detail("%s: %d tokens in %.2f s, %.1f tokens/s", what, tokens, seconds, tokens / seconds) end
end

return M
