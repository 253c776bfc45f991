--- Venturi for Lua: `local vt = require "venturi"`.
local core = require "venturi.core"

local M = {}
for name, value in pairs(core) do M[name] = value end
return M
