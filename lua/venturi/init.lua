--- Venturi for Lua: `local vt = require "venturi"`.
-- The handles come from the C binding (`venturi.core`); the modules in plain Lua are loaded when they are first named: `vt.answer`, `vt.attention`,
-- `vt.chat`, `vt.checkpoint`, `vt.chunk`, `vt.compiled`, `vt.csv`, `vt.data`, `vt.diffusion`, `vt.font`, `vt.gradcheck`, `vt.jinja`, `vt.judge`, `vt.nn`, `vt.optim`,
-- `vt.page`, `vt.patch`, `vt.plot`, `vt.png`, `vt.prompt`, `vt.test`, `vt.train`; `vt.rand` and its kin.
local core = require "venturi.core"

local M = {}
for name, value in pairs(core) do M[name] = value end

local function settle(ok, ...)
  if ok then return ... end
  local err = ...
  if type(err) == "table" and math.type(err.code) == "integer" then return nil, err end
  error(err, 0)
end

--- Calls f and turns a failed status of the library into `nil, err`, where err is { code, name, message }.
-- Other errors (a wrong type, a bug in the script) are no statuses and go on.
function M.try(f, ...)
  return settle(pcall(f, ...))
end

--- Options of a recipe: its defaults, and over them what was given. A name that the defaults do not have is an error of the recipe's caller.
function M.options(what, defaults, given)
  local opt = {}
  for key, value in pairs(defaults) do opt[key] = value end
  for key, value in pairs(given or {}) do
    if defaults[key] == nil then error(("%s: unknown option '%s'"):format(what, key), 3) end
    opt[key] = value
  end
  return opt
end

local lazy = { answer = true, attention = true, chat = true, checkpoint = true, chunk = true, compiled = true, csv = true, data = true, diffusion = true, font = true,
  gradcheck = true, jinja = true, judge = true, nn = true, optim = true, plot = true, png = true, page = true, patch = true, prompt = true, residual = true, test = true,
  train = true, rand = "tensor_random", randn = "tensor_random", randint = "tensor_random", randperm = "tensor_random" }

return setmetatable(M, { __index = function(t, name)
  local file = lazy[name] -- true: of the same name; else the module that has the function
  if not file then return nil end
  local module = require("venturi." .. (file == true and name or file))
  if file ~= true then module = module[name] end
  rawset(t, name, module)
  return module
end })
