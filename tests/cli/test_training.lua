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

-- Plain discs and squares in as many colours as there are names, drawn by two hands: the second leaves a hole.
local function make_emoji()
  local path, items, rows = folder_of "emoji", {}, {}
  for _, source in ipairs{ "noto", "openmoji" } do
    for i = 0, 59 do
      local shape, shade = i % 2 == 0 and "disc" or "square", { "pale", "dull", "strong" }
      items[#items + 1] = { source = source, kind = "plain", name = ("%s of hue %d"):format(shape, i), keywords = { shape, shade[i % 3 + 1] },
        code = ("%04X"):format(0x1f400 + i), held_out = i % 10 == 9 }
      local colour = { i * 4, 255 - i * 4, (i % 3) * 100 }
      for c = 1, 3 do
        for y = -16, 15 do
          for x = -16, 15 do
            local inside = shape == "disc" and x * x + y * y < 150 or shape == "square" and math.max(math.abs(x), math.abs(y)) < 11
            local hole = source == "openmoji" and x * x + y * y < 9
            rows[#rows + 1] = string.char(inside and not hole and colour[c] or 255)
          end
        end
      end
    end
  end
  vt.save(path .. "/pictures32.safetensors", { pictures = vt.from_string(table.concat(rows), "u8", { #items, 3, 32, 32 }) })
  t.write(path .. "/items.json", vt.json.encode(items))
end

make_digits()
make_faq()
make_emoji()

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
  expect(script("recipes/train/rex.lua", "--seed 3"), 2, nil, "unknown option '--seed'")
end)

t.test("a judge of pictures is trained, measured and saved; done again from its checkpoints it is the same", function()
  local out = shell.home .. "/judge"
  local said = expect(script("recipes/train/emoji_judge.lua", "--out", out), 0).out
  for _, row in ipairs{ "Noto, held out of the body", "24 pixels in a corner, mirrored", "draws as in training", "OpenMoji, held out" } do
    assert(said:find("\n" .. row:gsub("%p", "%%%0") .. " .-%(.- to .-%)"), said)
  end
  assert(t.read(out .. ".svg"):find "^<svg")
  local judge = vt.judge(out .. ".graph")
  local tell = judge:tell(vt.ones(2, 3, 32, 32))
  assert(#judge.names == 60 and #tell == 2 and #tell[1].words == 5 and tell[1].names[1].p <= 1)
  local bytes = t.read(out .. ".graph")
  expect(script("recipes/train/emoji_judge.lua", "--out", out), 0)
  assert(t.read(out .. ".graph") == bytes)
end)

t.test("the shipped judge says what is in a file", function()
  local rows = {}
  for i = 0, 32 * 32 - 1 do
    local x, y = i % 32 - 15.5, i // 32 - 15.5
    rows[#rows + 1] = x * x + y * y < 216 and "\226\50\40" or "\255\255\255"
  end
  local picture, page = shell.home .. "/disc.png", shell.home .. "/said.html"
  t.write(picture, vt.png.encode(32, 32, 3, table.concat(rows)))
  local function example(words) return shell.sh(('"$V" run %s %s </dev/null'):format(shell.quote(root .. "/scripts/examples/emoji.lua"), words)) end
  local said = expect(example(("%s --top 3 --out %s"):format(shell.quote(picture), shell.quote(page))), 0, "red circle").out
  assert(said:find "%d %%  red circle\n" and said:find "words: .-circle", said)
  assert(t.read(page):find("red circle", 1, true))
  expect(example "nothing.png", 1, nil, "nothing.png: no such file, and no code point")
  expect(example "", 1, nil, "no picture")
end)

t.done()
