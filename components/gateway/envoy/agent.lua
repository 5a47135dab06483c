-- Finds out which agent sends a request. The virtual host's metadata holds the agents' names by their tokens; it
-- comes with the routes, and changes with them. What is found is written where no client can write, and the routes
-- ask for it there: a script that fails leaves the request without an agent, which is refused.

-- The scheme's letter case makes no difference (RFC 9110, 11.1); the token's does.
local function bearer(authorization)
  local scheme, token = authorization:match("^(%a+) +(%S+)$")
  if scheme ~= nil and scheme:lower() == "bearer" then return token end
  return nil
end

-- Either header will do: which one a client sends depends on how it was given the token, and some send both.
local function agents_of(headers, agent_of)
  local authorization, api_key = headers:get("authorization"), headers:get("x-api-key")
  local token = authorization and bearer(authorization)
  return token and agent_of:get(token), api_key and agent_of:get(api_key)
end

function envoy_on_request(handle)
  local one, other = agents_of(handle:headers(), handle:virtualHost():metadata())
  local found = handle:streamInfo():dynamicMetadata()
  if one and other and one ~= other then
    found:set("gateway", "refused", "two agents")
  elseif one or other then
    found:set("gateway", "agent", one or other)
    handle:clearRouteCache()
    -- To ask for the route's metadata makes Envoy find the route now, while x-forwarded-proto is there: without
    -- that header, which the next filter takes off, it finds none.
    handle:metadata()
  end
end
