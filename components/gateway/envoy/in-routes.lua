-- The virtual host's metadata for this filter, as a table. Envoy copies all of it whenever a script reads it, whatever the
-- number of agents or prices, so each worker keeps the table while the routes keep their name, which is a hash of the
-- metadata. Routes of an earlier release have no name, and neither has a request without a route.
local kept, kept_name = nil, nil

local function in_routes(handle)
  local name = handle:streamInfo():routeName()
  if name == kept_name then return kept end
  local all = {}
  for key, value in pairs(handle:virtualHost():metadata()) do all[key] = value end
  if name ~= "" then kept, kept_name = all, name end
  return all
end

