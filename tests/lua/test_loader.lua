-- Orders, mixtures and loaders: what comes when, the same from any step on; pictures made ahead, and augmented by index alone.
local t = require "support"
local vt = require "venturi"
local data = vt.data
local is_slow = os.getenv("VT_GC_STRESS") ~= nil

local function sorted(list)
  table.sort(list)
  return list
end

local function range(n)
  local list = {}
  for i = 1, n do list[i] = i - 1 end
  return list
end

-- ---- orders ----

t.test("a shuffled order has everything once a round, and other rounds another order", function()
  local order = data.order.shuffled(50, { seed = 3 })
  local a, b = order:round(0):totable(), order:round(1):totable()
  assert(vt.json.encode(a) ~= vt.json.encode(b))
  t.equal({ order:round(0):totable(), sorted(a), sorted(b) }, { data.order.shuffled(50, { seed = 3 }):round(0):totable(), range(50), range(50) })
  t.equal(data.order.sequential(3):round(7):totable(), { 0, 1, 2 })
end)

t.test("permutations have everything once, whatever their size", function()
  for _, n in ipairs{ 1, 2, 3, 10, is_slow and 100 or (1 << 20) + 7 } do
    t.equal(data.order.shuffled(n, { seed = 1 }):round(2):sort():sub(vt.arange(n)):abs():max():item(), 0, n)
  end
end)

