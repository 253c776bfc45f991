--- Checks reference files: venturi run tests/checkers/run.lua DIR [NAME...]   One line a file, then the totals.
-- Status 1 when a file failed and when none passed.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path
local golden = require "golden"

local dir = arg[1] or error("usage: run.lua DIR [NAME...]", 0)
local names = table.move(arg, 2, #arg, 1, {})
if #names == 0 then names = golden.files(dir) end

local totals = { passed = 0, failed = 0, skipped = 0 }
for _, name in ipairs(names) do
  local result = golden.check(dir, name)
  totals[result.status] = totals[result.status] + 1
  print(result.line)
  for _, complaint in ipairs(result.complaints) do io.stderr:write("  ", complaint, "\n") end
  io.stdout:flush()
end
print(("%d passed, %d failed, %d skipped"):format(totals.passed, totals.failed, totals.skipped))
if totals.passed == 0 then io.stderr:write("no file of ", dir, " passed\n") end
os.exit(totals.failed == 0 and totals.passed > 0 and 0 or 1, true)
