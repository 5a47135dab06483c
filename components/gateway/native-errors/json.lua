-- Reads the strings in the outer objects of a JSON text (RFC 8259), and checks all of the text as JSON.parse does. It
-- skips deeper values and converts no numbers (LuaJIT takes 40 microseconds for 1e308), so the time depends only on the
-- text's length. Strings are bytes: UTF-8 in, UTF-8 out.
-- Unlike JSON.parse, it refuses nesting deeper than MAX_DEPTH.

local json = {}

-- Placeholders for values that are not read: an array, a deeper object, anything else.
json.array, json.object, json.scalar = {}, {}, {}

-- How many levels of objects are read. Values inside arrays are never read.
local LEVELS_READ = 2

local MAX_DEPTH = 200

local ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/",
  b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local LITERALS = { t = "true", f = "false", n = "null" }

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

-- Reads the \uXXXX at `position`, or a surrogate pair of two.
local function unicode_escape(text, position)
  local unit = code_unit(text, position)
  if not unit then refuse(position, "bad \\u escape") end
  if unit < 0xD800 or unit > 0xDFFF then return utf8(unit), position + 6 end
  local low = unit < 0xDC00 and code_unit(text, position + 6)
  if low and low >= 0xDC00 and low <= 0xDFFF then
    return utf8(0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00)), position + 12
  end
  -- A lone surrogate has no UTF-8 form. JavaScript writes U+FFFD instead.
  return utf8(0xFFFD), position + 6
end

-- The string whose opening quote is at `position` (json.scalar unless `wanted`), and the position after it.
local function read_string(text, position, wanted)
  local pieces, start = {}, position + 1
  while true do
    local stop = text:find('[%z\1-\31\\"]', start)
    if not stop then refuse(position, "unterminated string") end
    if wanted then pieces[#pieces + 1] = text:sub(start, stop - 1) end
    local byte = text:sub(stop, stop)
    if byte == '"' then
      return wanted and table.concat(pieces) or json.scalar, stop + 1
    elseif byte ~= "\\" then
      refuse(stop, "control character in a string")
    end
    local escape = text:sub(stop + 1, stop + 1)
    local piece = ESCAPES[escape]
    if escape == "u" then
      piece, start = unicode_escape(text, stop)
    elseif piece then
      start = stop + 2
    else
      refuse(stop, "unknown escape")
    end
    if wanted then pieces[#pieces + 1] = piece end
  end
end

local function skip_number(text, position)
  local _, stop = text:find("^-?[1-9]%d*", position)
  if not stop then _, stop = text:find("^-?0", position) end
  if not stop then refuse(position, "not a value") end
  local _, fraction = text:find("^%.%d+", stop + 1)
  stop = fraction or stop
  local _, exponent = text:find("^[eE][+-]?%d+", stop + 1)
  return (exponent or stop) + 1
end

local read_value

local function skip_array(text, position, depth)
  position = skip_space(text, position + 1)
  if text:sub(position, position) == "]" then return position + 1 end
  while true do
    local _
    _, position = read_value(text, position, depth, false)
    position = skip_space(text, position)
    local byte = text:sub(position, position)
    if byte == "]" then return position + 1 end
    if byte ~= "," then refuse(position, "expected , or ]") end
    position = skip_space(text, position + 1)
  end
end

local function read_object(text, position, depth, wanted)
  local object = wanted and {} or json.object
  position = skip_space(text, position + 1)
  if text:sub(position, position) == "}" then return object, position + 1 end
  while true do
    if text:sub(position, position) ~= '"' then refuse(position, "expected a key") end
    local key, value
    key, position = read_string(text, position, wanted)
    position = skip_space(text, position)
    if text:sub(position, position) ~= ":" then refuse(position, "expected :") end
    value, position = read_value(text, skip_space(text, position + 1), depth, wanted)
    if wanted then object[key] = value end
    position = skip_space(text, position)
    local byte = text:sub(position, position)
    if byte == "}" then return object, position + 1 end
    if byte ~= "," then refuse(position, "expected , or }") end
    position = skip_space(text, position + 1)
  end
end

-- `depth` is the depth of what contains the value; `wanted` says whether the value is read.
function read_value(text, position, depth, wanted)
  local byte = text:sub(position, position)
  if byte == '"' then return read_string(text, position, wanted) end
  if byte == "{" or byte == "[" then
    if depth == MAX_DEPTH then refuse(position, "nested too deeply") end
    if byte == "[" then return json.array, skip_array(text, position, depth + 1) end
    return read_object(text, position, depth + 1, wanted and depth < LEVELS_READ)
  end
  local literal = LITERALS[byte]
  if literal and text:sub(position, position + #literal - 1) == literal then
    return json.scalar, position + #literal
  end
  return json.scalar, skip_number(text, position)
end

local function read_document(text)
  local value, position = read_value(text, skip_space(text, 1), 0, true)
  position = skip_space(text, position)
  if position <= #text then refuse(position, "text after the value") end
  return value
end

-- The value of a JSON text, or nil and the reason why the text is not JSON. Returns a string as it is, an object of the
-- outer two levels as a table of its members, and a placeholder for everything else.
function json.read(text)
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
