--- digits.lua VENTURI PEER [NET...]: accuracies of the example's nets by us and by PyTorch, the same digits and seeds; do the intervals overlap?
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/../../scripts/recipes/train/?.lua;" .. package.path
local study = require "study"
local vt = require "venturi"

local SEEDS = 5
local venturi, peer = arg[1], arg[2]
local nets = #arg > 2 and table.move(arg, 3, #arg, 1, {}) or { "mlp", "cnn", "vit" }

local function accuracies(command)
  local pipe, list = assert(io.popen(command, "r")), {}
  for line in pipe:lines() do list[#list + 1] = tonumber(line:match "([%d.]+) %% of %d+ digits right") end
  if not pipe:close() or #list ~= SEEDS then error(command .. ": failed", 0) end
  return list
end

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))
local train, test = study.digits()
for part, set in pairs{ train = train, test = test } do
  for name, t in pairs(set.fields) do vt.save(("%s/%s_%s.npy"):format(folder, part, name), t) end
end

local rows, failed = { { "net", "venturi", "PyTorch", "" } }, false
for _, net in ipairs(nets) do
  local ours, half = study.interval(accuracies(("'%s' run '%s/../../scripts/examples/digits.lua' %s --seeds %d 2>/dev/null"):format(venturi, here, net, SEEDS)))
  local theirs, their_half = study.interval(accuracies(("%s %s %s %d"):format(peer, net, folder, SEEDS)))
  local overlap = math.abs(ours - theirs) <= half + their_half
  failed = failed or not overlap
  rows[#rows + 1] = { net, study.text(ours, half), study.text(theirs, their_half), overlap and "overlap" or "APART" }
end
os.execute("rm -r " .. folder)
print(("%% of %d digits right, mean of %d seeds ± 95 %%"):format(test.count, SEEDS))
study.table(rows)
os.exit(failed and 1 or 0, true)
