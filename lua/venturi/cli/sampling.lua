--- Options of the sampling chain, shared by the verbs that make text, and the sampler that they describe.
local vt = require "venturi"
local talk = require "venturi.cli.talk"

local M = {}

--- In the order of the help text.
M.options = {
  { "temp", arg = "T", kind = "number", min = 0, default = 0.8, group = "Sampling", help = "temperature; 0 takes the likeliest token" },
  { "top-k", arg = "K", kind = "integer", min = 0, default = 40, group = "Sampling", help = "keep the K likeliest tokens; 0: off" },
  { "top-p", arg = "P", kind = "number", above = 0, max = 1, default = 0.95, group = "Sampling", help = "keep the smallest set that reaches P; 1: off" },
  { "min-p", arg = "P", kind = "number", min = 0, max = 1, default = 0.05, group = "Sampling", help = "keep tokens at least P times as likely as the best; 0: off" },
  { "seed", arg = "N", kind = "integer", group = "Sampling", help = "seed of the random numbers (default: drawn, and printed)" },
}

local function with_default(option, value)
  local copy = {}
  for key, v in pairs(option) do copy[key] = v end
  copy.default = value
  return copy
end

--- A verb's options with those of the chain behind them.
-- @tparam table own the verb's options
-- @tparam ?table rest options that come after the chain's
-- @tparam ?table defaults other defaults than the chain's own, by name: { temp = 0 }
function M.join(own, rest, defaults)
  local list = table.move(own, 1, #own, 1, {})
  for _, option in ipairs(M.options) do
    local value = defaults and defaults[option[1]]
    list[#list + 1] = value ~= nil and with_default(option, value) or option
  end
  return rest and table.move(rest, 1, #rest, #list + 1, list) or list
end

local function draw_seed()
  local source = io.open("/dev/urandom", "rb")
  local bytes = source and source:read(4)
  if source then source:close() end
  return bytes and #bytes == 4 and string.unpack("<I4", bytes) or os.time()
end

--- The sampler that the options describe, and its seed; a seed that had to be drawn is printed.
function M.sampler(opt)
  local seed = opt.seed
  if opt.temp > 0 and not seed then
    seed = draw_seed()
    talk.say("seed: %d", seed)
  end
  return vt.sampler{ temperature = opt.temp, top_k = opt.top_k, top_p = opt.top_p, min_p = opt.min_p, seed = seed }, seed
end

return M
