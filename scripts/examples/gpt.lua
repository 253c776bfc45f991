--- A small GPT learns a text byte by byte and goes on with a line of it.
--- venturi run scripts/examples/gpt.lua [--text FILE] [--steps 2000] [--prompt "Debian is"] [--save gpt.safetensors] [--quick]
-- Without a file the text is the Debian FAQ (`venturi data fetch faq`). Bits a byte are those of the last tenth of the text, which is not trained on.
local vt = require "venturi"
local nn = vt.nn

local opt = { steps = 2000, prompt = "Debian is", seed = 1, width = 128, depth = 4, context = 128, batch = 16 }
local quick, i = false, 1
while arg[i] do
  local name = arg[i]:match "^%-%-(.+)$"
  if name == "quick" then
    quick, i = true, i + 1
  elseif name == "text" or name == "save" or (name and opt[name]) then
    opt[name], i = tonumber(arg[i + 1]) or arg[i + 1], i + 2
  else
    error(("unknown argument '%s'"):format(arg[i]), 0)
  end
end
if quick then opt.steps, opt.width, opt.depth, opt.context = math.min(opt.steps, 60), 64, 2, 64 end

local text = opt.text and assert(io.open(opt.text, "rb")):read "a" or vt.data.load("faq").en
local bytes = vt.from_string(text, "u8", { #text }):cast("i64")
local cut, span = #text * 9 // 10, opt.context + 1
if #text - cut <= span then error(("the text has %d bytes; the net looks at %d at a time"):format(#text, span), 0) end

nn.seed(opt.seed)
local net = nn.GPT{ vocab = 256, context = opt.context, width = opt.width, depth = opt.depth, heads = 4, dropout = 0.1 }

-- Bytes of the text from some places on, [places, span].
local function windows(starts) return bytes[starts:unsqueeze{ dim = 2 } + vt.arange(span)] end

local function loss(model, rows)
  local x, y = rows:slice{ dim = 2, stop = opt.context }, rows:slice{ dim = 2, start = 1 }
  return vt.op.cross_entropy(model(x):reshape{ -1, 256 }, y:reshape{ -1 })
end

local function bits_of_rest(model)
  local sum, n = 0, 0
  for from = cut, #text - span, opt.context * opt.batch do
    local list = {}
    for b = 0, opt.batch - 1 do
      if from + b * opt.context <= #text - span then list[#list + 1] = from + b * opt.context end
    end
    sum, n = sum + loss(model, windows(vt.tensor(list, { dtype = "i64" }))):item() * #list, n + #list
  end
  return { bits = sum / n / math.log(2) }
end

local began = os.clock()
local lr = 2e-3
local result = vt.train.fit(net, {
  steps = opt.steps, progress = not quick, clip = 1, validate = bits_of_rest, validate_every = math.max(1, opt.steps // 4),
  optimizer = vt.optim.AdamW(net:parameters(), { lr = lr, beta2 = 0.95, weight_decay = 0.1 }),
  schedule = vt.optim.schedule{ kind = "rex", lr = lr, total = opt.steps, warmup = opt.steps // 20 },
  batch = function(step) return windows(vt.randint(opt.batch, { seed = opt.seed, stream = step, high = cut - span })) end,
  loss = loss,
})
print(("%d parameters, %d steps, %.1f s"):format(net:count(), opt.steps, os.clock() - began))
for _, m in ipairs(result.measures) do print(("step %5d  %.3f bits a byte"):format(m.step, m.bits)) end
if opt.save then net:save(opt.save) end

-- Draws bytes one after the other, a little sharper than the net says.
net:eval()
local said = opt.prompt
vt.no_grad(function()
  for k = 1, quick and 80 or 400 do
    local tail = said:sub(-opt.context)
    local ids = vt.from_string(tail, "u8", { 1, #tail }):cast("i64")
    local p = (net(ids):select{ dim = 2, index = #tail - 1 } / 0.8):softmax{ dim = 2 }
    said = said .. string.char(vt.op.multinomial(p, { n = 1, seed = opt.seed, stream = k }):item())
  end
end)
print(said)
