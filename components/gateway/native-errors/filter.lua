-- Envoy's filter: which responses are looked at, and how they are read without holding back any other.
-- `errors` is the module of that name.

local MAX_BYTES = 32768

-- LiteLLM relays these headers of the upstream's and makes none of them up: a body that comes with one is the
-- upstream's, whatever its words. (Below 1.92 it relays no header of an error, and wraps the body.)
local function is_upstreams(headers)
  return headers:get("request-id") ~= nil or headers:get("cf-ray") ~= nil
end

-- "json", "text" or nil.
local function kind(headers)
  local encoding = headers:get("content-encoding")
  if encoding ~= nil and encoding ~= "identity" then return nil end
  local content_type = (headers:get("content-type") or ""):lower():match("^%s*([^;%s]*)")
  if content_type == "application/json" then return "json" end
  -- Only a response that LiteLLM's own routes did not see lacks this header: other text is the upstream's.
  if content_type == "text/plain" and headers:get("x-litellm-call-id") == nil then return "text" end
  return nil
end

-- A body of declared length can be waited for, so that the status may still change.
local function rewrite_whole(handle, status, rewrite)
  local buffer = handle:body()
  if buffer == nil then return end
  local result = rewrite(status, buffer:getBytes(0, buffer:length()))
  -- Escapes can make a body grow. What is over the listener's buffer, Envoy would make a 500 of.
  if result == nil or #result.body > 2 * MAX_BYTES then return end
  buffer:setBytes(result.body)
  -- Envoy's objects do not outlive a wait: the headers from before it may not be used any more.
  local headers = handle:headers()
  headers:replace(":status", tostring(result.status))
  headers:replace("content-type", "application/json")
  if result.retry ~= nil then headers:replace("x-should-retry", result.retry) end
  if result.request_id ~= nil and headers:get("request-id") == nil then
    headers:replace("request-id", result.request_id)
  end
end

-- Envoy answers 500 if it is made to wait for more than its buffer holds, so a body of unknown length is
-- taken out of the stream bit by bit and put back at its end, or as soon as there is too much of it. Its
-- headers are gone by then, so its status stays.
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

-- Text becomes JSON whatever it says, so the header can be changed before the text is there. What is over the limit
-- is left out.
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
