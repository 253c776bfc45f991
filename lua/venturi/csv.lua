--- Comma-separated values (RFC 4180): records of text, and tables of numbers.
-- Not here: writing, and decimal commas.
local vt = require "venturi"

local M = {}

local function fail(line, column, message, ...)
  local where = column and ("line %d, column %d"):format(line, column) or ("line %d"):format(line)
  vt.fail("VT_ERR_FORMAT", ("csv: %s: %s"):format(where, message:format(...)))
end

-- A field for a message: short, and nothing in it commands a terminal.
local function quote(field)
  return ("'%s'"):format((#field > 40 and field:sub(1, 40) .. "..." or field):gsub("%c", "?"))
end

-- The separator that the first line has most of, quoted text left out; a comma when it has none.
local function find_separator(text)
  local line = text:gsub('"[^"]*"', ""):match("^[^\r\n]*")
  local best, most = ",", 0
  for _, separator in ipairs{ ",", ";", "\t" } do
    local _, n = line:gsub(separator, "")
    if n > most then best, most = separator, n end
  end
  return best
end

-- The quoted field whose opening quote stands at `at`. Results: its text, the place behind the closing quote, line breaks in it.
local function quoted(text, at, line, column)
  local close = at
  repeat
    close = text:find('"', close + 1, true)
    if not close then fail(line, column, "a quote is never closed") end
    local doubled = text:byte(close + 1) == 34
    if doubled then close = close + 1 end
  until not doubled
  local inner = text:sub(at + 1, close - 1)
  local _, breaks = inner:gsub("\n", "")
  return inner:gsub('""', '"'), close + 1, breaks
end

--- Iterator over the records of a text: list of fields, number of the line it begins in. Empty lines are passed over.
-- @tparam string separator one character
function M.records(text, separator)
  local at, line = text:find("^\xef\xbb\xbf") and 4 or 1, 1
  local plain = ("^([^%s\r\n\"]*)()"):format(separator)
  return function()
    local record, first, column = {}, line, 0
    while at <= #text do
      column = column + 1
      local field, behind, breaks
      if text:byte(at) == 34 then
        field, behind, breaks = quoted(text, at, line, column)
        line = line + breaks
      else
        field, behind = text:match(plain, at)
      end
      record[column] = field
      local stop = text:sub(behind, behind)
      at = behind + 1
      if stop == "\r" and text:byte(at) == 10 then stop, at = "\n", at + 1 end
      if stop == "\n" or stop == "\r" or stop == "" then
        line = line + 1
        if column > 1 or field ~= "" then return record, first end
        record, first, column = {}, line, 0
      elseif stop ~= separator then
        fail(line, column, "%s where the field should end", quote(stop))
      elseif at > #text then
        record[column + 1] = ""
      end
    end
    if column > 0 then return record, first end
  end
end

-- A finite decimal number, or nil.
local function number(field)
  local value = not field:find("[xX]") and tonumber(field)
  return value and value - value == 0 and value + 0.0 or nil
end

local no_numbers = { nan = true, inf = true, infinity = true, na = true, ["n/a"] = true, null = true }

-- Text that names something: neither a number, nor what stands where a number is missing.
local function is_text(field)
  return field:find("%S") and not number(field) and not no_numbers[field:lower():match("^%s*[+-]?(.-)%s*$")]
end

-- Is the first record names rather than values? When it is text throughout, places without a name aside, and what follows is not.
local function looks_like_header(first, second)
  local numbers = 0
  for i, field in ipairs(first) do
    if field:find("%S") and not is_text(field) then return false end
    if second and second[i] and number(second[i]) then numbers = numbers + 1 end
  end
  return numbers > 0
end

-- Column of the labels: the one that was asked for by name or number; else the first with text in the record; 0: none.
local function label_column(wanted, names, record)
  if math.type(wanted) == "integer" then
    if wanted < 1 or wanted > #record then vt.fail("VT_ERR_NOT_FOUND", ("csv: no column %d, there are %d"):format(wanted, #record)) end
    return wanted
  end
  for i, name in ipairs(wanted and names or {}) do
    if name == wanted then return i end
  end
  if wanted then vt.fail("VT_ERR_NOT_FOUND", ("csv: no column is called '%s'"):format(wanted)) end
  for i, field in ipairs(record) do
    if is_text(field) then return i end
  end
  return 0
end

--- A table of numbers, in which one column may be text that names the rows. A first column without a name under a header is the index that data
-- frames are written with, and no number: it names the rows if nothing else does.
-- @tparam string text
-- @tparam table opt { separator = ",", ";" or "\t" (found), header = true or false (found), label = name or number of the column (the first with text) }
-- @treturn table { n, dim, dtype = "f64", data = packed float64 [n, dim], names = list or nil, labels = list or nil }
function M.numbers(text, opt)
  opt = opt or {}
  local separator = opt.separator or find_separator(text)
  local next_record = M.records(text, separator)
  local first, first_line = next_record()
  if not first then vt.fail("VT_ERR_FORMAT", "csv: no records") end
  local second, second_line = next_record()
  local header = opt.header
  if header == nil then header = looks_like_header(first, second) end
  local names = header and first or nil
  local record, line = first, first_line
  if header then record, line = second, second_line end
  if not record then vt.fail("VT_ERR_FORMAT", "csv: a header and no records") end

  local width, label = #record, label_column(opt.label, names, record)
  local index = names and not names[1]:find("%S") and 1 or 0
  if label == 0 then label = index end
  local dim = width - (label > 0 and 1 or 0) - (index ~= label and index or 0)
  if dim == 0 then fail(line, nil, "no column of numbers") end
  local format, rows, labels = ("<" .. ("d"):rep(dim)), {}, label > 0 and {} or nil
  while record do
    if #record ~= width then fail(line, nil, "%d fields, need %d", #record, width) end
    local row = {}
    for i, field in ipairs(record) do
      if i == label then
        labels[#labels + 1] = field
      elseif i ~= index then
        row[#row + 1] = number(field) or fail(line, i, "%s is not a finite number", quote(field))
      end
    end
    rows[#rows + 1] = format:pack(table.unpack(row))
    if record == first then
      record, line = second, second_line
    else
      record, line = next_record()
    end
  end
  if names and label > 0 then table.remove(names, label) end
  if names and index ~= label and index > 0 then table.remove(names, index) end
  return { n = #rows, dim = dim, dtype = "f64", data = table.concat(rows), names = names, labels = labels }
end

return M
