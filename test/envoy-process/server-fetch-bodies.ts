/** A request whose content or other fields are given as JSON text. */
export const message = (content: string, more = "") =>
  `{"model":"m","max_tokens":1${more},"messages":[{"role":"user","content":${content}}]}`;
export const withTool = (tool: string) => message('"hi"', `,"tools":[${tool}]`);
const image = '{"type":"image","source":{"type":"url","url":"https://x.example/?secret"}}';

/** What must be refused, with the field that the refusal names. */
export const refused: readonly (readonly [what: string, body: string, field: string])[] = [
  ["web_search", withTool('{"type":"web_search_20250305","name":"web_search"}'), "tools[].type"],
  ["web_fetch", withTool('{"name":"f","type":"web_fetch_20260209"}'), "tools[].type"],
  ["a version that is not known", withTool('{"type":"web_search_29991231"}'), "tools[].type"],
  ["a tool that is not known", withTool('{"type":"web_browse_20270101"}'), "tools[].type"],
  ["a known family without its version", withTool('{"type":"bash_"}'), "tools[].type"],
  ["a harmless type with more after it", withTool('{"type":"custom "}'), "tools[].type"],
  ["another case", withTool('{"type":"Web_Search_20250305"}'), "tools[].type"],
  ["an MCP connector's toolset", withTool('{"type":"mcp_toolset"}'), "tools[].type"],
  [
    "the last of many tools",
    withTool(`${'{"name":"a","input_schema":{}},'.repeat(500)}{"type":"web_search_20250305"}`),
    "tools[].type",
  ],
  [
    "the first of two types",
    withTool('{"type":"web_search_20250305","type":"custom"}'),
    "tools[].type",
  ],
  [
    "the second of two types",
    withTool('{"type":"custom","type":"web_search_20250305"}'),
    "tools[].type",
  ],
  [
    "the first of two lists of tools",
    message('"hi"', ',"tools":[{"type":"web_search_20250305"}],"tools":[]'),
    "tools[].type",
  ],
  [
    "the second of two lists of tools",
    message('"hi"', ',"tools":[],"tools":[{"type":"web_search_20250305"}]'),
    "tools[].type",
  ],
  ["an escaped type", withTool(String.raw`{"type":"\u0077eb_search_20250305"}`), "tools[].type"],
  [
    "an escaped key",
    withTool(String.raw`{"\u0074\u0079\u0070\u0065":"web_search_20250305"}`),
    "tools[].type",
  ],
  ["a type of more than any length", withTool(`{"type":"${"a".repeat(100_000)}"}`), "tools[].type"],
  [
    "mcp_servers",
    message('"hi"', ',"mcp_servers":[{"type":"url","url":"https://x.example"}]'),
    "mcp_servers",
  ],
  ["an escaped mcp_servers", message('"hi"', String.raw`,"mcp\u005Fservers":[]`), "mcp_servers"],
  [
    "every letter escaped",
    message(
      '"hi"',
      `,"${"mcp_servers".replace(/./g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)}":[]`,
    ),
    "mcp_servers",
  ],
  ["mcp_servers after the messages", '{"messages":[],"mcp_servers":[]}', "mcp_servers"],
  ["a picture by URL", message(`[${image}]`), "source.type"],
  [
    "a type after the URL",
    message('[{"type":"document","source":{"url":"https://x.example","type":"url"}}]'),
    "source.type",
  ],
  [
    "a picture in a tool's result",
    message(`[{"type":"tool_result","tool_use_id":"t","content":[${image}]}]`),
    "source.type",
  ],
  [
    "a picture in a document's own blocks",
    message(`[{"type":"document","source":{"type":"content","content":[${image}]}}]`),
    "source.type",
  ],
  ["a picture in the system prompt", message('"hi"', `,"system":[${image}]`), "source.type"],
  [
    "a picture beside a tool's use",
    message(`[{"type":"tool_use","input":{"a":[{"b":"}"}]}},${image}]`),
    "source.type",
  ],
  ["an escaped source", message(String.raw`[{"s\u006furce":{"type":"\u0075rl"}}]`), "source.type"],
  [
    "a source after a string of quotes and backslashes",
    message(String.raw`[{"text":"\\\"\\","a":"\\"},` + `${image}]`),
    "source.type",
  ],
  [
    "white space everywhere",
    `\n{ "tools" :\t[ {\r\n "type" : "web_search_20250305" } ] }`,
    "tools[].type",
  ],
];

/** What cannot be read. */
export const unreadable: readonly (readonly [what: string, body: string | Buffer])[] = [
  ["UTF-16", Buffer.from('{"mcp_servers":[]}', "utf16le")],
  ["a byte order mark", Buffer.from('\ufeff{"mcp_servers":[]}')],
  ["a comment", '{"a":1 /* " */ ,"b":2}'],
  ["single quotes", "{'mcp_servers':[]}"],
  ["two objects", '{}{"mcp_servers":[]}'],
  ["two objects with a comma", '{},{"mcp_servers":[]}'],
  ["a list", '[{"mcp_servers":[]}]'],
  ["a string", '"mcp_servers"'],
  ["a form", "tools=web_search"],
  ["too many levels", message(`${'[{"content":'.repeat(200)}1${"}]".repeat(200)}`)],
];

/** What must go on unchanged. */
export const passed: readonly (readonly [what: string, body: string])[] = [
  ["a custom tool", withTool('{"type":"custom","name":"a","input_schema":{"type":"object"}}')],
  [
    "a tool without a type",
    withTool('{"name":"web_search","input_schema":{"properties":{"source":{"type":"url"}}}}'),
  ],
  ...[
    "bash_20250124",
    "text_editor_20250728",
    "computer_20251124",
    "memory_20250818",
    "code_execution_20250825",
    "advisor_20260301",
    "tool_search_tool_regex",
    "tool_search_tool_bm25_20251119",
  ].map((type) => [type, withTool(`{"type":"${type}","name":"a"}`)] as const),
  ["a tool whose type is null", withTool('{"type":null,"name":"a"}')],
  [
    "the words in a text",
    message(
      '"mcp_servers, {\\"type\\":\\"web_search_20250305\\"}, \\"source\\":{\\"type\\":\\"url\\"}"',
    ),
  ],
  [
    "the words in a tool's input",
    message(
      '[{"type":"tool_use","input":{"source":{"type":"url"},"mcp_servers":[1],"tools":[{"type":"web_fetch_1"}]}}]',
    ),
  ],
  [
    "mcp_servers deeper down",
    message('"hi"', ',"metadata":{"mcp_servers":[],"source":{"type":"url"}}'),
  ],
  [
    "a picture in the request",
    message('[{"type":"image","source":{"type":"base64","data":"AAAA"}}]'),
  ],
  ["a file", message('[{"type":"document","source":{"type":"file","file_id":"f"}}]')],
  ["a search result's source", message('[{"type":"search_result","source":"url","content":[]}]')],
  ["half of a surrogate pair", message(String.raw`"\ud800"`)],
  ["numbers in any form", '{"a":-1.5E+300,"messages":[1e3,true,null]}'],
  ["a body that breaks off", '{"model": '],
  ["an empty body", ""],
  ["a long string", message(`"${'x\\\\\\"'.repeat(100_000)}"`)],
];
