--- Data for training: sets of examples, loaders that hand them out in batches, orders and mixtures, sets from packages.
-- `vt.data.tensors`, `npy`, `csv`, `folder` make data sets (venturi.data.dataset); `vt.data.load(name)` gives one of `vt.data.fetch.names()`.
-- `vt.data.loader{ dataset, batch_size, ... }` hands one out in batches; orders are `vt.data.order` and `vt.data.mixture`.
-- Modules: `vt.data.annotations`, `dataset`, `emoji`, `fetch`, `mixture`, `order`, `words`.
local vt = require "venturi"
local dataset = require "venturi.data.dataset"
local fetch = require "venturi.data.fetch"

local M = { tensors = dataset.tensors, npy = dataset.npy, csv = dataset.csv, folder = dataset.folder,
  loader = function(opt) return require("venturi.data.loader").new(opt) end }

local function digits(path)
  local file = vt.load(path .. "/data.safetensors")
  local most = path:find("mnist", 1, true) and 255 or 16
  local x = file.pictures:cast("f32") / most
  return dataset.tensors({ x = x, y = file.labels:copy() }, { classes = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" } })
end

local function emoji(path, opt)
  opt = vt.options("data.load", { size = 32, source = false, kind = false, split = false, focus = false }, opt)
  if opt.size ~= 32 and opt.size ~= 64 then error("data.load: size must be 32 or 64", 3) end
  if opt.split and opt.split ~= "train" and opt.split ~= "held" then error("data.load: split must be 'train' or 'held'", 3) end
  local pictures = vt.load(("%s/pictures%d.safetensors"):format(path, opt.size)).pictures
  local items = vt.json.decode(require("venturi.data.package").read(path .. "/items.json"))
  local ds = dataset.tensors({ x = pictures }, { items = items })
  local is_focus = require("venturi.data.emoji").is_focus
  return ds:where(function(item)
    return (not opt.focus or is_focus(item)) and (not opt.source or item.source == opt.source) and (not opt.kind or item.kind == opt.kind)
      and (not opt.split or (opt.split == "held") == item.held_out)
  end)
end

local function faq(path)
  local package_of = require "venturi.data.package"
  return { en = package_of.read(path .. "/en.txt"), de = package_of.read(path .. "/de.txt") }
end

local function handbook(path) return { en = require("venturi.data.package").read(path .. "/en.txt") } end

local loaders = { digits = digits, ["mnist-5k"] = digits, emoji = emoji, faq = faq, handbook = handbook }

--- A picture as a tensor [channels, height, width].
-- @tparam string bytes of a PNG or JPEG file
-- @tparam[opt] table opt { width, height (its own), dtype = "f32" (in [0, 1]) or "u8", background = 0xffRRGGBB under what is transparent (white), upright }
function M.picture(bytes, opt)
  opt = vt.options("data.picture", { width = false, height = false, dtype = "f32", background = 0xffffffff, upright = false }, opt)
  local image = vt.image(bytes, { upright = opt.upright })
  local width, height = opt.width or image.width, opt.height or image.height
  local pixels = image:resize{ width = width, height = height, dtype = opt.dtype, background = opt.background }
  return vt.from_string(pixels, opt.dtype, { height, width, 3 }):permute({ 3, 1, 2 }):copy()
end

--- A data set by name, fetched if it is not in the cache yet.
-- digits, mnist-5k: x f32 [n, 1, side, side] in [0, 1], y i64.
-- faq: { en = text, de = text }; handbook: { en = text }.
-- emoji: x u8 [n, 3, size, size], items; opt { size = 32 or 64, source = "noto", "openmoji" or "tux", kind = "plain", "flag" or "tone", split = "train" or
-- "held", focus = true: things that are easy to name at this size (data.emoji.is_focus) }, all there is of what is not said.
function M.load(name, opt)
  return (loaders[name] or fetch.fetch)(fetch.fetch(name), opt)
end

return setmetatable(M, { __index = function(t, name)
  local modules = { annotations = true, dataset = true, emoji = true, fetch = true, mixture = true, order = true, words = true }
  if not modules[name] then return nil end
  local module = require("venturi.data." .. name)
  rawset(t, name, module)
  return module
end })
