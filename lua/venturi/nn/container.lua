--- Modules made of modules.
local class = require("venturi.nn.module").class

local M = {}

--- Sequential{ a, b, ... }: b(a(x)); functions are fine too.
M.Sequential = class "Sequential"
function M.Sequential:new(list)
  for i, m in ipairs(list) do self[i] = m end
  rawset(self, "n", #list)
end
function M.Sequential:forward(x)
  for i = 1, self.n do x = self[i](x) end
  return x
end

--- ModuleList{ a, b, ... }: a list whose members are part of the net; `#list`, `ipairs` work.
M.ModuleList = class "ModuleList"
function M.ModuleList:new(list)
  for i, m in ipairs(list or {}) do self[i] = m end
end
function M.ModuleList:append(m)
  self[#self + 1] = m
  return self
end

--- Residual(m): x + m(x).
M.Residual = class "Residual"
function M.Residual:new(body) self.body = body end
function M.Residual:forward(x) return x + self.body(x) end

--- Lambda(f): a function as a module.
M.Lambda = class "Lambda"
function M.Lambda:new(f) rawset(self, "f", f) end
function M.Lambda:forward(...) return self.f(...) end

return M
