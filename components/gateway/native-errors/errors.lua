-- Tells LiteLLM's own errors from the upstream's, and restores the form in which the upstream would have sent them.
-- Based on bodies recorded from LiteLLM 1.91.0, 1.109.1 and 1.110.2. `json` is the module in json.lua.

local errors = {}

-- 503 is an api_error, because Claude Code keeps retrying those; it gives up after three overloaded_errors.
local TYPES = {
  [400] = "invalid_request_error", [401] = "authentication_error", [402] = "billing_error",
  [403] = "permission_error", [404] = "not_found_error", [405] = "not_found_error",
  [409] = "conflict_error", [413] = "request_too_large", [429] = "rate_limit_error",
  [503] = "api_error", [504] = "timeout_error", [529] = "overloaded_error",
}

-- LiteLLM's types that are more exact than its status, which is 400 both for a wrong key and for a spent budget.
local BY_LITELLM_TYPE = {
  auth_error = { status = 401, retry = "false" },
  expired_key = { status = 401, retry = "false" },
  no_db_connection = { status = 401, retry = "false" },
  token_not_found_in_db = { status = 401, retry = "false" },
  budget_exceeded = { status = 429, type = "billing_error", retry = "false" },
}

-- Messages of aiohttp and httpx when the upstream cannot be reached or hangs up. LiteLLM relays them with status 500.
local UNREACHABLE = {
  "Cannot connect to host", "Server disconnected", "All connection attempts failed",
  "Connection refused", "Connection reset", "Connection error", "Name or service not known",
  "Temporary failure in name resolution", "Response payload is not completed",
}
local TIMED_OUT = { "timed out", "Timeout" }

local function contains_any(text, needles)
  for _, needle in ipairs(needles) do
    if text:find(needle, 1, true) then return true end
  end
  return false
end

local function type_of(status)
  return TYPES[status] or (status < 500 and "invalid_request_error" or "api_error")
end

local function is_anthropic_error(value)
  return type(value) == "table" and value.type == "error" and type(value.error) == "table"
end

local BYTES_ESCAPES = { ["\\"] = "\\", ["'"] = "'", ['"'] = '"', n = "\n", r = "\r", t = "\t" }

-- Decodes a Python literal b'…'. LiteLLM below 1.92 writes the errors of streamed requests that way.
local function python_bytes(text)
  local quote, inner = text:match("^b(['\"])(.*)%1$")
  if not quote then return nil end
  local whole = true
  local bytes = inner:gsub("\\(.)(%x?%x?)", function(escape, digits)
    if escape == "x" and #digits == 2 then return string.char(tonumber(digits, 16)) end
    whole = whole and BYTES_ESCAPES[escape] ~= nil
    return (BYTES_ESCAPES[escape] or "") .. digits
  end)
  return whole and bytes or nil
end

-- The upstream's error inside LiteLLM's, or nil if there is none. LiteLLM below 1.92 puts the upstream's body into
-- `message` as text and drops the headers. LiteLLM's own messages have the same form, but are never JSON.
local function unwrapped(status, wrapper)
  if wrapper.type ~= "None" or wrapper.param ~= "None" then return nil end
  for _, body in ipairs({ wrapper.message, python_bytes(wrapper.message) }) do
    local value = json.read(body)
    if type(value) == "table" and value ~= json.scalar then
      local code = tonumber(wrapper.code)
      local id = value.request_id
      return {
        status = code and code >= 400 and code < 600 and code or status,
        body = body,
        request_id = type(id) == "string" and id:match("^[%w_-]+$") or nil,
      }
    end
  end
  return nil
end

local function shaped(status, message, override)
  override = override or {}
  status = override.status or status
  return {
    status = status,
    retry = override.retry,
    body = '{"type":"error","error":{"type":' .. json.quote(override.type or type_of(status)) ..
      ',"message":' .. json.quote("LiteLLM: " .. message) .. "}}",
  }
end

-- The status to send when LiteLLM's message says that the upstream gave no answer, else nil.
local function no_answer(status, message)
  if status ~= 500 then return nil end
  if contains_any(message, UNREACHABLE) then return { status = 502, retry = "true" } end
  if contains_any(message, TIMED_OUT) then return { status = 504, retry = "true" } end
  return nil
end

-- LiteLLM's own error in Anthropic's shape.
local function own(status, litellm_type, message)
  local override = BY_LITELLM_TYPE[litellm_type] or no_answer(status, message)
  if not override and (status == 502 or status == 503 or status == 504) then
    override = { retry = "true" }
  end
  return shaped(status, message, override)
end

-- What to send instead of a JSON body: a table with status, body and, where known, retry (`x-should-retry`) and
-- request_id. Returns nil to leave the response as it is.
function errors.from_json(status, text)
  local value = json.read(text)
  if type(value) ~= "table" then return nil end
  local wrapper = value.error
  if type(wrapper) == "table" and type(wrapper.message) == "string" then
    if is_anthropic_error(value) then
      -- Since 1.110 LiteLLM's own errors have this shape too, with LiteLLM's type or a message that no answer came.
      -- Others may come from Envoy's listener for LiteLLM's requests.
      local litellm_type = wrapper.litellm_error_type
      if litellm_type or no_answer(status, wrapper.message) then
        return own(status, litellm_type, wrapper.message)
      end
      return nil
    end
    -- LiteLLM's errors have a code, except for this one type. An error without a code is the upstream's.
    if type(wrapper.code) == "string" or wrapper.type == "internal_server_error" then
      return unwrapped(status, wrapper) or own(status, wrapper.type, wrapper.message)
    end
    return nil
  end
  -- FastAPI's own error, for example for a route that does not exist.
  if type(value.detail) == "string" then return shaped(status, value.detail) end
  if value.detail == json.array then return shaped(status, "the request was not understood") end
  return nil
end

-- The same for a text body from LiteLLM's web server.
function errors.from_text(status, text)
  return shaped(status, text)
end

return errors
