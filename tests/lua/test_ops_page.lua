--- The reference page of operations is what the table says.
local support = require "support"
local root = os.getenv("VT_ROOT") or "."

support.test("docs/manual/ops.md is current", function()
  local page = dofile(root .. "/docs/manual/ops_page.lua")
  local want = page(support.read(root .. "/engine/tensor/ops.def"))
  assert(support.read(root .. "/docs/manual/ops.md") == want, "venturi run docs/manual/ops_page.lua > docs/manual/ops.md")
end)

support.done()
