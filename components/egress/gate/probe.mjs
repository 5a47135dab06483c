// The probe that start gates connect to. Both of its ports accept connections; a pod's NetworkPolicies decide which of
// them it can reach. It has no dependencies, because it runs from a ConfigMap on a plain Node image.
import net from "node:net";

for (const name of ["SHUT_PORT", "OPEN_PORT"]) {
  net
    .createServer((socket) => {
      // Gates reset their connections.
      socket.on("error", () => undefined);
      socket.end();
    })
    .listen(Number(process.env[name]));
}

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => process.exit(0));
