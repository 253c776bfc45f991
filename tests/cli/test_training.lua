--- The examples and studies that train run from end to end with --quick, on stand-ins for the sets that are fetched: digits labelled by the nearest of ten
--- medoids instead of by hand, and the manual and Lua files instead of two languages.
local t = require "support"
local shell = require "shell"
local vt = require "venturi"
local expect = shell.expect

local root = t.golden .. "/../.."
local function script(name, ...)
  local words = { '"$V" run', shell.quote(root .. "/scripts/" .. name), "--quick", ... }
  return shell.sh(table.concat(words, " ") .. " </dev/null")
end

local function folder_of(set)
  local path = ("%s/venturi/data/%s-%d"):format(shell.home, set, vt.data.fetch.recipes[set].version)
  assert(os.execute("mkdir -p " .. shell.quote(path)))
  t.write(path .. "/SOURCES.txt", "a stand-in of a test\n")
  return path
end

local function make_digits()
  local pictures = vt.load(t.golden .. "/digits1797.npy")
  local medoids = vt.json.decode(t.read(t.golden .. "/64_kmedoids_digits1797.json")).runs[1].fasterpam.medoids
  local x = pictures:reshape{ -1, 64 }:cast("f32")
  local centres = x[vt.tensor(medoids, { dtype = "i64" })]
  local away = centres:square():sum{ dims = { 2 } } - x:matmul(centres:transpose()) * 2
  vt.save(folder_of "digits" .. "/data.safetensors", { pictures = pictures:reshape{ -1, 1, 8, 8 }:copy(), labels = away:argmin{ dim = 2 } })
end

local function make_faq()
  local path = folder_of "faq"
  local function join(to, files)
    assert(os.execute(("cd %s && cat %s > %s"):format(shell.quote(root), files, shell.quote(path .. "/" .. to))))
  end
  join("en.txt", "docs/manual/*.md")
  join("de.txt", "lua/venturi/*.lua")
  path = folder_of "handbook"
  join("en.txt", "docs/manual/*.md")
end

make_digits()
make_faq()

t.test("digits by three nets", function()
  local chart = shell.home .. "/digits.svg"
  local said = expect(script("examples/digits.lua", "--out", chart), 0).out
  assert(t.read(chart):find ">vit<")
  for _, kind in ipairs{ "mlp", "cnn", "vit" } do
    local right = tonumber(said:match(kind .. "  seed 1 .- parameters  ([%d.]+) %% of 450 digits right"))
    assert(right and right > 60, said)
  end
  expect(script("examples/digits.lua", "rnn"), 1, nil, "unknown argument 'rnn'")
  expect(script("examples/digits.lua", "--epochs many"), 1, nil, "needs an integer above 0")
end)

t.test("a GPT learns a text, goes on from a checkpoint, draws its losses, and writes", function()
  local path, run, chart = shell.home .. "/gpt.safetensors", shell.home .. "/gpt.run", shell.home .. "/gpt.svg"
  local said = expect(script("examples/gpt.lua", "--steps 40", "--save", path, "--checkpoint", run, "--out", chart), 0).out
  local bits = {}
  for b in said:gmatch "([%d.]+) bits a byte" do bits[#bits + 1] = tonumber(b) end
  assert(#bits == 8 and bits[8] < bits[1] and bits[8] < 6, said)
  assert(said:find "\nThe package")
  assert(vt.load(path)["tokens.weight"] and t.read(chart):find "last tenth")
  local again = expect(script("examples/gpt.lua", "--steps 40", "--checkpoint", run), 0).out
  assert(again:find("all steps were done before; " .. bits[8], 1, true), again)
  t.equal(again:match "\nThe package.*", said:match "\nThe package.*")
  for _, wrong in ipairs{ { "--steps many", "is no number" }, { "--text", "needs a value" }, { "--stps 3", "unknown argument" }, { "--prompt ''", "a prompt" } } do
    expect(script("examples/gpt.lua", wrong[1]), 1, nil, wrong[2])
  end
end)

t.test("studies print a table and write a chart", function()
  local row_of = { rex = "linear", rex_text = "20 steps", rs2 = "fixed random subset", rs2_time = "least margin", wta = "WTA, rows alone",
    cooldown = "Cooldown, 5 then 1" }
  for name, row in pairs(row_of) do
    local chart = ("%s/%s.svg"):format(shell.home, name)
    local said = expect(script(("recipes/train/%s.lua"):format(name), "--seeds 1", "--out", chart), 0, row).out
    assert(said:find("\n" .. row:gsub("%p", "%%%0") .. " .-%d ± "), said)
    assert(t.read(chart):find "^<svg")
  end
  expect(script "recipes/train/wta_time.lua", 0, "512, 256, 256")
  expect(script("recipes/train/rex.lua", "--seed 3"), 1, nil, "unknown option '--seed'")
end)

t.done()
