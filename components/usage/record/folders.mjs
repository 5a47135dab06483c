// Reads the lines of each pod's folder. Envoy appends to `requests.jsonl`; now and then the file is renamed to
// `requests-<milliseconds>.jsonl`, and Envoy goes on in a new one.
import { join } from "node:path";

const CURRENT = "requests.jsonl";
const ROTATED = /^requests-\d+\.jsonl$/;

/** Pods' names, and so no `lost+found` and nothing hidden. */
const POD = /^[a-z0-9][a-z0-9.-]*$/;

const CHUNK_BYTES = 64 * 1024;

/** A line of Envoy's is some 500 bytes. */
const MAX_LINE_BYTES = 64 * 1024;

/** Folders of pods. */
export function podFolders(fs, root) {
  return fs
    .readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && POD.test(entry.name))
    .map(({ name }) => name);
}

/** When something in a folder last changed. */
export function lastChange(fs, folder) {
  const paths = [folder, ...fs.readdirSync(folder).map((name) => join(folder, name))];
  return Math.max(
    ...paths.map((path) => fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
}

/**
 * Reads what is new in a pod's folder. `before` says how far earlier reads went: `offset` in the current file, and `read`
 * by name of a renamed file; `ended` says that nobody writes to the folder any more. Calls `onLine(text)` for each line.
 *
 * Returns the same for the next read, the files that can be deleted once that is saved, and how many files shrank.
 */
export function readFolder(fs, folder, before, onLine) {
  const { current, rotated } = openCurrent(fs, folder);
  try {
    const read = { ...before.read };
    let { offset } = before;
    let shrunk = 0;
    const follow = (fd, from, last) => {
      const { size } = fs.fstatSync(fd);
      // After a power cut, a file may lack its end. What is left of it has been read.
      if (size < from) shrunk++;
      return readLines(fs, fd, { from: Math.min(from, size), size, last }, onLine);
    };
    // A file that was renamed since then was the current one. If there are several, it was the first.
    for (const name of rotated.filter((name) => read[name] === undefined)) {
      read[name] = offset;
      offset = 0;
    }
    const done = [];
    rotated.forEach((name, index) => {
      const path = join(folder, name);
      // Envoy still writes to a renamed file until it has opened the next one.
      const last = before.ended || current !== undefined || index < rotated.length - 1;
      const fd = openIfExists(fs, path);
      if (fd === undefined) return;
      try {
        read[name] = follow(fd, read[name], last);
      } finally {
        fs.closeSync(fd);
      }
      if (last) done.push(path);
    });
    if (current !== undefined) offset = follow(current, offset, before.ended);
    const kept = Object.entries(read).filter(([name]) => rotated.includes(name));
    return { state: { offset, read: Object.fromEntries(kept) }, done, shrunk };
  } finally {
    if (current !== undefined) fs.closeSync(current);
  }
}

/** Opens the current file, and lists the renamed ones of the same moment, the oldest first. */
function openCurrent(fs, folder) {
  for (;;) {
    const before = rotatedFiles(fs, folder);
    const current = openIfExists(fs, join(folder, CURRENT));
    const rotated = rotatedFiles(fs, folder);
    if (rotated.join() === before.join()) return { current, rotated };
    if (current !== undefined) fs.closeSync(current);
  }
}

function rotatedFiles(fs, folder) {
  return fs
    .readdirSync(folder)
    .filter((name) => ROTATED.test(name))
    .sort();
}

function openIfExists(fs, path) {
  try {
    return fs.openSync(path, "r");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Calls `onLine` for each complete line between two offsets, and returns the offset after the last one. With `last`,
 * nothing will be appended, so that the rest is a line too. Empty lines are skipped.
 */
function readLines(fs, fd, { from, size, last }, onLine) {
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = Buffer.alloc(0);
  let next = from;
  while (next < size) {
    const count = fs.readSync(fd, chunk, 0, Math.min(CHUNK_BYTES, size - next), next);
    if (count === 0) break;
    next += count;
    rest = Buffer.concat([rest, chunk.subarray(0, count)]);
    let start = 0;
    for (let end; (end = rest.indexOf("\n", start)) !== -1; start = end + 1) {
      if (end > start) onLine(rest.toString("utf8", start, end));
    }
    rest = rest.subarray(start);
    if (rest.length > MAX_LINE_BYTES) {
      onLine(rest.toString("utf8"));
      rest = Buffer.alloc(0);
    }
  }
  if (last && rest.length > 0) onLine(rest.toString("utf8"));
  return last ? next : next - rest.length;
}
