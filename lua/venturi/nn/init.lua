--- Neural networks: `local nn = vt.nn`. A module is a table with parameters, buffers and other modules as fields, called like a function.
--
--     nn.seed(1)
--     local net = nn.Sequential{ nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10) }
--     local logits = net(x)
--
-- Names of parameters are paths, "0.weight"; places in lists count from 0, so that files of weights have the names that PyTorch gives them.
local M = {}

local files = {
  activation = { "ReLU", "GELU", "SiLU", "Tanh", "Sigmoid", "LeakyReLU", "Softplus", "Mish" },
  container = { "Sequential", "ModuleList", "Residual", "Lambda" },
  linear = { "Linear", "Embedding" },
  conv = { "Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d" },
  norm = { "LayerNorm", "RMSNorm", "GroupNorm", "InstanceNorm", "BatchNorm" },
  shape = { "Flatten", "Upsample", "MaxPool2d", "AvgPool2d", "PixelShuffle", "PixelUnshuffle" },
  dropout = { "Dropout" },
  attention = { "MultiheadAttention", "TransformerBlock", "MLP" },
  gpt = { "GPT" },
  embed = { "TimeEmbedding", "PatchEmbedding", "positions_2d" },
  residual = { "ResBlock" },
  unet = { "UNet" },
  dit = { "DiT" },
  vit = { "ViT" },
  vq = { "VQ" },
  module = { "Module", "class", "is_module" },
  random = { "seed" },
}

local where = { init = "initializers", wta = "wta" }
local whole = { init = true, wta = true } -- names of modules, not of what is in them
for file, names in pairs(files) do
  for _, name in ipairs(names) do where[name] = file end
end

return setmetatable(M, { __index = function(t, name)
  local file = where[name]
  if not file then return nil end
  local module = require("venturi.nn." .. file)
  local value = whole[name] and module or module[name]
  rawset(t, name, value)
  return value
end })
