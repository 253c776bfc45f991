--- A training run that is killed again and again, between steps, within them, and in the middle of writing a checkpoint, ends with the bits of one that is
--- left alone. This file is the run too: test_killed.lua train FOLDER EVERY.
local vt = require "venturi"
local nn, optim = vt.nn, vt.optim

local STEPS = 48

-- Everything that has a state or draws numbers, and as many weights as make writing them take a while.
local function train(folder, every)
  nn.seed(5)
  local net = nn.Sequential{ nn.Linear(6, 16), nn.BatchNorm(16), nn.ReLU(), nn.Dropout(0.2), nn.Lambda(function(x) return x:reshape{ 8, 2, 8 } end),
    nn.TransformerBlock(8, 2, { dropout = 0.1, mlp = 16 }), nn.Flatten(), nn.Linear(16, 4000), nn.GELU(), nn.Linear(4000, 3) }
  vt.train.fit(net, {
    steps = STEPS, every = every, checkpoint = folder .. "/run.safetensors", log = folder .. "/log.csv", log_every = 1, clip = 1,
    optimizer = optim.AdamW(net:parameters(), { lr = 1e-2 }), ema = optim.EMA(net, { decay = 0.9 }),
    schedule = optim.schedule{ kind = "rex", lr = 1e-2, total = STEPS, warmup = 3 },
    batch = function(i)
      print(i)
      io.stdout:flush()
      local x = vt.randn(8, 6, { seed = 7, stream = i })
      return x, x:slice{ dim = 2, start = 0, stop = 3 }:argmax{ dim = 2 }
    end,
    loss = function(model, x, y) return vt.op.cross_entropy(model(x), y) end,
  })
end

if arg[1] == "train" then
  train(arg[2], math.tointeger(arg[3]))
  return
end

local t = require "support"
local shell = require "shell"

-- Starts a run, lets it begin `n` steps and live a little longer. True if it came to its end before. limit: of a file's blocks; what writes more dies there.
local function live(folder, every, n, limit)
  local pipe = assert(io.popen(("%s echo $$; exec %s run %s train %s %d 2>&1"):format(limit and ("ulimit -c 0; ulimit -f %d;"):format(limit) or "",
    shell.quote(shell.program), shell.quote(arg[0]), shell.quote(folder), every)))
  local pid, began = pipe:read "l", 0
  while began < n and pipe:read "l" do began = began + 1 end
  if began == n and not limit then
    local till = os.clock() + math.random() * 4e-3
    while os.clock() < till do end
    os.execute(("kill -9 %s 2>/dev/null"):format(pid))
  end
  local rest = pipe:read "a"
  return pipe:close(), rest
end

local function checkpoint(folder)
  local state, names, parts = vt.load(folder .. "/run.safetensors"), {}, {}
  for name in pairs(state) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = name .. state[name]:tostring_bytes() end
  return table.concat(parts)
end

t.test("a run that is killed at any moment ends with the same bits", function()
  local alone, folder, lives = t.folder(), t.folder(), 0
  assert(live(alone, 1000, math.huge))
  local file = assert(io.open(alone .. "/run.safetensors"))
  local blocks = file:seek "end" // 512
  file:close()
  assert(blocks > 1000, "the checkpoint is small")
  repeat
    lives = lives + 1
    local every, limit = math.random(1, 4), lives % 3 == 0 and math.random(0, lives % 2 == 0 and 1 or blocks - 2)
    local ended, said = live(folder, every, limit and math.huge or every + math.random(1, 5), limit)
    assert(not (ended and limit), "a file grew over its limit")
    assert(ended or not said:find "venturi:", said)
  until ended
  assert(lives > 3, "it has hardly been killed")
  assert(checkpoint(folder) == checkpoint(alone), ("other weights after %d lives"):format(lives))
  t.equal(t.read(folder .. "/log.csv"), t.read(alone .. "/log.csv"))
  print(("# %d lives"):format(lives))
end)

t.done()
