-- Prepares the check of an agent's budget, and writes the message when a budget is spent. The virtual host's metadata says
-- which agents have a budget, and for which windows; it is part of the routes, and changes with them. `in_routes`
-- is the function in in-routes.lua.

function envoy_on_request(handle)
  local metadata = handle:streamInfo():dynamicMetadata()
  local found = metadata:get("gateway")
  local agent = found and found["agent"]
  local limits = agent and in_routes(handle)[agent]
  if limits == nil then return end
  -- The rate-limit filter asks about the windows that have an entry here.
  for window in pairs(limits) do metadata:set("budget", window, agent) end
end

local WINDOWS = { @windows@ }

-- Whether a window of that length ends at that time: windows are counted from 1970-01-01.
local function ends_at(window, time)
  local off = time % window.seconds
  return math.min(off, window.seconds - off) <= 60
end

-- The limit that the service named, of a window that ends when it said. If an agent's limit and that of all are equal, that
-- of all is meant, as in the order of the check.
local function reached(handle, limit, renewed)
  local metadata = handle:streamInfo():dynamicMetadata():get("gateway")
  local agent = metadata and metadata["agent"]
  local budgets = in_routes(handle)
  local whose, amount
  for _, window in ipairs(WINDOWS) do
    for _, name in ipairs({ agent, "@agent@" }) do
      local limits = budgets[name]
      local one = limits and limits[window.name]
      if one ~= nil and one["limit"] == limit and ends_at(window, renewed) then
        whose, amount = name, one["amount"]
      end
    end
  end
  if whose == nil then return nil end
  local who = whose == "@agent@" and "all agents together" or "agent " .. whose
  return "the budget of " .. who .. ", " .. amount .. ", is spent"
end

-- The nearest whole minute, in seconds: windows end on one.
local function minute(milliseconds)
  return math.floor((milliseconds / 1000 + 30) / 60) * 60
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local limit, reset = headers:get("@limit@"), headers:get("@resetSeconds@")
  if limit == nil then return end
  headers:remove("@limit@")
  headers:remove("@remaining@")
  headers:remove("@resetSeconds@")
  if headers:get("@spent@") == nil then return end
  headers:remove("@spent@")
  -- While a changed limit is not yet everywhere, the service may name one that is not in the routes.
  local renewed = minute(handle:timestamp() + 1000 * tonumber(reset))
  local spent = reached(handle, tonumber(limit), renewed) or "a budget is spent"
  local at = os.date("!%Y-%m-%d %H:%M UTC", renewed)
  local message = "gateway: " .. spent .. ". It is renewed at " .. at .. "."
  handle:body():setBytes('{"type":"error","error":{"type":"rate_limit_error","message":"' .. message .. '"}}')
end
