// Writes the authorities that the programs of an agent's pod trust: `authority.pem` is the stack's own, which signs the
// certificates of inspected hosts, and `bundle.pem` is that and the public ones of this Node, for programs that replace their list.
import fs from "node:fs";
import { join } from "node:path";
import tls from "node:tls";

const folder = process.env.TRUST_DIR ?? "";
const authority = fs.readFileSync(join(import.meta.dirname, "authority.pem"), "utf8");

write("authority.pem", [authority]);
write("bundle.pem", [...tls.rootCertificates, authority]);

function write(name, certificates) {
  fs.writeFileSync(
    join(folder, name),
    certificates.map((certificate) => `${certificate.trimEnd()}\n`).join(""),
  );
}
