-- Adds up what an answer reports about its tokens, and estimates what it has not reported yet. `json` is the module in
-- json.lua.

local tally = {}

-- A stream reports its output at the end. Until then 4 bytes of text count as a token.
local BYTES_PER_TOKEN = 4

local USAGE = {
  input_tokens = json.number,
  output_tokens = json.number,
  cache_read_input_tokens = json.number,
  cache_creation_input_tokens = json.number,
  cache_creation = { ephemeral_5m_input_tokens = json.number, ephemeral_1h_input_tokens = json.number },
  server_tool_use = { web_search_requests = json.number },
  speed = json.text,
}

local GENERATED = { text = true, thinking = true, partial_json = true }

-- Where a message and the events of a stream carry what is counted.
tally.wanted = {
  type = json.text,
  model = json.text,
  usage = USAGE,
  message = { model = json.text, usage = USAGE },
  delta = { text = json.length, thinking = json.length, partial_json = json.length },
}

local Tally = {}
Tally.__index = Tally

function tally.new()
  return setmetatable({ usage = {}, generated = 0, known = false, final = false, failed = false }, Tally)
end

-- Values are cumulative, so later ones replace earlier ones.
function Tally:report(usage)
  if type(usage) ~= "table" then return end
  for name, value in pairs(usage) do
    if type(value) ~= "table" then
      self.usage[name] = value
    elseif next(value) ~= nil then
      self.usage[name] = value
    end
  end
  if usage.output_tokens ~= nil then self.generated = 0 end
end

function Tally:begin(model, usage)
  if model == nil or type(usage) ~= "table" or usage.input_tokens == nil then return end
  self.model, self.known = model, true
  self:report(usage)
end

-- Takes an event of a stream, or a whole JSON answer. Returns whether something was reported.
function Tally:take(values)
  local kind = values.type
  if kind == "content_block_delta" then
    for name, length in pairs(values.delta or {}) do self:delta(name, length) end
    return false
  elseif kind == "message_start" then
    local message = values.message or {}
    self:begin(message.model, message.usage)
  elseif kind == "message_delta" and self.known then
    self:report(values.usage)
    if values.usage ~= nil and values.usage.output_tokens ~= nil then self.final = true end
  elseif kind == "message" then
    self:begin(values.model, values.usage)
    self.final = self.known and values.usage.output_tokens ~= nil
  elseif kind == "error" then
    self.failed = true
  else
    return false
  end
  return true
end

function Tally:delta(name, length)
  if not GENERATED[name] then return end
  self.generated = self.generated + length
  self.final = false
end

-- Output tokens: what was reported, plus an estimate of what came since.
function Tally:output()
  return (self.usage.output_tokens or 0) + math.ceil(self.generated / BYTES_PER_TOKEN)
end

-- The tokens by price, and what else changes the cost.
function Tally:counts()
  local usage = self.usage
  local split = usage.cache_creation or {}
  local write_1h = split.ephemeral_1h_input_tokens or 0
  -- What the total has and the split has not counts as written for 5 minutes, which is the API's default.
  local write_5m = math.max(
    split.ephemeral_5m_input_tokens or 0, (usage.cache_creation_input_tokens or 0) - write_1h)
  return {
    input = usage.input_tokens or 0,
    output = self:output(),
    cache_read = usage.cache_read_input_tokens or 0,
    cache_write_5m = write_5m,
    cache_write_1h = write_1h,
  }, usage.speed == "fast", usage.server_tool_use and usage.server_tool_use.web_search_requests or 0
end

return tally
