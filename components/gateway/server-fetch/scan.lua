-- Looks in a request's JSON, which arrives in pieces, for what would make the API's servers fetch something. It keeps no
-- text except a short key or type that a piece cuts in two, so it needs a few hundred bytes whatever the size of the body.
--
-- It need not check that the text is valid JSON, because the API refuses what is not. But it must never see other objects,
-- keys or types than a lenient reader would: it refuses every sign outside of strings that JSON has no use for, so that
-- comments, other quotes, other encodings than UTF-8 and a byte order mark do not get through.

local scan = {}

local find, byte, sub = string.find, string.byte, string.sub

local QUOTE_SIGN, BACKSLASH, OPEN_OBJECT = 34, 92, 123

-- Kinds of signs outside of strings.
local SPACE, OTHER, QUOTE, OPEN, CLOSE, COMMA = 1, 2, 3, 4, 5, 6

local KIND = {}
for at, kind in pairs({ ["[ \t\r\n]"] = SPACE, ["[%w.+:-]"] = OTHER, ['"'] = QUOTE, ["[%[{]"] = OPEN,
  ["[%]}]"] = CLOSE, [","] = COMMA }) do
  for code = 0, 127 do
    if find(string.char(code), at) then KIND[code] = kind end
  end
end

-- What the values of an object's keys are. A key that is not listed has `other`, or a value that is passed over.
local REQUEST, TOOL, CONTENT, SOURCE = {}, {}, {}, {}
-- Where a text itself decides: a tool's type, and a source's type.
local TOOL_TYPE, SOURCE_TYPE, FORBIDDEN, IGNORED = {}, {}, {}, {}

REQUEST.keys = { mcp_servers = FORBIDDEN, tools = TOOL, messages = CONTENT, system = CONTENT }
REQUEST.other = IGNORED
TOOL.keys, TOOL.other = { type = TOOL_TYPE }, IGNORED
-- The input of a tool's use is the tool's own, and may look like anything.
CONTENT.keys, CONTENT.other = { source = SOURCE, input = IGNORED }, CONTENT
SOURCE.keys, SOURCE.other = { type = SOURCE_TYPE }, CONTENT

-- Types of tools that run at the client, or at the API without reaching out. Any other type is refused, so that a server
-- tool that is newer than this list is not a way out. The second list is followed by a version.
local HARMLESS = { custom = true, tool_search_tool_regex = true, tool_search_tool_bm25 = true }
local HARMLESS_BEFORE_VERSION = {
  advisor = true, bash = true, code_execution = true, computer = true, memory = true, text_editor = true,
  tool_search_tool_bm25 = true, tool_search_tool_regex = true,
}

local function is_harmless(tool)
  if HARMLESS[tool] then return true end
  local family = tool:match("^([%l_]+%l%d*)_%d+$")
  return family ~= nil and HARMLESS_BEFORE_VERSION[family] == true
end

-- Longest text of which each sign is written as \uXXXX, that is compared. A longer one is no key, and no type that is known.
local MAX_TEXT = 6 * 64
local MAX_LEVELS = 200

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- A string without its escapes. Signs that no text to compare has become "?".
local function plain(raw)
  if not find(raw, "\\", 1, true) then return raw end
  return (raw:gsub("\\(.)(%x?%x?%x?%x?)", function(sign, digits)
    if sign ~= "u" then return (ESCAPES[sign] or "?") .. digits end
    local code = tonumber(digits, 16)
    return #digits == 4 and code < 128 and string.char(code) or "?"
  end))
end

local Scanner = {}
Scanner.__index = Scanner

function scan.new()
  return setmetatable({ level = 0, specs = {}, objects = {}, skipped = 0, value = REQUEST }, Scanner)
end

-- Ends the scan with the field that is refused, and for a tool its type.
function Scanner:refuse(field, tool)
  self.refused = { field = field, tool = tool }
  return math.huge
end

function Scanner:cannot_read(why)
  self.unreadable = why
  return math.huge
end

