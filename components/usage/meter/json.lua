-- Reads a few values out of a JSON object that arrives in pieces. It keeps no text except the values that it looks for,
-- so a stream needs a few hundred bytes, whatever the size of its events. It looks for values only at their exact place in
-- the outer objects and in lists that it is told to read; other lists, strings and objects are passed over.

local json = {}

-- What to do with a value: keep a short string, keep a number, count the bytes of a string, or those of any value.
json.text, json.number, json.length, json.size = "text", "number", "length", "size"

local MAX_TEXT = 200
local MAX_NUMBER = 15

local find, byte, sub = string.find, string.byte, string.sub

local QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST = 34, 92, 44, 58, 123, 125, 91, 93

local Scanner = {}
Scanner.__index = Scanner

-- `wanted` maps each key to what to do with its value, to such a table for an object, or to a `json.list`. `strings` is
-- the number of bytes counted with `json.length` so far.
function json.scanner(wanted)
  return setmetatable({ wanted = wanted, step = "start", level = 0, specs = {}, objects = {}, strings = 0 }, Scanner)
end

local List = {}

-- A list of objects, of which the first `most` are kept. If there are more, the kept list has the field `more`.
function json.list(wanted, most)
  return setmetatable({ wanted = wanted, most = most }, List)
end

local function is_list(spec)
  return getmetatable(spec) == List
end

-- Makes the scanner ready for another text. Returns the object read so far.
function Scanner:reset()
  local values = self.objects[1]
  self.step, self.level, self.objects, self.escaped, self.strings = "start", 0, {}, nil, 0
  return values
end

function Scanner:break_off()
  self.step = "broken"
  return math.huge
end

-- Adds text to the value that is being kept or counted.
function Scanner:add(text, from, to)
  local action = self.action
  if action == nil or to < from then return end
  if action == json.length then
    self.length = self.length + (to - from + 1)
    self.strings = self.strings + (to - from + 1)
  elseif action == json.size then
    self.length = self.length + (to - from + 1)
  else
    local room = (action == json.number and MAX_NUMBER or MAX_TEXT) - #self.kept
    if room > 0 then self.kept = self.kept .. sub(text, from, math.min(to, from + room - 1)) end
  end
end

function Scanner:start_value(action)
  self.action, self.kept, self.length = action, "", 0
end

function Scanner:end_value(kind)
  local action, object = self.action, self.objects[self.level]
  if action == json.size or (action == json.length and kind == "string") then
    object[self.key] = self.length
  elseif action == json.text and kind == "string" then
    object[self.key] = self.kept
  elseif action == json.number and kind == "scalar" then
    -- Counts have no sign, fraction or exponent. Anything else is not a count.
    object[self.key] = find(self.kept, "^%d+$") and tonumber(self.kept) or nil
  end
  self.action = nil
  self.step = "after"
end

function Scanner:open_object(spec)
  local object = {}
  local parent = self.objects[self.level]
  if parent ~= nil then parent[self.key] = object end
  self.level = self.level + 1
  self.objects[self.level], self.specs[self.level] = object, spec
  self.step = is_list(spec) and "element" or "key"
end

-- Whether the character at `at` is escaped by backslashes that begin at `from` at the earliest.
local function is_escaped(text, from, at)
  local first = at
  while first > from and byte(text, first - 1) == BACKSLASH do first = first - 1 end
  return (at - first) % 2 == 1
end

-- Whether there is a line break from `from` up to before `at`. Remembers where the next ones are.
function Scanner:has_line_break(text, from, at)
  if self.lf < from then self.lf = find(text, "\n", from, true) or math.huge end
  if self.cr < from then self.cr = find(text, "\r", from, true) or math.huge end
  return self.lf < at or self.cr < at
end

-- Reads on in a string. Returns the next position, and whether the string has ended. A search for one character is many
-- times as fast as one for several.
function Scanner:read_string(text, from, to)
  local start = from
  if self.escaped then
    self.escaped = nil
    start = from + 1
  end
  local at = start
  while true do
    at = find(text, '"', at, true)
    if at == nil or at > to then
      at = to + 1
      break
    end
    if not is_escaped(text, start, at) then break end
    at = at + 1
  end
  if self:has_line_break(text, from, at) then return self:break_off(), false end
  self:add(text, from, at - 1)
  if at <= to then return at + 1, true end
  self.escaped = is_escaped(text, start, at) or nil
  return at, false
end

local steps = {}

local function next_sign(text, from, to)
  local at = find(text, "[^ \t\r\n]", from)
  if at == nil or at > to then return nil end
  return at, byte(text, at)
end

function steps.start(self, text, from, to)
  local at, sign = next_sign(text, from, to)
  if at == nil then return to + 1 end
  if sign ~= OPEN then return self:break_off() end
  self:open_object(self.wanted)
  return at + 1
