-- Adds up what an answer reports about its tokens, and estimates what it has not reported yet. `json`, `cost` and
-- `iterations` are the modules in the files of that name.

local tally = {}

-- A stream reports its output at the end. Until then 4 bytes of text count as a token.
local BYTES_PER_TOKEN = 4

local USAGE = {
  input_tokens = json.number,
  output_tokens = json.number,
  cache_read_input_tokens = json.number,
  cache_creation_input_tokens = json.number,
  cache_creation = iterations.cache_creation,
  server_tool_use = { web_search_requests = json.number },
  speed = json.text,
  inference_geo = json.text,
  iterations = iterations.wanted,
}

-- The strings of a delta or a block that the model generated. A signature is longer than what it stands for.
local GENERATED = {
  text = true, thinking = true, partial_json = true, signature = true, data = true, content = true,
}

-- Where a message and the events of a stream carry what is counted.
tally.wanted = {
  type = json.text,
  model = json.text,
  usage = USAGE,
  message = { model = json.text, usage = USAGE },
  delta = {
    text = json.length, thinking = json.length, partial_json = json.length, signature = json.length,
    -- A compaction's summary.
    content = json.length,
  },
  content_block = {
    type = json.text,
    name = json.text,
    text = json.length,
    thinking = json.length,
    signature = json.length,
    data = json.length,
    input = json.size,
    content = json.size,
  },
}

local Tally = {}
Tally.__index = Tally

-- `asked` is the model of the request, if it is known. An answer that names none is that model's.
function tally.new(asked)
  return setmetatable({
    asked = asked, usage = {}, known = false, final = false, failed = false,
    -- Since the last report: bytes generated, bytes of tools' results, and web searches. `pending` are the bytes
    -- generated in an event that has not ended.
    generated = 0, results = 0, searches = 0, pending = 0,
  }, Tally)
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
  if usage.output_tokens ~= nil then self.generated, self.results = 0, 0 end
  if usage.server_tool_use ~= nil then self.searches = 0 end
end

function Tally:begin(model, usage)
  model = model or self.asked
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
  elseif kind == "content_block_start" then
    return self:block(values.content_block or {})
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

-- A block can come whole at its start. What a tool of the API found becomes input. Returns whether it counts.
function Tally:block(block)
  local results, searches = self.results, self.searches
  for name, value in pairs(block) do
    if name == "content" and block.type ~= "compaction" then
      self.results = results + value
    elseif name == "input" then
      -- Usually `{}`, and the input comes in deltas.
      if value > 2 then self:delta("partial_json", value) end
    elseif type(value) == "number" then
      self:delta(name, value)
    end
  end
  if block.type == "server_tool_use" and block.name == "web_search" then self.searches = searches + 1 end
  local counts = self.results > results or self.searches > searches
  if counts then self.final = false end
  return counts
end

local function estimate(bytes)
  return math.ceil(bytes / BYTES_PER_TOKEN)
end

-- Output tokens: what was reported, plus an estimate of what came since.
function Tally:output()
  return (self.usage.output_tokens or 0) + estimate(self.generated + self.pending)
end

-- What is paid for: the answer, and what ran for it apart. Each part has a model, counts of tokens by price and what else
-- changes its price. The second result is the number of web searches.
function Tally:parts()
  local usage = self.usage
  local parts = iterations.parts(self.model, usage)
  local answer = parts[1].counts
  answer.input = answer.input + estimate(self.results)
  answer.output = answer.output + estimate(self.generated + self.pending)
  for _, part in ipairs(parts) do
    part.how.fast, part.how.geo = usage.speed == "fast", usage.inference_geo
  end
  local reported = usage.server_tool_use and usage.server_tool_use.web_search_requests or 0
  return parts, reported + self.searches
end

-- Whether all that is paid for was reported.
function Tally:complete()
  return self.final and not (self.usage.iterations or {}).more
end

return tally
