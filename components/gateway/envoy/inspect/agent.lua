-- Finds out which agent sends a request to an inspected host. Where the host's own token would be, the agent shows its
-- gateway token: as the token of Authorization (Bearer, GitHub's `token`, or alone), as the password or the user of Basic,
-- or in the header of the host's own kind. As in agent.lua, the virtual host's metadata maps tokens to names, the script
-- writes the name into dynamic metadata, and the routes match on it. A request whose tokens are of two agents has no agent.
local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function decoded(base64)
  local bits, count, bytes = 0, 0, {}
  for letter in base64:gsub("=+$", ""):gmatch(".") do
    local value = ALPHABET:find(letter, 1, true)
    if value == nil then return "" end
    bits, count = bits * 64 + value - 1, count + 6
    if count >= 8 then
      count = count - 8
      local unit = 2 ^ count
      bytes[#bytes + 1] = string.char(math.floor(bits / unit))
      bits = bits % unit
    end
  end
  return table.concat(bytes)
end

-- A longer value is no token of ours.
local MAX = 4096

local function tokens_of(value)
  if #value > MAX then return {} end
  local scheme, token = value:match("^(%a+) +(%S+)$")
  -- Cargo shows the token alone.
  if scheme == nil then return { value } end
  scheme = scheme:lower()
  if scheme == "bearer" or scheme == "token" then return { token } end
  if scheme ~= "basic" then return {} end
  local user, password = decoded(token):match("^([^:]*):(.*)$")
  return { password, user }
end

function envoy_on_request(handle)
  local headers, names = handle:headers(), in_routes(handle)
  local authorization = headers:get("authorization")
  local shown = authorization and tokens_of(authorization) or {}
  for _, name in ipairs(own_headers) do shown[#shown + 1] = headers:get(name) end
  local agent = nil
  for _, token in pairs(shown) do
    local name = names[token]
    if name and agent and name ~= agent then return end
    agent = name or agent
  end
  if agent then
    handle:streamInfo():dynamicMetadata():set("gateway", "agent", agent)
    handle:clearRouteCache()
    -- Finds the route now, as agent.lua explains.
    handle:metadata()
  end
end
