-- JSON as JSON.parse reads it (RFC 8259), for Lua 5.1. Strings are bytes: UTF-8 in, UTF-8 out.
-- What it refuses and JSON.parse takes: nesting deeper than MAX_DEPTH, and exponents over 2^20, which
-- LuaJIT does not read.

local json = {}

-- Stands for null, which as nil could not be a value in a table.
json.null = setmetatable({}, { __tostring = function() return "null" end })

-- Metatable of arrays, which tells an empty one from an empty object.
json.array = {}

local MAX_DEPTH = 200

local ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/",
  b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local LITERALS = { t = { "true", true }, f = { "false", false }, n = { "null", json.null } }

local function refuse(position, reason)
  error({ json = reason .. " at byte " .. position }, 0)
end

local function skip_space(text, position)
  return text:find("[^ \t\r\n]", position) or #text + 1
end

local function utf8(code)
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
  elseif code < 0x10000 then
    return string.char(
      0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return string.char(
    0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

-- The code unit of the \uXXXX at `position`, or nil.
local function code_unit(text, position)
  local digits = text:match("^\\u(%x%x%x%x)", position)
  return digits and tonumber(digits, 16)
end

-- Reads the \uXXXX at `position`, or two of them that are a surrogate pair.
local function unicode_escape(text, position)
  local unit = code_unit(text, position)
  if not unit then refuse(position, "bad \\u escape") end
  if unit < 0xD800 or unit > 0xDFFF then return utf8(unit), position + 6 end
  local low = unit < 0xDC00 and code_unit(text, position + 6)
  if low and low >= 0xDC00 and low <= 0xDFFF then
    return utf8(0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00)), position + 12
  end
  -- A lone surrogate has no UTF-8; JavaScript writes U+FFFD for it.
  return utf8(0xFFFD), position + 6
end

-- `position` is that of the opening quote.
local function read_string(text, position)
  local pieces, start = {}, position + 1
  while true do
    local stop = text:find('[%z\1-\31\\"]', start)
    if not stop then refuse(position, "unterminated string") end
    pieces[#pieces + 1] = text:sub(start, stop - 1)
    local byte = text:sub(stop, stop)
    if byte == '"' then
      return table.concat(pieces), stop + 1
    elseif byte ~= "\\" then
      refuse(stop, "control character in a string")
    end
    local escape = text:sub(stop + 1, stop + 1)
    if escape == "u" then
      pieces[#pieces + 1], start = unicode_escape(text, stop)
    elseif ESCAPES[escape] then
      pieces[#pieces + 1], start = ESCAPES[escape], stop + 2
    else
      refuse(stop, "unknown escape")
    end
  end
end

local function read_number(text, position)
  local _, stop = text:find("^-?[1-9]%d*", position)
  if not stop then _, stop = text:find("^-?0", position) end
  if not stop then refuse(position, "not a value") end
  local _, fraction = text:find("^%.%d+", stop + 1)
  stop = fraction or stop
  local _, exponent = text:find("^[eE][+-]?%d+", stop + 1)
  stop = exponent or stop
  local number = tonumber(text:sub(position, stop))
  if not number then refuse(position, "exponent out of range") end
  return number, stop + 1
end

local read_value

local function read_array(text, position, depth)
  local array = setmetatable({}, json.array)
  position = skip_space(text, position + 1)
  if text:sub(position, position) == "]" then return array, position + 1 end
  while true do
    array[#array + 1], position = read_value(text, position, depth)
    position = skip_space(text, position)
    local byte = text:sub(position, position)
    if byte == "]" then return array, position + 1 end
    if byte ~= "," then refuse(position, "expected , or ]") end
    position = skip_space(text, position + 1)
  end
end

local function read_object(text, position, depth)
  local object = {}
  position = skip_space(text, position + 1)
  if text:sub(position, position) == "}" then return object, position + 1 end
  while true do
    if text:sub(position, position) ~= '"' then refuse(position, "expected a key") end
    local key
    key, position = read_string(text, position)
    position = skip_space(text, position)
    if text:sub(position, position) ~= ":" then refuse(position, "expected :") end
    object[key], position = read_value(text, skip_space(text, position + 1), depth)
    position = skip_space(text, position)
    local byte = text:sub(position, position)
    if byte == "}" then return object, position + 1 end
    if byte ~= "," then refuse(position, "expected , or }") end
    position = skip_space(text, position + 1)
  end
end

function read_value(text, position, depth)
  local byte = text:sub(position, position)
  if byte == '"' then return read_string(text, position) end
  if byte == "{" or byte == "[" then
    if depth == MAX_DEPTH then refuse(position, "nested too deeply") end
    return (byte == "{" and read_object or read_array)(text, position, depth + 1)
  end
  local literal = LITERALS[byte]
  if literal and text:sub(position, position + #literal[1] - 1) == literal[1] then
    return literal[2], position + #literal[1]
  end
  return read_number(text, position)
end

local function read_document(text)
  local value, position = read_value(text, skip_space(text, 1), 0)
  position = skip_space(text, position)
  if position <= #text then refuse(position, "text after the value") end
  return value
end

-- The value of a JSON text, or nil and the reason why it is none.
function json.decode(text)
  local ok, value = pcall(read_document, text)
  if ok then return value end
  if type(value) == "table" and value.json then return nil, value.json end
  error(value, 0)
end

-- The JSON text of a string.
function json.quote(text)
  return '"' .. text:gsub('[%z\1-\31\\"]', function(byte)
    if byte == '"' or byte == "\\" then return "\\" .. byte end
    return string.format("\\u%04x", byte:byte())
  end) .. '"'
end

return json
