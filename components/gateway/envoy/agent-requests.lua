-- Limits how many requests an agent has at once, and how fast it begins them. The virtual host's metadata says how many each
-- agent may have; it is part of the routes, and changes with them. `in_routes` is the function in in-routes.lua.
-- The script only decides. The next filter, Envoy's fault filter, holds and refuses requests by the headers that it gets here.

local WORKERS = @workers@
local DELAY = "x-envoy-fault-delay-request"
local REFUSAL = "x-envoy-fault-abort-request"
-- The fault filter takes this one too, and answers 200 with it.
local GRPC_REFUSAL = "x-envoy-fault-abort-grpc-request"

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

-- When each caller's next request may begin, and when its next refusal may be sent, in ms.
local begins, refusals = {}, {}

-- A caller that did nothing for a second may do what it missed at once.
local SAVED_MS = 1000

-- Longest wait. Claude Code waits 10 minutes for an answer.
local LONGEST_MS = 10000

-- Takes the caller's next turn. Returns in how many ms it comes; less than 1 if the caller is within its rate.
local function take_turn(turns, caller, per_second, now)
  local turn = turns[caller] or 0
  -- It is so far away only if the clock was set back.
  if turn < now - SAVED_MS or turn > now + 2 * LONGEST_MS then turn = now - SAVED_MS end
  if turn < now + LONGEST_MS then turns[caller] = turn + 1000 / per_second end
  return turn - now
end

-- A collection takes about 0.6 ms, in which the worker does nothing else. So the next one waits: after one that found no
-- ended request, and longer if the agent ignores refusals. The clock can be set back.
local PAUSE_MS, PAUSE_OF_FLOOD_MS = 10, 250
local collected = 0

local function is_full(agent, requests, share, now)
  if count(requests) < share then return false end
  local flood = (refusals[agent] or 0) > now
  if math.abs(now - collected) < (flood and PAUSE_OF_FLOOD_MS or PAUSE_MS) then return true end
  collect()
  local full = count(requests) >= share
  if full or flood then collected = now end
  return full
end

local function set(headers, name, number)
  -- Otherwise the client could lower the share of requests to which the header applies.
  headers:remove(name .. "-percentage")
  headers:replace(name, string.format("%d", number))
end

function envoy_on_request(handle)
  local headers = handle:headers()
  headers:remove(DELAY)
  headers:remove(REFUSAL)
  headers:remove(GRPC_REFUSAL)
  local metadata = handle:streamInfo():dynamicMetadata()
  local found = metadata:get("gateway")
  local agent = found and found["agent"]
  local limits = in_routes(handle)
  local default = limits["default"]
  if default == nil then return end
  local limit = agent and limits["agents"] and limits["agents"][agent] or default
  local now = handle:timestamp()
  local turns = begins
  -- Each worker counts its own requests, so each has its share of the limit.
  if agent ~= nil then
    local requests = requests_of(agent)
    if is_full(agent, requests, math.ceil(limit / WORKERS), now) then
      metadata:set("gateway", "refused", "too many requests")
      metadata:set("gateway", "limit", string.format("%d", limit))
      set(headers, REFUSAL, 429)
      -- A client that repeats them at once would otherwise keep the worker busy with refusals.
      turns = refusals
    else
      requests[handle] = true
    end
  end
  -- Without an agent's token, each pod has a rate. An agent's name is no address.
  local caller = agent or handle:streamInfo():downstreamDirectRemoteAddress():match("^(.*):%d+$") or ""
  local wait = take_turn(turns, caller, math.max(limit, default) / WORKERS, now)
  if wait >= 1 then set(headers, DELAY, wait) end
end
