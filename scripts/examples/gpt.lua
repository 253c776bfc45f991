--- A small GPT learns a book byte by byte and goes on with a line of it.
--- venturi run scripts/examples/gpt.lua [--text FILE] [--steps 2000] [--checkpoint gpt.run] [--out gpt.svg] [--prompt "The package"] [--temperature 0.7] [--write 400]
---   [--save gpt.safetensors] [--width 128] [--depth 4] [--context 128] [--batch 16] [--lr 2e-3] [--dropout 0.1] [--seed 1] [--quick]
-- Without a file the text is The Debian Administrator's Handbook (`venturi data fetch handbook`, a package of 34 MB). Bits a byte are those of the last tenth of the
-- text, which is not trained on. With --checkpoint a run that was ended goes on from where it was, and one that is over only writes.
local vt = require "venturi"
local nn = vt.nn

local defaults = { text = "", steps = 2000, prompt = "The package", temperature = 0.7, write = 400, seed = 1, width = 128, depth = 4, heads = 4, context = 128, batch = 16,
  dropout = 0.1, lr = 2e-3, save = "", checkpoint = "", out = "" }
local smaller = { steps = 60, width = 64, depth = 2, context = 64, write = 80 }
local opt, given, quick = {}, {}, false
local at = 1
while arg[at] do
  local name = arg[at]:match "^%-%-(.+)$"
  if name == "quick" then
    quick, at = true, at + 1
  elseif name and defaults[name] then
    local value = arg[at + 1] or error(("--%s needs a value"):format(name), 0)
    if type(defaults[name]) == "number" then value = tonumber(value) or error(("--%s: '%s' is no number"):format(name, value), 0) end
    given[name], at = value, at + 2
  else
    error(("unknown argument '%s'"):format(arg[at]), 0)
  end
end
for name, value in pairs(defaults) do opt[name] = given[name] or quick and smaller[name] or value end
if opt.prompt == "" or opt.temperature <= 0 then error("a prompt of a byte or more and a temperature above 0 are needed", 0) end

local text = opt.text ~= "" and assert(io.open(opt.text, "rb")):read "a" or vt.data.load("handbook").en
local bytes = vt.from_string(text, "u8", { #text }):cast("i64")
local cut, span = #text * 9 // 10, opt.context + 1
if #text - cut <= span then error(("the text has %d bytes; its last tenth must be longer than the %d that the net looks at"):format(#text, span), 0) end

nn.seed(opt.seed)
local net = nn.GPT{ vocab = 256, context = opt.context, width = opt.width, depth = opt.depth, heads = opt.heads, dropout = opt.dropout }

-- Bytes of the text from some places on, [places, span].
local function windows(starts) return bytes[starts:unsqueeze{ dim = 2 } + vt.arange(span)] end

local function loss(model, rows)
  local x, y = rows:slice{ dim = 2, stop = opt.context }, rows:slice{ dim = 2, start = 1 }
  return vt.op.cross_entropy(model(x):reshape{ -1, 256 }, y:reshape{ -1 })
end

-- Over at most 512 windows, evenly spread over the rest of the text.
local function bits_of_rest(model)
  local apart = math.max(opt.context, (#text - span - cut) // 512)
  local starts, sum = {}, 0
  for from = cut, #text - span, apart do starts[#starts + 1] = from end
  for first = 1, #starts, opt.batch do
    local list = table.move(starts, first, math.min(first + opt.batch - 1, #starts), 1, {})
    sum = sum + loss(model, windows(vt.tensor(list, { dtype = "i64" }))):item() * #list
  end
  return { bits = sum / #starts / math.log(2) }
end

-- Draws bytes one after the other, sharper than the net says where the temperature is below 1.
local function go_on(prompt, count)
  net:eval()
  local said = prompt
  vt.no_grad(function()
    for k = 1, count do
      local tail = said:sub(-opt.context)
      local p = (net(vt.from_string(tail, "u8", { 1, #tail }):cast("i64")):select{ dim = 2, index = #tail - 1 } / opt.temperature):softmax{ dim = 2 }
      said = said .. string.char(vt.op.multinomial(p, { n = 1, seed = opt.seed, stream = k }):item())
    end
  end)
  return said
end

-- Points of losses (bits, in training) and measures.
local function chart(result)
  local train, rest = {}, {}
  for i, l in ipairs(result.losses) do train[i] = { l[1], l[2] / math.log(2) } end
  for i, m in ipairs(result.measures) do rest[i] = { m.step, m.bits } end
  local file = assert(io.open(opt.out, "w"))
  file:write(vt.plot.lines{ title = "A GPT learns a book", x = { label = "step" }, y = { label = "bits a byte" },
    series = { { name = "trained on", points = train, marks = false }, { name = "the last tenth", points = rest } } })
  file:close()
  print("chart: " .. opt.out)
end

local began = os.clock()
local result = vt.train.fit(net, {
  steps = opt.steps, progress = not quick, clip = 1, validate = bits_of_rest, validate_every = math.max(1, opt.steps // 8),
  checkpoint = opt.checkpoint ~= "" and opt.checkpoint, every = math.max(1, opt.steps // 40),
  optimizer = vt.optim.AdamW(net:parameters(), { lr = opt.lr, beta2 = 0.95, weight_decay = 0.1 }),
  schedule = vt.optim.schedule{ kind = "rex", lr = opt.lr, total = opt.steps, warmup = opt.steps // 20 },
  batch = function(step) return windows(vt.randint(opt.batch, { seed = opt.seed, stream = step, high = cut - span })) end,
  loss = loss,
})
print(("%d parameters, %d bytes of text, %d steps, %.1f s of the processor"):format(net:count(), #text, opt.steps, os.clock() - began))
for _, m in ipairs(result.measures) do print(("step %5d  %.3f bits a byte"):format(m.step, m.bits)) end
if #result.measures == 0 then print(("all steps were done before; %.3f bits a byte"):format(vt.no_grad(bits_of_rest, net:eval()).bits)) end
if opt.save ~= "" then net:save(opt.save) end
if opt.out ~= "" and #result.losses > 0 then chart(result) end
print(go_on(opt.prompt, opt.write))