t.test("RS2 without replacement has every example once in n draws", function()
  local order = data.order.rs2(10, { ratio = 0.34, seed = 5 })
  t.equal(order.length, 3)
  local stream = {}
  for k = 0, 19 do
    for _, i in ipairs(order:round(k):totable()) do stream[#stream + 1] = i end
  end
  for pass = 0, 5 do t.equal(sorted{ table.unpack(stream, pass * 10 + 1, pass * 10 + 10) }, range(10), "pass " .. pass) end
  t.equal(order:round(17):totable(), { table.unpack(stream, 52, 54) })
end)

t.test("RS2 without replacement favours no example and no round", function()
  if is_slow then return end
  local n, parts, passes = 20, 4, 4000
  local order, counts, chi2 = data.order.rs2(n, { ratio = 1 / parts, seed = 11 }), {}, 0
  for k = 0, parts * passes - 1 do
    for _, i in ipairs(order:round(k):totable()) do
      local cell = i * parts + k % parts
      counts[cell] = (counts[cell] or 0) + 1
    end
  end
  for cell = 0, n * parts - 1 do chi2 = chi2 + (counts[cell] - passes / parts) ^ 2 / (passes / parts) end
  assert(chi2 < 95.8, chi2) -- p > 1e-3 with 19 x 3 degrees of freedom
end)

t.test("RS2 with replacement covers 1 - (1 - r)^t of the data after t rounds", function()
  local n, ratio, rounds = 2000, 0.1, 10
  local order, seen, count = data.order.rs2(n, { ratio = ratio, seed = 1, replacement = true }), {}, 0
  for k = 0, rounds - 1 do
    local list, here = order:round(k):totable(), {}
    for _, i in ipairs(list) do
      assert(not here[i], "twice in a round")
      here[i] = true
      if not seen[i] then seen[i], count = true, count + 1 end
    end
  end
  local want = 1 - (1 - ratio) ^ rounds
  assert(math.abs(count / n - want) < 3 * math.sqrt(want * (1 - want) / n), count)
end)

t.test("balanced RS2 has as many of each class", function()
  local labels = {}
  for i = 1, 100 do labels[i] = i <= 80 and 0 or i <= 95 and 1 or 2 end
  for _, replacement in ipairs{ false, true } do
    local order, counts = data.order.rs2(100, { ratio = 0.14, labels = labels, replacement = replacement }), { [0] = 0, 0, 0 }
    for _, i in ipairs(order:round(3):totable()) do counts[labels[i + 1]] = counts[labels[i + 1]] + 1 end
    t.equal(counts, { [0] = 5, 5, 4 })
  end
  t.equal(t.raises("10 of 5 examples", data.order.rs2, 100, { ratio = 0.3, labels = labels }).name, "VT_ERR_SHAPE")
  t.raises("is none", data.order.rs2, 5, { ratio = 0.1 })
  t.raises("above 0 and at most 1", data.order.rs2, 5, { ratio = 2 })
end)

-- ---- mixtures ----

local sizes = { 2733, 162, 39, 1 }

t.test("draws of a mixture have the chances of its temperature", function()
  local n = is_slow and 2000 or 1000000
  local order = data.mixture.order{ sizes = sizes, length = n, tau = 3.33, seed = 2 }
  local p, counts, bounds = data.mixture.probabilities(sizes, 3.33), { 0, 0, 0, 0 }, { 2733, 2895, 2934, 2935 }
  for _, i in ipairs(order:round(0):totable()) do
    local d = 1
    while i >= bounds[d] do d = d + 1 end
    counts[d] = counts[d] + 1
  end
  local chi2 = 0
  for d = 1, 4 do chi2 = chi2 + (counts[d] - n * p[d]) ^ 2 / (n * p[d]) end
  assert(chi2 < 16.27, chi2) -- p > 1e-3 with 3 degrees of freedom
end)

t.test("a mixture goes through each domain before it begins again, and on from a state", function()
  local function make() return data.mixture.order{ sizes = { 5, 3 }, length = 7, tau = 5, seed = 9 } end
  local a, whole = make(), {}
  for k = 0, 9 do whole[k] = a:round(k):totable() end
  local of_small = {}
  for k = 0, 9 do
    for _, i in ipairs(whole[k]) do
      if i >= 5 then of_small[#of_small + 1] = i - 5 end
    end
  end
  for pass = 0, #of_small // 3 - 1 do t.equal(sorted{ table.unpack(of_small, pass * 3 + 1, pass * 3 + 3) }, range(3)) end
  t.equal(a:passes()[2], #of_small / 3)
  local b = make()
  for k = 0, 3 do b:round(k) end
  local c = make()
  c:restore(vt.json.decode(vt.json.encode(b:state())))
  t.equal({ c:round(4):totable(), c:round(5):totable(), c:round(4):totable() }, { whole[4], whole[5], whole[4] })
  t.equal(make():round(9):totable(), whole[9]) -- rounds that are left out are gone through
  t.equal(t.raises("length is 8", function() data.mixture.order{ sizes = { 5, 3 }, length = 8, seed = 9 }:restore(b:state()) end).name, "VT_ERR_CONFLICT")
end)

t.test("Cooldown changes the temperature at its step", function()
  local order = data.mixture.order{ sizes = { 900000, 100 }, length = 1000, batch_size = 10, tau = data.mixture.cooldown(100), seed = 4 }
  t.equal({ order:tau_at(0), order:tau_at(99), order:tau_at(100) }, { 5, 5, 1 })
  local function small(k)
    local n = 0
    for _, i in ipairs(order:round(k):totable()) do n = n + (i >= 900000 and 1 or 0) end
    return n
  end
  if not is_slow then assert(small(0) > 80 and small(1) < 5) end -- 14 % and 0.01 % of the draws
  t.raises("ascending steps", data.mixture.order, { sizes = { 1 }, length = 1, tau = { { 5, 1 } } })
end)

t.test("scalarization and temperature have one full gradient; UniMax shares a budget out", function()
  local p, w, q = data.mixture.probabilities(sizes, 5), data.mixture.weights(sizes, 5), data.mixture.probabilities(sizes, 1)
  for i = 1, 4 do assert(math.abs(p[i] - w[i] * q[i]) < 1e-15) end
  local chances, drawn = data.mixture.unimax({ 1000, 10, 100 }, { budget = 600, max_epochs = 2 })
  t.equal(drawn, { 380.0, 20, 200 })
  assert(math.abs(chances[1] + chances[2] + chances[3] - 1) < 1e-12)
  for _, tau in ipairs{ 0, -1, 0 / 0 } do t.raises("tau", data.mixture.probabilities, sizes, tau) end
end)

-- A line y = a x fitted at a = 0 to two domains: gradients of single examples are -2 x y.
t.test("scalarization and temperature have equal gradients and the variances of the theorem", function()
  local counts, tau, gradient = { 400, 20 }, 5, {}
  local x = vt.randn(420, { seed = 3 }):totable()
  for i = 1, 420 do gradient[i] = -2 * x[i] * (i <= 400 and 0.5 * x[i] or 3 * x[i]) end
  local p, w = data.mixture.probabilities(counts, tau), data.mixture.weights(counts, tau)
  local function over(d, f)
    local sum = 0
    for i = (d - 1) * 400 + 1, d == 1 and 400 or 420 do sum = sum + f(gradient[i]) end
    return sum
  end
  local sampled, weighted, second_sampled, second_weighted = 0, 0, 0, 0
  for d = 1, 2 do
    sampled, weighted = sampled + p[d] * over(d, function(g) return g end) / counts[d], weighted + over(d, function(g) return w[d] * g end) / 420
    second_sampled = second_sampled + p[d] * over(d, function(g) return g * g end) / counts[d]
    second_weighted = second_weighted + over(d, function(g) return w[d] ^ 2 * g * g end) / 420
  end
  assert(math.abs(sampled - weighted) < 1e-12 * math.abs(sampled) and second_weighted > second_sampled)
  if is_slow then return end
  -- Drawn: the ratio of the variances within 5 %.
  local function variance(order, weights)
    local n, sum, squares = 0, 0, 0
    for k = 0, 39 do
      for _, i in ipairs(order:round(k):totable()) do
        local g = gradient[i + 1] * (weights and weights[i < 400 and 1 or 2] or 1)
        n, sum, squares = n + 1, sum + g, squares + g * g
      end
    end
    return squares / n - (sum / n) ^ 2
  end
  local function draws(at) return data.mixture.order{ sizes = counts, length = 10000, tau = at, seed = 12 } end
  local got, want = variance(draws(1), w) / variance(draws(tau)), (second_weighted - weighted ^ 2) / (second_sampled - sampled ^ 2)
  assert(math.abs(got / want - 1) < 0.05, got / want)
end)

-- ---- loaders ----

local function numbers(n)
  return data.tensors{ x = vt.arange(n):reshape(n, 1), y = vt.arange(n) }
end

local function stream(loader, n)
  local list = {}
  for i = 1, n do
    local batch = loader:next()
    list[i] = { batch.epoch, batch.step, batch.y:totable() }
  end
  return list
end

t.test("a loader goes through epochs in batches, and keeps the last one unless told not to", function()
  local loader = data.loader{ dataset = numbers(10), batch_size = 4, seed = 1 }
  local all, n = {}, 0
  for batch in loader:batches() do
    n = n + 1
    t.equal({ batch.index:totable(), batch.x:reshape(-1):totable() }, { batch.y:totable(), batch.y:totable() })
    for _, y in ipairs(batch.y:totable()) do all[#all + 1] = y end
  end
  t.equal({ n, sorted(all), loader.steps }, { 3, range(10), 3 })
  t.equal(loader:next().epoch, 1)
  t.equal(data.loader{ dataset = numbers(10), batch_size = 4, drop_last = true }.steps, 2)
  t.raises("no whole batch", data.loader, { dataset = numbers(3), batch_size = 4, drop_last = true })
  t.raises("unknown option 'batchsize'", data.loader, { dataset = numbers(3), batchsize = 4 })
  t.raises("an order of 4 examples", data.loader, { dataset = numbers(3), batch_size = 1, order = data.order.sequential(4) })
end)

t.test("a loader goes on from any step with the same batches", function()
  local makers = {
    function() return data.loader{ dataset = numbers(11), batch_size = 3, seed = 8 } end,
    function() return data.loader{ dataset = numbers(11), batch_size = 2, order = data.order.rs2(11, { ratio = 0.5 }) } end,
    function() return data.loader{ dataset = numbers(11), batch_size = 3, order = data.mixture.order{ sizes = { 8, 3 }, length = 10, tau = 2 } } end,
    function() -- asks for twenty rounds ahead
      local ds = data.tensors{ x = vt.arange(11):reshape(11, 1, 1, 1):cast("u8"), y = vt.arange(11) }
      return data.loader{ dataset = ds, batch_size = 3, pictures = "x", prefetch = 20, order = data.mixture.order{ sizes = { 8, 3 }, length = 3, tau = 2 } }
    end,
  }
  for which, make in ipairs(makers) do
    local whole = stream(make(), 12)
    for stop = 0, 9 do
      local first, second = make(), make()
      stream(first, stop)
      second:restore(vt.json.decode(vt.json.encode(first:state())))
      t.equal(stream(second, 3), { whole[stop + 1], whole[stop + 2], whole[stop + 3] }, ("order %d, stopped after %d"):format(which, stop))
    end
  end
  t.equal(t.raises("steps is 3", function() makers[2]():restore(makers[1]():state()) end).name, "VT_ERR_CONFLICT")
end)

t.test("one, two and four threads give one stream", function()
  local x, streams = vt.arange(40):reshape(40, 1, 1, 1):cast("u8"), {}
  for i, threads in ipairs{ 1, 2, 4 } do
    local loader <close> = data.loader{ dataset = data.tensors{ x = x, y = vt.arange(40) }, batch_size = 3, pictures = "x", threads = threads, prefetch = 4,
      order = data.order.rs2(40, { ratio = 0.3, seed = 2 }), augment = { brightness = 0.5 } }
    streams[i] = {}
    for k = 1, 20 do
      local batch = loader:next()
      streams[i][k] = { batch.epoch, batch.step, batch.index:totable(), batch.x:totable() }
    end
  end
  t.equal(streams[2], streams[1])
  t.equal(streams[3], streams[1])
end)

-- Pictures of 3x8x8 that differ in every pixel.
local function pictures(n)
  return vt.randint(n, 3, 8, 8, { seed = 6, low = 0, high = 256, dtype = "i64" }):cast("u8")
end

t.test("pictures that are not changed come as they are", function()
  local x = pictures(5)
  local loader <close> = data.loader{ dataset = data.tensors{ x = x, y = vt.arange(5) }, batch_size = 2, pictures = "x", order = data.order.sequential(5) }
  local batch = loader:next()
  t.equal({ batch.x.dtype, batch.x:totable() }, { "f32", (x[{ { 1, 2 } }]:cast("f32") / 255):totable() })
  local u8 <close> = data.loader{ dataset = data.tensors{ x = x }, batch_size = 5, pictures = "x", dtype = "u8", order = data.order.sequential(5) }
  t.equal(u8:next().x:totable(), x:totable())
end)

t.test("augmentation is a function of seed, epoch and index: not of batch, threads or where a loader begins", function()
  local ds = data.tensors{ x = pictures(9), y = vt.arange(9) }
  local function make(batch_size, threads, seed)
    return data.loader{ dataset = ds, batch_size = batch_size, threads = threads, prefetch = 3, seed = seed or 1, pictures = "x",
      augment = { flip_x = true, free_place = true, scale_min = 0.7, scale_max = 1.2, shift = 2, brightness = 0.3, contrast = 0.2, saturation = 0.5 } }
  end
  local function by_index(loader, epochs)
    local seen = {}
    for e = 1, epochs do
      seen[e] = {}
      for batch in loader:batches() do
        for i, index in ipairs(batch.index:totable()) do seen[e][index + 1] = batch.x[i]:totable() end
      end
    end
    return seen
  end
  local one = by_index(make(9, 1), 2)
  t.equal(by_index(make(2, 3), 2), one)
  assert(vt.json.encode(one[1]) ~= vt.json.encode(one[2]))
  local a, b = make(4, 2), make(4, 1)
  a:next()
  a:next()
  b:restore(a:state())
  t.equal(b:next().x:totable(), a:next().x:totable())
  assert(vt.json.encode(by_index(make(9, 1, 2), 1)) ~= vt.json.encode(by_index(make(9, 1, 1), 1)))
  for _, row in ipairs(one[1][1]) do
    for _, line in ipairs(row) do
      for _, v in ipairs(line) do assert(v >= 0 and v <= 1) end
    end
  end
end)

t.test("mirroring mirrors, shifting moves whole pixels, shrinking leaves white", function()
  local x = pictures(64)
  local function make(augment)
    return data.loader{ dataset = data.tensors{ x = x }, batch_size = 64, pictures = "x", dtype = "u8", order = data.order.sequential(64), augment = augment }
  end
  local flipped, n = make{ flip_x = true }:next().x, 0
  for i = 1, 64 do
    local mirrored = vt.json.encode(flipped[i]:totable()) == vt.json.encode(x[i]:flip(3):totable())
    if mirrored then n = n + 1 else t.equal(flipped[i]:totable(), x[i]:totable()) end
  end
  assert(n > 16 and n < 48, n)
  local shifted = make{ shift = 1 }:next().x
  for i = 1, 8 do
    local found = false
    for dy = -1, 1 do
      for dx = -1, 1 do
        local inner = shifted[{ i, {}, { 2, 7 }, { 2, 7 } }]:totable()
        found = found or vt.json.encode(inner) == vt.json.encode(x[{ i, {}, { 2 + dy, 7 + dy }, { 2 + dx, 7 + dx } }]:totable())
      end
    end
    assert(found, "picture " .. i)
  end
  local small = make{ scale_min = 0.5, scale_max = 0.5 }:next().x
  t.equal({ small[{ 1, 1, 1, 1 }]:item(), small[{ 1, 1, 8, 8 }]:item() }, { 255, 255 })
  local some = make{ flip_x = true, share = 0.5 }:next().x
  assert(vt.json.encode(some:totable()) ~= vt.json.encode(flipped:totable()))
  t.raises("unknown augmentation 'rotate'", make, { rotate = 1 })
  t.raises("scale 0.01", make, { scale_min = 0.01, scale_max = 1 })
end)

t.test("a folder of pictures is read ahead; a bad file is named, and the next batch comes", function()
  local folder = t.folder()
  assert(os.execute(("mkdir '%s/red' '%s/blue'"):format(folder, folder)))
  for i = 1, 3 do
    t.write(("%s/red/%d.png"):format(folder, i), vt.png.encode(20, 10, 3, ("\255\0\0"):rep(200)))
    t.write(("%s/blue/%d.png"):format(folder, i), vt.png.encode(10, 20, 4, ("\0\0\255\255"):rep(200)))
  end
  local ds = data.folder(folder)
  local loader <close> = data.loader{ dataset = ds, batch_size = 2, width = 4, height = 4, order = data.order.sequential(6) }
  for batch in loader:batches() do
    for i, y in ipairs(batch.y:totable()) do
      local corner = (batch.x[{ i, {}, 1, 1 }] * 1000):round():totable()
      t.equal({ ds.classes[y + 1], corner }, y == 0 and { "blue", { 0.0, 0.0, 1000.0 } } or { "red", { 1000.0, 0.0, 0.0 } })
    end
  end
  local contained <close> = data.loader{ dataset = ds, batch_size = 6, width = 4, height = 4, fit = "contain", background = 0xff00ff00, order = data.order.sequential(6) }
  t.equal((contained:next().x[{ 6, {}, 1, 1 }] * 1000):round():totable(), { 0.0, 1000.0, 0.0 })
  t.write(folder .. "/red/1.png", "no picture")
  os.remove(folder .. "/blue/2.png")
  local broken <close> = data.loader{ dataset = ds, batch_size = 2, width = 4, height = 4, order = data.order.sequential(6), threads = 2 }
  t.equal(t.raises("blue/2.png", broken.next, broken).name, "VT_ERR_NOT_FOUND")
  t.equal(t.raises("red/1.png: image: neither a PNG nor a JPEG", broken.next, broken).name, "VT_ERR_FORMAT")
  t.equal(broken:next().y:totable(), { 1, 1 })
  t.raises("need width and height", data.loader, { dataset = ds, batch_size = 1 })
end)

t.test("files that are cut short while they are read ahead cost a batch, not the process", function()
  local folder, big, files = t.folder(), vt.png.encode(300, 300, 3, ("\255\1\7"):rep(90000)), {}
  for i = 1, 4 do
    files[i] = ("%s/%d.png"):format(folder, i)
    t.write(files[i], big)
  end
  local loader <close> = vt.loader{ files = files, width = 4, height = 4, threads = 2, depth = 2 }
  for round = 1, is_slow and 3 or 60 do
    loader:submit(vt.tensor{ 0, 1, 2, 3 }, round)
    for _, file in ipairs(files) do t.write(file, "cut") end
    local ok, err = pcall(loader.next, loader)
    assert(ok or err.name == "VT_ERR_FORMAT" or err.name == "VT_ERR_LIMIT", err)
    for _, file in ipairs(files) do t.write(file, big) end
  end
end)

t.test("vt.loader refuses what cannot be", function()
  local x = pictures(2)
  local function bad(part, opt, name)
    opt.pictures = opt.pictures or x
    local err = t.raises(part, vt.loader, opt)
    if name then t.equal(err.name, name) end
  end
  bad("share 2", { share = 2 }, "VT_ERR_INVALID")
  bad("pictures of 5000 x 8", { width = 5000 }, "VT_ERR_SHAPE")
  bad("must be [n, channels", { pictures = vt.zeros(3, 4) }, "VT_ERR_SHAPE")
  bad("dtype", { pictures = vt.zeros(1, 1, 2, 2, { dtype = "i64" }) }, "VT_ERR_DTYPE")
  bad("must be dense", { pictures = x:permute({ 1, 2, 4, 3 }) }, "VT_ERR_INVALID")
  t.raises("one of 'pictures' and 'files'", vt.loader, {})
  local loader = vt.loader{ pictures = x, depth = 1 }
  t.equal(t.raises("no batch was submitted", loader.next, loader).name, "VT_ERR_STATE")
  t.equal(t.raises("index 2 of 2", loader.submit, loader, vt.tensor{ 0, 2 }).name, "VT_ERR_INVALID")
  loader:submit(vt.tensor{ 1, 1, 0 })
  t.equal(t.raises("1 batches are under way", loader.submit, loader, vt.tensor{ 0 }).name, "VT_ERR_STATE")
  t.equal({ loader:count(), loader:next().shape }, { 2, { 3, 3, 8, 8 } })
  loader:submit(vt.tensor{ 0 })
  loader:close()
end)

t.test("a sandboxed script loads pictures of tensors, but opens no files unless it may", function()
  local script = vt.script()
  script:load("pictures", "local vt = require 'venturi'\nfunction f() local l = vt.loader{ pictures = vt.zeros(2, 1, 4, 4) } l:submit(vt.tensor{ 0 }) return l:next():count() end\n"
    .. "function g() return vt.loader{ files = { '/etc/hostname' }, width = 2, height = 2 } end\nfunction h() return vt.data.fetch.fetch('digits') end")
  t.equal(script:call("f"), 16)
  t.equal(t.raises("loader", script.call, script, "g").name, "VT_ERR_UNSUPPORTED")
  t.raises("", script.call, script, "h")
end)

t.done()
