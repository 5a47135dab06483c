-- Reads an event stream (text/event-stream, HTML Living Standard 9.2) that arrives in pieces, and hands the data of each
-- event to a scanner. `json` is the module in json.lua.

local events = {}

local find, byte, sub, match = string.find, string.byte, string.sub, string.match

local LF, CR, SPACE, QUOTE, CLOSE = 10, 13, 32, 34, 125

-- Most events are deltas in this form. They carry no usage, so one match and one search replace the scanner.
local DELTA = '^event: content_block_delta\ndata: {"type":"content_block_delta","index":%d+,' ..
  '"delta":{"type":"[%a_]+","([%a_]+)":"()'

local Reader = {}
Reader.__index = Reader

-- `on_event` gets what the scanner found in an event. `on_delta` gets the name and the length of a delta's string.
function events.reader(scanner, on_event, on_delta)
  return setmetatable({
    scanner = scanner, on_event = on_event, on_delta = on_delta,
    -- What is known of the current line: "start", "data" or "other". `field` is its beginning.
    line = "start", field = "",
  }, Reader)
end

-- The position after a whole delta event at `from`, or nil if something else is there.
function Reader:quick_delta(text, from)
  local name, start = match(text, DELTA, from)
  if name == nil then return nil end
  local stop = find(text, "\n", start, true)
  if stop == nil or byte(text, stop + 1) ~= LF or byte(text, stop - 1) ~= CLOSE then return nil end
  -- The API writes a random number of spaces before the last bracket.
  local last = stop - 2
  while byte(text, last) == SPACE do last = last - 1 end
  if byte(text, last) ~= CLOSE or byte(text, last - 1) ~= QUOTE or last - 1 < start then return nil end
  self.on_delta(name, last - 1 - start)
  return stop + 2
end

function Reader:end_of_event()
  local scanner = self.scanner
  if scanner.step == "start" then return end
  local values = scanner:values()
  scanner:reset()
  if values ~= nil then self.on_event(values) end
end

-- The bytes of strings that were counted in an event that has not ended.
function Reader:pending()
  return self.scanner.strings
end

-- Reads the beginning of a line until it is clear which field it has. Returns the next position.
function Reader:start_of_line(text, from)
  if self.field == "" then
    local sign = byte(text, from)
    if sign == LF or sign == CR then
      self.after_cr = sign == CR
      self:end_of_event()
      return from + 1
    end
    if not self.has_cr and self.scanner.step == "start" then
      local after = self:quick_delta(text, from)
      if after ~= nil then return after end
    end
  end
  local piece = match(sub(text, from, from + 4 - #self.field), "^[^\r\n]*")
  self.field = self.field .. piece
  if self.field == "data:" then
    self.line = "data"
    -- Several data lines of an event are one text. A line break is white space in JSON.
    if self.scanner.step ~= "start" then self.scanner:feed("\n", 1, 1) end
  elseif #self.field == 5 or from + #piece <= #text then
    self.line = "other"
  end
  return from + #piece
end

-- Reads the next chunk of the stream.
function Reader:feed(text)
  local from, size = 1, #text
  self.has_cr = find(text, "\r", 1, true) ~= nil
  while from <= size do
    if self.after_cr then
      self.after_cr = false
      if byte(text, from) == LF then from = from + 1 end
    elseif self.line == "start" then
      from = self:start_of_line(text, from)
    else
      local stop = find(text, "[\r\n]", from)
      if self.line == "data" then self.scanner:feed(text, from, (stop or size + 1) - 1) end
      if stop == nil then return end
      self.after_cr = byte(text, stop) == CR
      self.line, self.field = "start", ""
      from = stop + 1
    end
  end
end

return events
