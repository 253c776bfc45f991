--- Accounts of one reference file: cases passed and compared, the worst error against its tolerance, what was skipped.
-- Nothing in a file is trusted: a case in which no value could be compared has failed, and a NaN never passes.
local Report = {}
Report.__index = Report

local function new()
  return setmetatable({ passed = 0, cases = 0, values = 0, skipped = {}, complaints = {}, worst = nil }, Report)
end

local MOST_COMPLAINTS = 5

local function complain(self, text)
  if #self.complaints < MOST_COMPLAINTS then self.complaints[#self.complaints + 1] = text end
end

-- One comparison: the error and what it may be. The worst one is the largest in units of its tolerance.
local function book(self, what, err, tol, got, want)
  if not (math.type(tol) and tol >= 0 and tol < math.huge) then error(("%s: the tolerance %s is no number >= 0"):format(what, tostring(tol)), 0) end
  self.values = self.values + 1
  local ratio = err == 0 and 0 or err / tol
  if ratio ~= ratio then ratio = math.huge end
  if ratio > 1 then
    self.case_failed = true
    complain(self, ("%s: %s: got %s, want %s"):format(self.case_name, what, got, want))
  end
  if not self.worst or ratio > self.worst.ratio then self.worst = { ratio = ratio, err = err, tol = tol } end
end

local function is_list(v)
  return type(v) == "table" and (#v > 0 or next(v) == nil)
end

local function is_finite(v)
  return type(v) == "number" and v - v == 0
end

--- Numbers, or lists of numbers of any depth, within tol of each other.
function Report:close(what, got, want, tol)
  if type(want) == "table" then
    if not is_list(want) or #want == 0 then error(what .. ": the file has no list of numbers here", 0) end
    if type(got) ~= "table" or #got ~= #want then
      error(("%s: %s values instead of %d"):format(what, type(got) == "table" and #got or type(got), #want), 0)
    end
    for i = 1, #want do self:close(("%s[%d]"):format(what, i - 1), got[i], want[i], tol) end
    return
  end
  if not is_finite(want) then error(what .. ": the file has no number here", 0) end
  book(self, what, is_finite(got) and math.abs(got - want) or math.huge, tol, got, want)
end

--- Distance that the caller measured (units in the last place, say).
function Report:measured(what, err, tol, got, want)
  book(self, what, err == err and err or math.huge, tol, got, want)
end

--- Strings, integers or lists of them, equal.
function Report:same(what, got, want)
  if type(want) == "table" then
    if not is_list(want) then error(what .. ": the file has no list here", 0) end
    if type(got) ~= "table" or #got ~= #want then
      error(("%s: %s values instead of %d"):format(what, type(got) == "table" and #got or type(got), #want), 0)
    end
    if #want == 0 then self.values = self.values + 1 end
    for i = 1, #want do self:same(("%s[%d]"):format(what, i - 1), got[i], want[i]) end
    return
  end
  if type(want) ~= "string" and math.type(want) ~= "integer" then error(what .. ": the file has neither a string nor an integer here", 0) end
  book(self, what, got == want and 0 or math.huge, 0, got, want)
end

--- A condition that the rules of the family ask for; one value.
function Report:holds(what, condition)
  book(self, what, condition and 0 or math.huge, 0, "false", "true")
end

--- Runs one case: its comparisons happen inside f. An error in it fails the case.
function Report:case(name, f)
  self.cases, self.case_name, self.case_failed = self.cases + 1, name, false
  local before = self.values
  local ok, err = pcall(f)
  if not ok then
    if type(err) == "table" and err.name == "VT_ERR_CANCELLED" then error(err, 0) end
    self.case_failed = true
    complain(self, ("%s: %s"):format(name, tostring(err)))
  elseif self.values == before then
    self.case_failed = true
    complain(self, name .. ": nothing to compare")
  end
  if not self.case_failed then self.passed = self.passed + 1 end
end

--- Notes a case that this version does not support yet.
function Report:skip(name)
  self.skipped[#self.skipped + 1] = name
end

--- "passed", "failed", or "skipped" when every case was.
function Report:status()
  if self.cases == 0 and #self.skipped > 0 then return "skipped" end
  return self.cases > 0 and self.values > 0 and self.passed == self.cases and "passed" or "failed"
end

--- The account in one line.
function Report:line(file)
  local worst = self.worst or { err = 0, tol = 0 }
  local text = ("%s: passed %d of %d, worst error %.3g (tolerance %.3g), compared %d values"):format(file, self.passed, self.cases, worst.err,
    worst.tol, self.values)
  if #self.skipped > 0 then text = ("%s, %d skipped: %s"):format(text, #self.skipped, table.concat(self.skipped, " ")) end
  return text
end

return { new = new }