-- Decides on a whole key or a whole type.
function Scanner:decide(text)
  local about = self.about
  if about == TOOL_TYPE then
    if not is_harmless(text) then return self:refuse("tools[].type", text) end
  elseif about == SOURCE_TYPE then
    if text == "url" then return self:refuse("source.type") end
  else
    local value = about.keys[text] or about.other
    if value == FORBIDDEN then return self:refuse(text) end
    self.value = value
  end
end

-- Reads on in a string from `at`. `kept` is what is kept of it so far, nil for a string that does not matter.
function Scanner:in_string(text, at, size)
  local from = at
  if self.escaped then
    self.escaped = false
    at = at + 1
  end
  while true do
    local stop = find(text, '"', at, true)
    local first = stop or size + 1
    while first > at and byte(text, first - 1) == BACKSLASH do first = first - 1 end
    local escaped = ((stop or size + 1) - first) % 2 == 1
    if stop == nil then
      self.escaped = escaped
      self:keep(text, from, size)
      self.string = true
      return size + 1
    elseif not escaped then
      self.string = false
      if self.kept == nil then return stop + 1 end
      self:keep(text, from, stop - 1)
      local kept = self.kept
      self.kept = nil
      return self:decide(plain(kept)) or stop + 1
    end
    at = stop + 1
  end
end

function Scanner:keep(text, from, to)
  local kept = self.kept
  if kept == nil or #kept > MAX_TEXT then return end
  self.kept = kept .. sub(text, from, math.min(to, from + MAX_TEXT))
end

-- Passes over an object or a list that does not matter.
function Scanner:skip(text, at, size)
  local depth = self.skipped
  while at <= size do
    local kind = KIND[byte(text, at)]
    at = at + 1
    if kind == QUOTE then
      local stop = find(text, '"', at, true)
      if stop ~= nil and byte(text, stop - 1) ~= BACKSLASH then
        at = stop + 1
      else
        at = self:in_string(text, at, size)
      end
    elseif kind == OPEN then
      depth = depth + 1
    elseif kind == CLOSE then
      depth = depth - 1
      if depth == 0 then break end
    elseif kind == nil then
      return self:cannot_read("it is not JSON in UTF-8")
    end
  end
  self.skipped = depth
  return at
end

function Scanner:open(is_object)
  if self.level == 0 and (self.complete or not is_object) then return self:cannot_read("it is not one JSON object") end
  local spec = self.value
  if spec.keys == nil then
    self.skipped = 1
    return
  end
  if self.level == MAX_LEVELS then return self:cannot_read("its content is nested too deeply") end
  self.level = self.level + 1
  self.specs[self.level], self.objects[self.level] = spec, is_object
  self.at_key = is_object
end

function Scanner:close()
  if self.level == 0 then return self:cannot_read("it is not one JSON object") end
  self.level = self.level - 1
  self.at_key = false
  self.complete = self.level == 0
end

-- What a string that begins here is: a key or a type, which is kept, or neither.
function Scanner:begin_string()
  if self.level == 0 then return self:cannot_read("it is not one JSON object") end
  self.string = true
  if self.at_key then
    self.at_key = false
    self.about, self.kept = self.specs[self.level], ""
  elseif self.value == TOOL_TYPE or self.value == SOURCE_TYPE then
    self.about, self.kept = self.value, ""
  end
end

function Scanner:step(text, at)
  local sign = byte(text, at)
  local kind = KIND[sign]
  local stop
  if kind == QUOTE then
    stop = self:begin_string()
  elseif kind == OPEN then
    stop = self:open(sign == OPEN_OBJECT)
  elseif kind == CLOSE then
    stop = self:close()
  elseif kind == nil then
    stop = self:cannot_read("it is not JSON in UTF-8")
  elseif self.level == 0 and kind ~= SPACE then
    stop = self:cannot_read("it is not one JSON object")
  elseif kind == COMMA then
    self.at_key, self.value = self.objects[self.level], self.specs[self.level]
  end
  return stop or at + 1
end

-- Reads the next piece. Afterwards `refused` or `unreadable` is set if the body must not go on.
function Scanner:read(text)
  local at, size = 1, #text
  while at <= size do
    if self.string then
      at = self:in_string(text, at, size)
    elseif self.skipped > 0 then
      at = self:skip(text, at, size)
    else
      at = self:step(text, at)
    end
  end
end

return scan
