-- The virtual host's metadata for this filter, as a table. Envoy copies all of it whenever a script reads it, whatever the
-- number of agents or prices, so each worker keeps the table while the routes keep their name, which is a hash of the
-- metadata. Routes of an earlier release have no name.
local kept, kept_name = nil, ""

local function in_routes(handle)
  local name = handle:streamInfo():routeName()
  if name == "" or name ~= kept_name then
    kept, kept_name = {}, name
    for key, value in pairs(handle:virtualHost():metadata()) do kept[key] = value end
  end
  return kept
end

