-- The price of a model, and the cost of an answer.

local cost = {}

local KINDS = { "input", "output", "cache_read", "cache_write_5m", "cache_write_1h" }

-- The unit of charges, 0.00001 USD, in micro-dollars.
local CHARGE_UNIT = 10

-- The part of a model's id that names it, without a provider's prefix: `us.anthropic.claude-opus-4.5` and
-- `claude-opus-4-5` are the same model.
local function bare_name(model)
  local name = model:lower():match("claude%-.*")
  return name and name:gsub("%.", "-") or nil
end

-- Whether `rest` is a date, an alias or a provider's suffix. A short number is another version: claude-opus-4-9 is not a
-- claude-opus-4.
local function is_suffix(rest)
  local digits = rest:match("^%-?(%d+)")
  return digits == nil or (#digits >= 6 and rest:sub(1, 1) == "-")
end

-- The prices of a model: of the longest family whose name its id begins with. `price_of` returns a family's prices or
-- nil. Returns nil for an unknown model.
function cost.prices(model, price_of)
  local name = bare_name(model)
  if name == nil then return nil end
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

-- Micro-dollars for `counts` at `prices` (USD per million tokens, so micro-dollars per token).
function cost.of(counts, prices, fast)
  local sum = 0
  for _, kind in ipairs(KINDS) do sum = sum + counts[kind] * prices[kind] end
  local prompt = counts.input + counts.cache_read + counts.cache_write_5m + counts.cache_write_1h
  if prices.long_prompt_tokens ~= nil and prompt > prices.long_prompt_tokens then
    sum = sum * prices.long_prompt_factor
  end
  if fast and prices.fast_factor ~= nil then sum = sum * prices.fast_factor end
  return sum
end

-- Whole units to charge. Sums of decimal fractions are not exact, so a millionth of a micro-dollar is ignored.
function cost.charge(micro_usd)
  return math.ceil(micro_usd / CHARGE_UNIT - 1e-7)
end

-- US dollars, rounded to 10 decimals so that a log line has no noise.
function cost.usd(micro_usd)
  return math.floor(micro_usd * 1e4 + 0.5) / 1e10
end

return cost