end

function steps.key(self, text, from, to)
  -- Nearly always the whole key and its colon have arrived.
  local _, whole, key = find(text, '^[ \t\r\n]*"([^"\\\r\n]*)"[ \t\r\n]*:', from)
  if whole ~= nil and whole <= to then
    self.key, self.step = key, "value"
    return whole + 1
  end
  local at, sign = next_sign(text, from, to)
  if at == nil then return to + 1 end
  if sign == CLOSE then return steps.after(self, text, at, to) end
  if sign ~= QUOTE then return self:break_off() end
  self:start_value(json.text)
  self.step = "in_key"
  return at + 1
end

function steps.in_key(self, text, from, to)
  local at, ended = self:read_string(text, from, to)
  if ended then self.key, self.action, self.step = self.kept, nil, "colon" end
  return at
end

function steps.colon(self, text, from, to)
  local at, sign = next_sign(text, from, to)
  if at == nil then return to + 1 end
  if sign ~= COLON then return self:break_off() end
  self.step = "value"
  return at + 1
end

function steps.value(self, text, from, to)
  local at, sign = next_sign(text, from, to)
  if at == nil then return to + 1 end
  local spec = self.specs[self.level][self.key]
  -- The last of two members with one name counts, as in JSON.parse.
  if spec ~= nil then self.objects[self.level][self.key] = nil end
  if type(spec) == "table" and sign == (is_list(spec) and OPEN_LIST or OPEN) then
    self:open_object(spec)
    return at + 1
  end
  return self:enter(at, sign, type(spec) == "string" and spec or nil)
end

-- Begins a value of which no member is looked for. Returns the next position.
function Scanner:enter(at, sign, action)
  self:start_value(action)
  if sign == OPEN or sign == OPEN_LIST then
    if action ~= json.size then self.action = nil end
    self.depth, self.step, self.length = 1, "skip", 1
    return at + 1
  end
  if sign == QUOTE then
    self.step = "in_string"
    return at + 1
  end
  self.step = "scalar"
  return at
end

function steps.element(self, text, from, to)
  local at, sign = next_sign(text, from, to)
  if at == nil then return to + 1 end
  if sign == CLOSE_LIST then return steps.after(self, text, at, to) end
  local list, spec = self.objects[self.level], self.specs[self.level]
  if sign == OPEN then
    if #list < spec.most then
      self.key = #list + 1
      self:open_object(spec.wanted)
      return at + 1
    end
    list.more = true
  end
  return self:enter(at, sign, nil)
end

function steps.in_string(self, text, from, to)
  local at, ended = self:read_string(text, from, to)
  if ended then self:end_value("string") end
  return at
end

function steps.scalar(self, text, from, to)
  local at = find(text, "[^%w.+-]", from)
  if at == nil or at > to then
    self:add(text, from, to)
    return to + 1
  end
  self:add(text, from, at - 1)
  self:end_value("scalar")
  return at
end

function steps.skip(self, text, from, to)
  local at = find(text, '["{}%[%]]', from)
  if at == nil or at > to then
    self:add(text, from, to)
    return to + 1
  end
  self:add(text, from, at)
  local sign = byte(text, at)
  if sign == QUOTE then
    self.step = "skip_string"
  elseif sign == OPEN or sign == OPEN_LIST then
    self.depth = self.depth + 1
  else
    self.depth = self.depth - 1
    if self.depth == 0 then self:end_value("other") end
  end
  return at + 1
end

function steps.skip_string(self, text, from, to)
  local at, ended = self:read_string(text, from, to)
  if ended then
    self.step = "skip"
    self:add(text, at - 1, at - 1)
  end
  return at
end

function steps.after(self, text, from, to)
  local at, sign = next_sign(text, from, to)
  if at == nil then return to + 1 end
  local in_list = is_list(self.specs[self.level])
  if sign == COMMA then
    self.step = in_list and "element" or "key"
  elseif sign == (in_list and CLOSE_LIST or CLOSE) then
    self.level = self.level - 1
    self.step = self.level == 0 and "done" or "after"
  else
    return self:break_off()
  end
  return at + 1
end

function steps.done(self, text, from, to)
  if next_sign(text, from, to) ~= nil then return self:break_off() end
  return to + 1
end

function steps.broken()
  return math.huge
end

-- Reads text[from..to].
function Scanner:feed(text, from, to)
  self.lf, self.cr = 0, 0
  while from <= to do from = steps[self.step](self, text, from, to) end
end

-- The values of a complete object, or nil if the text is not a complete JSON object.
function Scanner:values()
  return self.step == "done" and self.objects[1] or nil
end

return json
