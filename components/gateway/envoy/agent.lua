-- Finds out which agent sends a request. The virtual host's metadata maps tokens to agents' names; it is part of the
-- routes, and changes with them. The script writes the agent's name into dynamic metadata, which no client can write,
-- and the routes match on it. If the script fails, the request has no agent and is refused. `in_routes` is the function in
-- in-routes.lua.

-- The scheme is case-insensitive (RFC 9110, 11.1); the token is case-sensitive.
local function bearer(authorization)
  local scheme, token = authorization:match("^(%a+) +(%S+)$")
  if scheme ~= nil and scheme:lower() == "bearer" then return token end
  return nil
end

-- A client may use either header, depending on how its token is configured. Some clients send both.
local function agents_of(headers, names)
  local authorization, api_key = headers:get("authorization"), headers:get("x-api-key")
  local token = authorization and bearer(authorization)
  return token and names[token], api_key and names[api_key]
end

function envoy_on_request(handle)
  local one, other = agents_of(handle:headers(), in_routes(handle))
  local found = handle:streamInfo():dynamicMetadata()
  if one and other and one ~= other then
    found:set("gateway", "refused", "two agents")
  elseif one or other then
    found:set("gateway", "agent", one or other)
    handle:clearRouteCache()
    -- Reading the route's metadata makes Envoy find the route now, while x-forwarded-proto is still there. The next
    -- filter removes that header, and without it Envoy finds no route.
    handle:metadata()
  end
end
