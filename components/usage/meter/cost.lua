-- The price of a model, and the cost of an answer.

local cost = {}

local KINDS = { "input", "output", "cache_read", "cache_write_5m", "cache_write_1h" }

-- The unit of charges, 0.00001 USD, in micro-dollars.
local CHARGE_UNIT = 10

-- Envoy drops a charge above this.
local MAX_CHARGE = 1e9

-- `usage.inference_geo: "us"`: inference in the United States only.
local US_FACTOR = 1.1

-- The part of a model's id that names it, without a provider's prefix: `us.anthropic.claude-opus-4.5` and
-- `claude-opus-4-5` are the same model.
local function bare_name(model)
  local name = model:lower():match("claude%-.*")
  return name and name:gsub("%.", "-") or nil
end

-- `claude-4-5-sonnet` is another name of claude-sonnet-4-5.
local function with_version_last(name)
  local version, kind, rest = name:match("^claude%-(%d[%d%-]*)%-(%a+)(.*)$")
  return version and "claude-" .. kind .. "-" .. version .. rest or nil
end

-- Whether `rest` is a date, an alias, the size of a context (`-1m`) or a provider's suffix. A short number is another
-- version: claude-opus-4-9 is not a claude-opus-4.
local function is_suffix(rest)
  local digits, letter = rest:match("^%-?(%d+)(%a?)")
  return digits == nil or letter ~= "" or (#digits >= 6 and rest:sub(1, 1) == "-")
end

local function longest_family(name, price_of)
  local stop = #name
  while stop > 0 do
    if is_suffix(name:sub(stop + 1)) then
      local prices = price_of(name:sub(1, stop))
      if prices ~= nil then return prices end
    end
    local shorter = name:sub(1, stop):match("^.*()[^%w]")
    stop = shorter and shorter - 1 or 0
  end
  return nil
end

-- The prices of a model: of the longest family whose name its id begins with. `price_of` returns a family's prices or
-- nil. Returns nil for an unknown model.
function cost.prices(model, price_of)
  local name = bare_name(model)
  if name == nil then return nil end
  local prices = longest_family(name, price_of)
  if prices ~= nil then return prices end
  local other = with_version_last(name)
  return other and longest_family(other, price_of)
end

-- Tokens of the prompt.
function cost.prompt(counts)
  return counts.input + counts.cache_read + counts.cache_write_5m + counts.cache_write_1h
end

-- Micro-dollars for `counts` at `prices` (USD per million tokens, so micro-dollars per token). `how` says what else
-- changes the price: `fast`, `geo`, and `prompt`, the longest prompt if there were several.
function cost.of(counts, prices, how)
  local sum = 0
  for _, kind in ipairs(KINDS) do sum = sum + counts[kind] * prices[kind] end
  local prompt = how.prompt or cost.prompt(counts)
  if prices.long_prompt_tokens ~= nil and prompt > prices.long_prompt_tokens then
    sum = sum * prices.long_prompt_factor
  end
  if how.fast and prices.fast_factor ~= nil then sum = sum * prices.fast_factor end
  if how.geo == "us" then sum = sum * US_FACTOR end
  return sum
end

-- Whole units to charge. Sums of decimal fractions are not exact, so a millionth of a micro-dollar is ignored.
function cost.charge(micro_usd)
  return math.min(math.ceil(micro_usd / CHARGE_UNIT - 1e-7), MAX_CHARGE)
end

-- US dollars, rounded to 10 decimals so that a log line has no noise.
function cost.usd(micro_usd)
  return math.floor(micro_usd * 1e4 + 0.5) / 1e10
end

return cost
