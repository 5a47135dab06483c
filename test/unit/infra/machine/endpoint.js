// One end of the packet tests; runs in a network namespace. `serve PORT,… ADDRESS,…` answers over TCP and UDP, and closes the
// connection. `hold PORT,… ADDRESS,…` answers over TCP and waits until the other side closes. `probe` reads attempts as JSON
// from stdin, makes all of them at once and prints "answered", "refused" or "silent" for each. `series` makes them one after
// another. `crowd COUNT PORT ADDRESS` keeps that many answered connections open. A host with several addresses needs all of
// them listed, so that it answers a datagram from the right one.
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { setTimeout } from "node:timers";

const [, , mode, ports = "", addresses = ""] = process.argv;

if (mode === "serve") {
  const listening = [];
  for (const address of addresses.split(",")) {
    for (const port of ports.split(",").map(Number)) {
      const server = createServer((socket) => socket.end("!"));
      listening.push(new Promise((resolve) => server.listen(port, address, resolve)));
      const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
      socket.on("message", (_, peer) => socket.send("!", peer.port, peer.address));
      listening.push(new Promise((resolve) => socket.bind(port, address, resolve)));
    }
  }
  await Promise.all(listening);
  console.log("ready");
} else if (mode === "hold") {
  for (const port of ports.split(",").map(Number)) {
    await new Promise((resolve) => {
      createServer((socket) => socket.on("error", () => {}).write("!")).listen(
        port,
        addresses,
        resolve,
      );
    });
  }
  console.log("ready");
} else if (mode === "crowd" || mode === "series") {
  const [, , , count, port, host] = process.argv;
  for (let i = 0; i < Number(count); i++) {
    const socket = connect({ host, port: Number(port) });
    await new Promise((resolve, reject) => socket.on("data", resolve).on("error", reject));
    if (mode === "series") socket.destroy();
  }
  console.log("all answered");
} else {
  const { attempts, patienceMs } = JSON.parse(readFileSync(0, "utf8"));
  console.log(JSON.stringify(await Promise.all(attempts.map((a) => attempt(a, patienceMs)))));
  process.exit();
}

function attempt({ protocol, host, port, source }, patienceMs) {
  return new Promise((resolve) => {
    const fail = (error) => resolve(error.code === "ECONNREFUSED" ? "refused" : error.code);
    setTimeout(resolve, patienceMs, "silent");
    if (protocol === "tcp") {
      const socket = connect({ host, port, localAddress: source });
      socket.on("error", fail).on("data", () => resolve("answered"));
    } else {
      const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
      socket.on("error", fail).on("message", () => resolve("answered"));
      socket.connect(port, host, () => socket.send("?"));
    }
  });
}
