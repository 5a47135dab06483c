import { createHash } from "node:crypto";

/** A text that is searched for without being shown to the process that searches. */
export interface Wanted {
  readonly length: number;
  /** SHA-256 in hexadecimal digits. */
  readonly digest: string;
}

/** What the search program gets as JSON on its standard input. */
export interface SearchInput {
  readonly wanted: readonly Wanted[];
  /** The processes to search. Default: all but the program itself. */
  readonly pids?: readonly number[];
  /** The folders and files to read. Default: everything that is mounted, the image apart. */
  readonly places?: readonly string[];
}

/** What LiteLLM's container holds. */
export interface Held {
  /** Variables and arguments of its processes. */
  readonly environment: string;
  /** Contents of the mounted files. */
  readonly files: string;
  readonly memory: {
    /** How much was searched. */
    readonly bytes: number;
    /** Whether each wanted text is in it, in the order of the input. */
    readonly found: readonly boolean[];
    /** Beginnings of other texts with the form of a key or token of Anthropic. */
    readonly others: readonly string[];
    /** Why a process's memory could not be read. Empty if all could. */
    readonly errors: readonly string[];
  };
}

/** What to search for a key by. */
export function wantedFor(key: string): Wanted {
  return { length: key.length, digest: createHash("sha256").update(key).digest("hex") };
}

/** Matches a key or a token of Anthropic, but no placeholder and no example that is cut short. */
export const KEY_FORM = /sk-ant-(?:api|oat|admin)\d\d-[\w-]{12,}/g;

/**
 * A Python program that reads what LiteLLM's processes hold. It runs in their container as their user. Keys are compared by
 * their hashes, so that the search itself brings none into the container.
 */
export const SEARCH = `
import hashlib, json, os, re, sys
given = json.load(sys.stdin)
wanted = [(each["length"], each["digest"]) for each in given["wanted"]]
pids = given.get("pids") or [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]
def contents(path):
    try:
        with open(path, "rb") as file: return file.read(1 << 20).decode(errors="replace")
    except OSError: return ""
environment = "\\n".join(contents(f"/proc/{pid}/{name}") for pid in pids for name in ("environ", "cmdline"))
def mounted():
    places = [line.split(" ")[1] for line in contents("/proc/self/mounts").splitlines()]
    return [place for place in places if place != "/" and not re.match("/(proc|sys|dev)(/|$)", place)]
found_files = []
for place in given.get("places") or mounted():
    if os.path.isfile(place): found_files.append(contents(place))
    for folder, _, names in os.walk(place):
        found_files += [contents(os.path.join(folder, name)) for name in names if os.path.isfile(os.path.join(folder, name))]
START = b"sk-ant-"
FORM = re.compile(rb"sk-ant-(?:api|oat|admin)\\d\\d-[\\w-]{12,}")
LONGEST = 1024
CHUNK = 1 << 22
total, found, others, errors = 0, [False] * len(wanted), set(), []
def look(data):
    at = data.find(START)
    while at != -1:
        known = False
        for index, (length, digest) in enumerate(wanted):
            if hashlib.sha256(data[at:at + length]).hexdigest() == digest: found[index] = known = True
        form = None if known else FORM.match(data, at)
        if form: others.add(form.group()[:16].decode() + "…")
        at = data.find(START, at + 1)
for pid in pids:
    try:
        with open(f"/proc/{pid}/maps") as file: maps = [line.split() for line in file]
        with open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for part in maps:
                if not part[1].startswith("rw"): continue
                start, end = (int(number, 16) for number in part[0].split("-"))
                rest = b""
                while start < end:
                    try:
                        memory.seek(start)
                        data = memory.read(min(CHUNK, end - start))
                    except OSError: break
                    if not data: break
                    total += len(data)
                    look(rest + data)
                    rest = data[-LONGEST:]
                    start += len(data)
    except FileNotFoundError: pass
    except OSError as error: errors.append(f"process {pid}: {error.strerror}")
json.dump({"environment": environment, "files": "\\n".join(found_files), "memory": {"bytes": total, "found": found, "others": sorted(others), "errors": errors}}, sys.stdout)
`;
