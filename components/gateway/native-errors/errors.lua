-- Tells LiteLLM's errors from the upstream's and turns both into what the upstream would have sent.
-- Bodies recorded from LiteLLM 1.91.0, 1.109.1 and 1.110.2; `json` is the module of that name.

local errors = {}

-- 503 is no overloaded_error: Claude Code gives up after three of those, and waits out an api_error.
local TYPES = {
  [400] = "invalid_request_error", [401] = "authentication_error", [402] = "billing_error",
  [403] = "permission_error", [404] = "not_found_error", [405] = "not_found_error",
  [409] = "conflict_error", [413] = "request_too_large", [429] = "rate_limit_error",
  [503] = "api_error", [504] = "timeout_error", [529] = "overloaded_error",
}

-- LiteLLM's types that say more than its status, which is 400 for a wrong key and for a spent budget.
local BY_LITELLM_TYPE = {
  auth_error = { status = 401, retry = "false" },
  expired_key = { status = 401, retry = "false" },
  no_db_connection = { status = 401, retry = "false" },
  token_not_found_in_db = { status = 401, retry = "false" },
  budget_exceeded = { status = 429, type = "billing_error", retry = "false" },
}

-- What aiohttp and httpx say, relayed by LiteLLM with status 500, when its upstream cannot be reached or hangs up.
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

-- The bytes of a Python literal b'…', as which LiteLLM below 1.92 wraps the errors of streamed requests.
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

-- An upstream's body, as text in the `message` of LiteLLM below 1.92, which throws its headers away; nil if there is
-- none. LiteLLM writes its own words into the same envelope, but never JSON.
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

-- What to say instead where LiteLLM's words are that its upstream gave no answer; nil where they are others.
local function no_answer(status, message)
  if status ~= 500 then return nil end
  if contains_any(message, UNREACHABLE) then return { status = 502, retry = "true" } end
  if contains_any(message, TIMED_OUT) then return { status = 504, retry = "true" } end
  return nil
end

-- LiteLLM's own error of that type, in Anthropic's shape.
local function own(status, litellm_type, message)
  local override = BY_LITELLM_TYPE[litellm_type] or no_answer(status, message)
  if not override and (status == 502 or status == 503 or status == 504) then
    override = { retry = "true" }
  end
  return shaped(status, message, override)
end

-- What to send instead of a JSON body: a table of status, body, and perhaps retry (`x-should-retry`) and
-- request_id; nil to leave the response as it is.
function errors.from_json(status, text)
  local value = json.read(text)
  if type(value) ~= "table" then return nil end
  local wrapper = value.error
  if type(wrapper) == "table" and type(wrapper.message) == "string" then
    if is_anthropic_error(value) then
      -- LiteLLM's own since 1.110, if it has a type of LiteLLM's or says that no answer came. Another may be from
      -- Envoy, at LiteLLM's way out.
      local litellm_type = wrapper.litellm_error_type
      if litellm_type or no_answer(status, wrapper.message) then
        return own(status, litellm_type, wrapper.message)
      end
      return nil
    end
    -- LiteLLM's envelope has a code, but for this one error. Without it the words are the upstream's.
    if type(wrapper.code) == "string" or wrapper.type == "internal_server_error" then
      return unwrapped(status, wrapper) or own(status, wrapper.type, wrapper.message)
    end
    return nil
  end
  -- FastAPI's own words, as for a route that does not exist.
  if type(value.detail) == "string" then return shaped(status, value.detail) end
  if value.detail == json.array then return shaped(status, "the request was not understood") end
  return nil
end

-- The same for a text body that LiteLLM's web server wrote.
function errors.from_text(status, text)
  return shaped(status, text)
end

return errors
