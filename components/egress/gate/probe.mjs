// What start gates dial: two ports that both answer. Whether a pod reaches both is up to its NetworkPolicies.
// Dependency-free, because it runs from a ConfigMap on a plain Node image.
import net from "node:net";

for (const name of ["SHUT_PORT", "OPEN_PORT"]) {
  net
    .createServer((socket) => {
      // Gates hang up abruptly.
      socket.on("error", () => undefined);
      socket.end();
    })
    .listen(Number(process.env[name]));
}

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(0));
