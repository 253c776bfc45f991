--- Asserts for scripts and recipes: each raises with the caller's line when it does not hold.
local M = {}

local function fail(message, ...)
  error(message:format(...), 3)
end

--- a == b, tables compared by content.
function M.equal(got, want, what)
  local function same(a, b)
    if a == b then return true end
    if type(a) ~= "table" or type(b) ~= "table" then return false end
    for k, v in pairs(a) do
      if not same(v, b[k]) then return false end
    end
    for k in pairs(b) do
      if a[k] == nil then return false end
    end
    return true
  end
  if not same(got, want) then fail("%s: got %s, want %s", what or "not equal", tostring(got), tostring(want)) end
end

--- |got - want| <= atol + rtol * |want|; NaN is close to nothing.
function M.close(got, want, atol, rtol, what)
  local within = math.abs(got - want) <= (atol or 0) + (rtol or 0) * math.abs(want)
  if not within then fail("%s: got %.17g, want %.17g", what or "not close", got, want) end
end

--- f(...) raises an error whose text contains `part`.
-- @return the error
function M.raises(part, f, ...)
  local ok, err = pcall(f, ...)
  if ok then fail("no error, want one with '%s'", part) end
  if not tostring(err):find(part, 1, true) then fail("want an error with '%s', got '%s'", part, tostring(err)) end
  return err
end

return M
