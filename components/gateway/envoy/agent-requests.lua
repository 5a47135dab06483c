-- Refuses a request of an agent that has too many at once. The virtual host's metadata says how many each agent may have;
-- it is part of the routes, and changes with them. `in_routes` is the function in in-routes.lua.

-- Each agent's requests. Lua gets no word of a request's end, but Envoy then releases the request's handle. The garbage
-- collector removes it, because the table does not hold it.
local open = {}

local function requests_of(agent)
  local requests = open[agent]
  if requests == nil then
    requests = setmetatable({}, { __mode = "k" })
    open[agent] = requests
  end
  return requests
end

local function count(requests)
  local number = 0
  for _ in pairs(requests) do number = number + 1 end
  return number
end

-- A handle has a finalizer: the first collection runs it, the second one removes the handle from the table.
local function collect()
  collectgarbage()
  collectgarbage()
end

-- After a collection that found no ended request, the next one waits, so that an agent that is over its limit does not keep
-- the worker busy. The clock can be set back.
local PAUSE_MS = 10
local in_vain = 0

local function is_full(requests, share, now)
  if count(requests) < share then return false end
  if math.abs(now - in_vain) < PAUSE_MS then return true end
  collect()
  if count(requests) < share then return false end
  in_vain = now
  return true
end

function envoy_on_request(handle)
  local metadata = handle:streamInfo():dynamicMetadata()
  local found = metadata:get("gateway")
  local agent = found and found["agent"]
  if agent == nil then return end
  local limits = in_routes(handle)
  local limit = limits["agents"] and limits["agents"][agent] or limits["default"]
  if limit == nil then return end
  local requests = requests_of(agent)
  -- Each worker counts its own requests, so each has its share of the limit.
  local share = math.ceil(limit / @workers@)
  if is_full(requests, share, handle:timestamp()) then
    metadata:set("gateway", "refused", "too many requests")
    metadata:set("gateway", "limit", string.format("%d", limit))
    handle:respond({ [":status"] = "429" }, "")
    return
  end
  requests[handle] = true
end
