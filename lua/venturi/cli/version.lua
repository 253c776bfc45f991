--- venturi version
local json = require "venturi.cli.json"
local vt = require "venturi"

local M = {
  name = "version",
  summary = "print the version",
  examples = { "venturi version", "venturi version --json", "venturi --version" },
  options = { require("venturi.cli.options").shared.json },
}

function M.run(opt)
  if opt.json then
    print(json.encode{ schema = 1, version = vt.version(), abi = vt.abi_version(), isa = vt.isa() })
  else
    print("venturi " .. vt.version())
  end
  return 0
end

return M
