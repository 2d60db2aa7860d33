#!/usr/bin/lua5.4
-- Loads code from everywhere. Under the secure bits none of it may be loaded.
local function try(f, ...)
  local ok, chunk = pcall(f, ...)
  if ok and type(chunk) == "function" then
    pcall(chunk)
    os.exit(1)
  end
end
try(load, "os.execute('/bin/mark EVIL')")
try(load, string.dump(function() os.execute("/bin/mark EVIL") end))
try(loadfile, "/case/evil.lua")
if pcall(dofile, "/case/evil.lua") then os.exit(2) end
package.path = "/case/?.lua"
if pcall(require, "evil") then os.exit(3) end
os.exit(42)
