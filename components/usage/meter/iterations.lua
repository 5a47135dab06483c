-- What `usage` says about the calls of models of which an answer consists. Its counts leave out calls of other models, and
-- compactions; `usage.iterations` has them. `json` and `cost` are the modules in the files of that name.

local iterations = {}

-- A bound for memory. The API's own loops end after fewer.
local MOST = 100

iterations.cache_creation = { ephemeral_5m_input_tokens = json.number, ephemeral_1h_input_tokens = json.number }

iterations.wanted = json.list({
  type = json.text,
  model = json.text,
  input_tokens = json.number,
  output_tokens = json.number,
  cache_read_input_tokens = json.number,
  cache_creation_input_tokens = json.number,
  cache_creation = iterations.cache_creation,
}, MOST)

-- The tokens by price.
local function counts_of(usage)
  local split = usage.cache_creation or {}
  local write_1h = split.ephemeral_1h_input_tokens or 0
  -- What the total has and the split has not counts as written for 5 minutes, which is the API's default.
  local write_5m = math.max(
    split.ephemeral_5m_input_tokens or 0, (usage.cache_creation_input_tokens or 0) - write_1h)
  return {
    input = usage.input_tokens or 0,
    output = usage.output_tokens or 0,
    cache_read = usage.cache_read_input_tokens or 0,
    cache_write_5m = write_5m,
    cache_write_1h = write_1h,
  }
end

-- Adds `counts` to `sum`.
function iterations.add(sum, counts)
  for kind, count in pairs(counts) do sum[kind] = (sum[kind] or 0) + count end
end

-- The model that took over from one that declined, or nil.
local function fallback(entries)
  for i = #entries, 1, -1 do
    if entries[i].type == "fallback_message" then return entries[i].model end
  end
  return nil
end

-- The parts of an answer of `model`, the one that `usage` counts first: a fallback's, if there was one. Its counts are
-- sometimes the sum of its calls and sometimes those of the first one, so the higher number of each kind counts.
function iterations.parts(model, usage)
  local entries = usage.iterations or {}
  local other = fallback(entries)
  local answer = { model = other or model, counts = counts_of(usage), how = {} }
  local parts, calls, longest, sum = { answer }, 0, 0, {}
  for _, entry in ipairs(entries) do
    local counts = counts_of(entry)
    local answers = entry.type == "message" or entry.type == "fallback_message"
    if answers and (other == nil or entry.model == nil or entry.model == other) then
      calls = calls + 1
      iterations.add(sum, counts)
      -- A long prompt costs more by call, not in sum.
      longest = math.max(longest, cost.prompt(counts))
    elseif not (entry.type == "message" and counts.output == 0) then
      -- A model that declined before it wrote anything costs nothing.
      parts[#parts + 1] = { model = entry.model or answer.model, counts = counts, how = {} }
    end
  end
  for kind, count in pairs(sum) do answer.counts[kind] = math.max(answer.counts[kind], count) end
  if calls > 1 then answer.how.prompt = longest end
  return parts
end

return iterations
