-- Envoy's filter. It counts the tokens of answers to requests for messages while they pass, and writes them and their cost
-- into dynamic metadata. It changes, holds back and buffers no byte of an answer. `json`, `events`, `cost`, `iterations` and
-- `tally` are the modules in the files of that name. `in_routes` returns the filter's metadata in the routes: the prices.

local NAMESPACE = "meter"

-- Patterns of the paths of such requests. If one has a capture, that is the model.
local MESSAGE_PATHS = { @messagePaths@ }

-- Bounds a log line, because a client writes the path.
local MAX_MODEL_BYTES = 128

-- Envoy tells a script neither that a client left nor that a stream broke, so an estimate is published while it runs.
local TOKENS_PER_ESTIMATE = 32

-- For the charge of an answer that cannot be read: 4 bytes of the request count as a token, and a request that does not
-- tell its length has this one.
local BYTES_PER_TOKEN, UNTOLD_BYTES = 4, 40000

local MAX_MODELS_WARNED = 100

-- Models without a price that this worker has named in the log.
local warned, warned_count = {}, 0

local function warn_once(handle, model)
  if warned[model] or warned_count >= MAX_MODELS_WARNED then return end
  warned[model] = true
  warned_count = warned_count + 1
  handle:logWarn("model " .. model:gsub("[^%w%p]", "?") .. " has no price, so it costs as much as the dearest: set " ..
    "prices, see README")
end

-- Whether a request is for a message, and the model if the path names it.
local function is_messages(headers)
  if headers:get(":method") ~= "POST" then return false end
  local path = (headers:get(":path") or ""):match("^[^?#]*")
  for _, pattern in ipairs(MESSAGE_PATHS) do
    local found, _, model = path:find(pattern)
    if found ~= nil then return true, model and model:gsub("%%3[Aa]", ":"):sub(1, MAX_MODEL_BYTES) end
  end
  return false
end

-- What a budget is charged for a request unless its answer says what it costs.
local function charge_of_unread(handle, headers)
  local in_table = in_routes(handle)
  local bytes = tonumber(headers:get("content-length") or UNTOLD_BYTES)
  return cost.charge(bytes / BYTES_PER_TOKEN * in_table[in_table.dearest].input)
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local metadata = handle:streamInfo():dynamicMetadata()
  -- The rate-limit filter needs a number, also when it refuses the request.
  metadata:set(NAMESPACE, "charge", 0)
  local messages, model = is_messages(headers)
  if messages then
    if model ~= nil then metadata:set(NAMESPACE, "model", model) end
    -- Until something was read, so that an answer that cannot be read never counts as free.
    metadata:set(NAMESPACE, "result", "unmetered")
    metadata:set(NAMESPACE, "charge", charge_of_unread(handle, headers))
    -- A script cannot decompress an answer. A request without this header gets a plain answer anyway.
    if headers:get("accept-encoding") ~= nil then
      headers:remove("accept-encoding")
      headers:add("accept-encoding", "identity")
    end
  else
    metadata:set(NAMESPACE, "result", "free")
  end
end

-- "stream", "json" or nil, for an answer that cannot be read.
local function kind_of(headers)
  local encoding = headers:get("content-encoding")
  if encoding ~= nil and encoding:lower() ~= "identity" then return nil end
  local content_type = (headers:get("content-type") or ""):lower():match("^%s*([^;%s]*)")
  if content_type == "text/event-stream" then return "stream" end
  if content_type == "application/json" then return "json" end
  return nil
end

-- The prices of an answer's model.
local function look_up(handle, model)
  local in_table = in_routes(handle)
  local prices = cost.prices(model, function(name) return in_table[name] end)
  if prices ~= nil then return prices end
  warn_once(handle, model)
  return setmetatable({ fast_factor = in_table.fast_factor }, { __index = in_table[in_table.dearest] })
end

-- Returns a function that publishes what a tally knows. It writes only what has changed.
local function publisher(handle, counted)
  -- The prices of one answer stay the same, also if they are changed while it runs.
  local published, prices = {}, {}
  local function set(metadata, key, value)
    if published[key] == value then return end
    published[key] = value
    metadata:set(NAMESPACE, key, value)
  end
  return function()
    -- The script may not keep this object while it waits for more of the answer.
    local metadata = handle:streamInfo():dynamicMetadata()
    if not counted.known then
      if counted.failed then
        set(metadata, "result", "free")
        set(metadata, "charge", 0)
      end
      return
    end
    local parts, searches = counted:parts()
    local counts, micro_usd = {}, 0
    for _, part in ipairs(parts) do
      local model = part.model
      prices[model] = prices[model] or look_up(handle, model)
      micro_usd = micro_usd + cost.of(part.counts, prices[model], part.how)
      iterations.add(counts, part.counts)
    end
    if searches > 0 then
      micro_usd = micro_usd + searches * in_routes(handle).web_search
    end
    set(metadata, "result", "metered")
    set(metadata, "model", parts[1].model)
    for kind, count in pairs(counts) do set(metadata, kind, count) end
    set(metadata, "cost_usd", cost.usd(micro_usd))
    set(metadata, "charge", cost.charge(micro_usd))
    set(metadata, "estimated", not counted:complete())
  end
end

local function bytes_of(chunk)
  return chunk:getBytes(0, chunk:length())
end

local function meter_stream(handle, counted, publish)
  local next_estimate = 0
  local function on_event(values)
    if counted:take(values) then
      publish()
      next_estimate = counted:output() + TOKENS_PER_ESTIMATE
    end
  end
  local function on_delta(name, length)
    counted:delta(name, length)
  end
  local reader = events.reader(json.scanner(tally.wanted), on_event, on_delta)
  for chunk in handle:bodyChunks() do
    reader:feed(bytes_of(chunk))
    counted.pending = reader:pending()
    if counted:output() >= next_estimate then
      publish()
      next_estimate = counted:output() + TOKENS_PER_ESTIMATE
    end
  end
  -- The last event counts also if no empty line follows it.
  reader:end_of_event()
  counted.pending = reader:pending()
  publish()
end

local function meter_json(handle, counted, publish)
  local scanner = json.scanner(tally.wanted)
  for chunk in handle:bodyChunks() do
    local text = bytes_of(chunk)
    scanner:feed(text, 1, #text)
  end
  local values = scanner:values()
  if values ~= nil and counted:take(values) then publish() end
end

function envoy_on_response(handle)
  local metadata = handle:streamInfo():dynamicMetadata()
  local known = metadata:get(NAMESPACE)
  if known == nil or known.result ~= "unmetered" then return end
  local headers = handle:headers()
  -- Also Envoy's own answers, for example that a budget is spent.
  if tonumber(headers:get(":status")) >= 400 then
    metadata:set(NAMESPACE, "result", "free")
    metadata:set(NAMESPACE, "charge", 0)
    return
  end
  local kind = kind_of(headers)
  if kind == nil then return end
  local counted = tally.new(known.model)
  local meter = kind == "stream" and meter_stream or meter_json
  meter(handle, counted, publisher(handle, counted))
end
