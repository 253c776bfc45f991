--- Data sets: fields of equal length, a tensor each, or pictures that are read from files when a loader asks for them.
-- An object is { count, fields = name -> tensor, and what its maker knows: classes, items, names }. Indices count from 0, as all values in tensors do.
local vt = require "venturi"

local M = {}
local Dataset = {}
Dataset.__index = Dataset

local function is_tensor(value)
  return type(value) == "userdata" and pcall(function() return value.shape[1] end) and value.ndim > 0
end

--- A data set of tensors whose first extents are equal.
-- @tparam table fields name -> tensor
-- @tparam[opt] table facts what else the object has: classes (list of names), items (a list, one an example) ...
function M.tensors(fields, facts)
  local ds, names = setmetatable({ fields = {} }, Dataset), {}
  for key, value in pairs(facts or {}) do ds[key] = value end
  for name in pairs(fields) do names[#names + 1] = tostring(name) end
  table.sort(names)
  for _, name in ipairs(names) do
    local tensor = fields[name]
    if not is_tensor(tensor) then error(("data.tensors: field '%s' must be a tensor of one dimension or more, got %s"):format(name, type(tensor)), 2) end
    local n = tensor.shape[1]
    if ds.count and n ~= ds.count then
      vt.fail("VT_ERR_SHAPE", ("data.tensors: '%s' has %d examples, '%s' has %d"):format(names[1], ds.count, name, n))
    end
    ds.count, ds.fields[name] = n, tensor
  end
  if not ds.count then error("data.tensors: no fields", 2) end
  return ds
end

--- Arrays of .npy files: { x = "x.npy", y = "y.npy" }.
function M.npy(paths)
  local fields = {}
  for name, path in pairs(paths) do fields[name] = vt.load(path) end
  return M.tensors(fields)
end

-- Classes of labels in the order of their names, and the label of each as a number.
local function classes_of(labels)
  local seen, classes, index, ids = {}, {}, {}, {}
  for _, label in ipairs(labels) do
    if not seen[label] then seen[label], classes[#classes + 1] = true, label end
  end
  table.sort(classes)
  for i, class in ipairs(classes) do index[class] = i - 1 end
  for i, label in ipairs(labels) do ids[i] = index[label] end
  return classes, ids
end

--- The text of a CSV file: x is f32 [n, columns]; y the classes of the column of labels, where there is one.
-- @tparam string text
-- @tparam[opt] table opt as vt.csv.numbers: separator, header, label
function M.csv(text, opt)
  local t = vt.csv.numbers(text, opt)
  local fields = { x = vt.from_string(t.data, "f64", { t.n, t.dim }):cast("f32") }
  local classes, ids
  if t.labels then
    classes, ids = classes_of(t.labels)
    fields.y = vt.tensor(ids, { dtype = "i64" })
  end
  return M.tensors(fields, { classes = classes, columns = t.names })
end

local endings = { png = true, jpg = true, jpeg = true }

--- Pictures (PNG, JPEG) of a folder whose sub-folders are the classes; pictures that lie in no sub-folder are refused unless none has one, and then there
-- are no classes. Only names are read now; a loader reads, shrinks and augments the files.
-- @tparam string path
-- @treturn table data set with fields y (i64), classes, files (list of paths)
function M.folder(path)
  local folder = vt.folder(path)
  local files, labels, loose = {}, {}, nil
  local names = {}
  for _, name in ipairs(folder:files()) do names[#names + 1] = type(name) == "table" and name.name or name end
  table.sort(names)
  for _, name in ipairs(names) do
    local ending = name:match("%.(%w+)$")
    if ending and endings[ending:lower()] then
      files[#files + 1] = path .. "/" .. name
      labels[#labels + 1] = name:match("^([^/]+)/")
      if #labels < #files then loose = name end
      if loose and #labels > 0 then vt.fail("VT_ERR_FORMAT", ("data.folder: %s: '%s' lies in no sub-folder, others do"):format(path, loose)) end
    end
  end
  if #files == 0 then vt.fail("VT_ERR_NOT_FOUND", ("data.folder: no .png, .jpg or .jpeg in %s"):format(path)) end
  local ds = setmetatable({ fields = {}, count = #files, files = files }, Dataset)
  if not loose then
    local classes, ids = classes_of(labels)
    ds.classes, ds.fields.y = classes, vt.tensor(ids, { dtype = "i64" })
  end
  return ds
end

--- The examples at these indices, a vector or a list: a new data set.
function Dataset:select(indices)
  if type(indices) == "table" then indices = vt.tensor(indices, { dtype = "i64" }) end
  local ds = setmetatable({}, Dataset)
  for key, value in pairs(self) do ds[key] = value end
  ds.fields, ds.count = {}, indices.shape[1]
  for name, tensor in pairs(self.fields) do ds.fields[name] = tensor[indices] end
  for _, name in ipairs{ "files", "items" } do
    if self[name] then
      ds[name] = {}
      for i, index in ipairs(indices:totable()) do ds[name][i] = self[name][index + 1] end
    end
  end
  return ds
end

--- Two data sets of all examples in random order: the first has floor(share n) of them.
-- @tparam number share between 0 and 1
-- @tparam table opt { seed }
function Dataset:split(share, opt)
  opt = vt.options("split", { seed = 0 }, opt)
  if not (share > 0 and share < 1) then error("split: the share must be between 0 and 1", 2) end
  local order, n = vt.randperm(self.count, { seed = opt.seed }), math.floor(self.count * share)
  if n == 0 then vt.fail("VT_ERR_SHAPE", ("split: a share of %g of %d examples is none"):format(share, self.count)) end
  return self:select(order[{ { 1, n } }]:copy()), self:select(order[{ { n + 1, self.count } }]:copy())
end

--- The examples for which keep(item, index) holds, of a set with items.
function Dataset:where(keep)
  if not self.items then error("where: the data set has no items", 2) end
  local indices = {}
  for i, item in ipairs(self.items) do
    if keep(item, i - 1) then indices[#indices + 1] = i - 1 end
  end
  if #indices == 0 then vt.fail("VT_ERR_NOT_FOUND", "where: no example is left") end
  return self:select(indices)
end

return M
