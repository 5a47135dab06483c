-- Envoy's filter. It decides which responses to inspect, and reads their bodies; all other responses pass unbuffered.
-- `errors` is the module in errors.lua.

local MAX_BYTES = 32768

-- LiteLLM relays these headers of the upstream and never adds them itself, so a body that comes with one is the
-- upstream's, whatever it says. (Below 1.92 LiteLLM relays no headers of an error, and wraps the body.)
local function is_upstreams(headers)
  return headers:get("request-id") ~= nil or headers:get("cf-ray") ~= nil
end

-- "json", "text" or nil.
local function kind(headers)
  local encoding = headers:get("content-encoding")
  if encoding ~= nil and encoding ~= "identity" then return nil end
  local content_type = (headers:get("content-type") or ""):lower():match("^%s*([^;%s]*)")
  if content_type == "application/json" then return "json" end
  -- Text without this header is from LiteLLM's web server, not from LiteLLM's routes. Other text is the upstream's.
  if content_type == "text/plain" and headers:get("x-litellm-call-id") == nil then return "text" end
  return nil
end

-- The filter can wait for a body of declared length, so that it can still change the status.
local function rewrite_whole(handle, status, rewrite)
  local buffer = handle:body()
  if buffer == nil then return end
  local result = rewrite(status, buffer:getBytes(0, buffer:length()))
  -- Escapes can make a body grow. Envoy answers 500 if the body exceeds the listener's buffer.
  if result == nil or #result.body > 2 * MAX_BYTES then return end
  buffer:setBytes(result.body)
  -- Waiting for the body invalidates the headers object from before.
  local headers = handle:headers()
  headers:replace(":status", tostring(result.status))
  headers:replace("content-type", "application/json")
  if result.retry ~= nil then headers:replace("x-should-retry", result.retry) end
  if result.request_id ~= nil and headers:get("request-id") == nil then
    headers:replace("request-id", result.request_id)
  end
end

-- Envoy answers 500 if a filter waits for more than its buffer can hold. So this takes a body of unknown length out
-- of the stream chunk by chunk, and puts it back at the end, or as soon as it exceeds the limit. The headers have
-- already been sent then, so the status stays.
local function rewrite_json_stream(handle, status)
  local held, size, last = {}, 0, nil
  for chunk in handle:bodyChunks() do
    if held ~= nil then
      held[#held + 1] = chunk:getBytes(0, chunk:length())
      size = size + chunk:length()
      if size > MAX_BYTES then
        chunk:setBytes(table.concat(held))
        held = nil
      else
        chunk:setBytes("")
        last = chunk
      end
    end
  end
  if held == nil or last == nil then return end
  local text = table.concat(held)
  local result = errors.from_json(status, text)
  last:setBytes(result and result.body or text)
end

-- Any text becomes JSON, so the header can change before the text has arrived. Text over the limit is cut off.
local function rewrite_text_stream(handle, status)
  handle:headers():replace("content-type", "application/json")
  local held, size, last = {}, 0, nil
  for chunk in handle:bodyChunks() do
    local length = math.min(chunk:length(), MAX_BYTES - size)
    held[#held + 1] = chunk:getBytes(0, length)
    size = size + length
    chunk:setBytes("")
    last = chunk
  end
  if last ~= nil then last:setBytes(errors.from_text(status, table.concat(held)).body) end
end

function envoy_on_response(handle)
  local headers = handle:headers()
  local status = tonumber(headers:get(":status"))
  if status < 400 or is_upstreams(headers) then return end
  local body_kind = kind(headers)
  if body_kind == nil then return end
  local length = headers:get("content-length")
  if length == nil then
    local rewrite_stream = body_kind == "json" and rewrite_json_stream or rewrite_text_stream
    rewrite_stream(handle, status)
  elseif tonumber(length) <= MAX_BYTES then
    local rewrite = body_kind == "json" and errors.from_json or errors.from_text
    rewrite_whole(handle, status, rewrite)
  end
end
