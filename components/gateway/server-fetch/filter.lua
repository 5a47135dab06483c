-- Envoy's filter. It reads each request of an agent while it passes, and refuses one that would make the API's servers fetch
-- something. `scan` is the module in scan.lua.
--
-- A script cannot answer once the headers went on. But the next filter answers when a body grows over its limit. So the piece
-- in which something is found does not go on: a text over that limit takes its place. Nothing after it goes on either, and a
-- local reply gives the answer its form.

local OVER_LIMIT = @overLimit@

-- Made at the first refusal, and kept, because it is large.
local overflow

-- The API decompresses a body; a script cannot, so it cannot check one.
local function is_compressed(headers)
  for index = 0, headers:getNumValues("content-encoding") - 1 do
    local encoding = headers:getAtIndex("content-encoding", index):lower()
    if encoding ~= "" and encoding ~= "identity" then return true end
  end
  return false
end

local function refuse(handle, field, what)
  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set("@namespace@", "field", field)
  metadata:set("@namespace@", "message", what)
end

local function check(scanner, chunk)
  scanner:read(chunk:getBytes(0, chunk:length()))
end

-- Whether the body must not go on. If the check itself fails, it must not either.
local function must_stop(handle, scanner, chunk)
  local sound = pcall(check, scanner, chunk)
  local refused = scanner.refused
  if refused ~= nil then
    local tool = refused.tool and " " .. refused.tool:sub(1, 64):gsub("[^%w_.-]", "?") or ""
    refuse(handle, refused.field, refused.field .. tool .. " can make the API's servers fetch from outside, and egress.serverFetch is deny")
  elseif scanner.unreadable ~= nil or not sound then
    handle:streamInfo():dynamicMetadata():set("@namespace@", "unreadable", scanner.unreadable or "the check failed")
  else
    return false
  end
  return true
end

function envoy_on_request(handle)
  if is_compressed(handle:headers()) then
    refuse(handle, "content-encoding", "a compressed body cannot be checked while egress.serverFetch is deny: send it without content-encoding")
    handle:respond({ [":status"] = "403" })
  end
  local scanner = scan.new()
  for chunk in handle:bodyChunks() do
    if must_stop(handle, scanner, chunk) then
      overflow = overflow or string.rep(" ", OVER_LIMIT)
      chunk:setBytes(overflow)
      return
    end
  end
end
