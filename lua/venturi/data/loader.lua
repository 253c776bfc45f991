--- Hands a data set out in batches, in an order, from any step on. Batches are a function of the data set, the order and (epoch, step): a loader whose state
-- was saved and restored goes on with the same numbers to the bit. Pictures are made ahead by threads of their own (vt.loader).
local vt = require "venturi"
local orders = require "venturi.data.order"

local M = {}
local Loader = {}
Loader.__index = Loader

local changes = { flip_x = true, flip_y = true, free_place = true, share = true, scale_min = true, scale_max = true, shift = true, brightness = true,
  contrast = true, saturation = true }

-- The native loader of the field with pictures; nil where tensors are all there is.
local function picture_loader(ds, opt)
  if not ds.files and not opt.pictures then
    if opt.augment then error("data.loader: augment needs the name of the field with pictures: pictures = \"x\"", 3) end
    return nil
  end
  local native = { threads = opt.threads, depth = opt.prefetch, seed = orders.seed_for(opt.seed, 1), fit = opt.fit }
  for _, key in ipairs{ "width", "height", "channels", "background", "dtype" } do native[key] = opt[key] or nil end
  for key, value in pairs(opt.augment or {}) do
    if not changes[key] then error(("data.loader: unknown augmentation '%s'"):format(tostring(key)), 3) end
    native[key] = value
  end
  if ds.files then
    if not (opt.width and opt.height) then error("data.loader: pictures from files need width and height", 3) end
    native.files, native.upright = ds.files, true
  else
    native.pictures = ds.fields[opt.pictures] or error(("data.loader: the data set has no field '%s'"):format(tostring(opt.pictures)), 3)
  end
  return vt.loader(native)
end

--- A loader.
-- @tparam table opt { dataset, batch_size, order (shuffled by the seed), seed = 0, drop_last = false, prefetch = 2, threads = 1;
--   pictures = field of u8 or f32 [n, channels, height, width] ("x" of files), width, height, channels, fit = "cover", background, dtype = "f32";
--   augment = { flip_x, flip_y, free_place, share, scale_min, scale_max, shift, brightness, contrast, saturation } }
function M.new(opt)
  opt = vt.options("data.loader", { dataset = false, batch_size = false, order = false, seed = 0, drop_last = false, prefetch = 2, threads = 1, pictures = false,
    width = false, height = false, channels = false, fit = "cover", background = false, dtype = "f32", augment = false }, opt)
  local ds = opt.dataset or error("data.loader: field 'dataset' is missing", 2)
  if math.type(opt.batch_size) ~= "integer" or opt.batch_size < 1 then error("data.loader: batch_size must be a positive integer", 2) end
  if math.type(opt.prefetch) ~= "integer" or opt.prefetch < 1 then error("data.loader: prefetch must be a positive integer", 2) end
  local order = opt.order or orders.shuffled(ds.count, { seed = opt.seed })
  if order.count ~= ds.count then vt.fail("VT_ERR_SHAPE", ("data.loader: an order of %d examples, the data set has %d"):format(order.count, ds.count)) end
  local steps = opt.drop_last and order.length // opt.batch_size or (order.length + opt.batch_size - 1) // opt.batch_size
  if steps == 0 then vt.fail("VT_ERR_SHAPE", ("data.loader: no whole batch of %d in %d examples"):format(opt.batch_size, order.length)) end
  local self = setmetatable({ dataset = ds, order = order, batch_size = opt.batch_size, steps = steps, epoch = 0, step = 0, depth = opt.prefetch,
    field = ds.files and "x" or opt.pictures, rounds = {}, queue = {}, seed = opt.seed }, Loader)
  self.native = picture_loader(ds, opt)
  return self
end

-- Indices of a batch.
function Loader:indices(epoch, step)
  local round = self.rounds[epoch]
  if not round then
    round = self.order:round(epoch)
    self.rounds[epoch] = round
  end
  local first = step * self.batch_size
  return round[{ { first + 1, math.min(first + self.batch_size, self.order.length) } }]:copy()
end

-- Asks for batches until as many are under way as may be.
function Loader:fill()
  local last = self.queue[#self.queue]
  local epoch, step = self.epoch, self.step
  if last then epoch, step = last.epoch, last.step + 1 end
  while #self.queue < self.depth do
    if step == self.steps then epoch, step = epoch + 1, 0 end
    local job = { epoch = epoch, step = step, index = self:indices(epoch, step) }
    self.native:submit(job.index, epoch)
    self.queue[#self.queue + 1] = job
    step = step + 1
  end
end

-- To the next epoch, if this one is at its end; what was kept of the one before goes.
function Loader:turn()
  if self.step < self.steps then return end
  self.rounds[self.epoch] = nil
  self.epoch, self.step = self.epoch + 1, 0
  if self.order.forget then self.order:forget(self.epoch) end
end

-- The pictures of the oldest batch that was asked for. A wait that was interrupted leaves it where it is.
function Loader:take()
  local pictures, err = vt.try(self.native.next, self.native)
  if err and err.name == "VT_ERR_CANCELLED" then error(err, 0) end
  return table.remove(self.queue, 1), pictures, err
end

--- The next batch: { index, epoch, step, and each field of the data set }. After the last one of an epoch comes the first of the next.
-- A picture that cannot be read is an error that names the file; the batch after it is next then.
function Loader:next()
  self:turn()
  local job, pictures, err
  if self.native then
    self:fill()
    job, pictures, err = self:take()
  else
    job = { epoch = self.epoch, step = self.step, index = self:indices(self.epoch, self.step) }
  end
  self.step = self.step + 1
  if err then error(err, 0) end
  local batch = { index = job.index, epoch = job.epoch, step = job.step }
  if self.field then batch[self.field] = pictures end
  for name, tensor in pairs(self.dataset.fields) do
    if batch[name] == nil then batch[name] = tensor[job.index] end
  end
  return batch
end

--- Iterator over what is left of the current epoch (over a whole one, at its end or beginning).
function Loader:batches()
  self:turn()
  local epoch = self.epoch
  return function()
    if self.epoch == epoch and self.step < self.steps then return self:next() end
  end
end

--- Where the loader is, a table of numbers for a checkpoint.
function Loader:state()
  local epoch, step = self.epoch, self.step
  if step == self.steps then epoch, step = epoch + 1, 0 end
  return { epoch = epoch, step = step, steps = self.steps, batch_size = self.batch_size, seed = self.seed, order = self.order:state(epoch) }
end

--- Goes on from a state, with batches equal to the bit. Refuses that of another data set, order or batch size.
function Loader:restore(state)
  for _, key in ipairs{ "steps", "batch_size", "seed" } do
    if state[key] ~= self[key] then
      vt.fail("VT_ERR_CONFLICT", ("data.loader: %s is %s, the state was saved with %s"):format(key, tostring(self[key]), tostring(state[key])))
    end
  end
  self.order:restore(state.order)
  while #self.queue > 0 do -- what was asked for is of no use any more, whatever became of it
    table.remove(self.queue, 1)
    vt.try(self.native.next, self.native)
  end
  self.epoch, self.step, self.rounds = state.epoch, state.step, {}
end

--- Ends the threads.
function Loader:close()
  if self.native then self.native:close() end
end
Loader.__close = Loader.close

return M
