import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UPSTREAM_HOST } from "../../../components/gateway/api/upstream.ts";
import { certificateFor } from "../../envoy-process/gateways.ts";
import { startFakeAnthropic } from "../../lab/anthropic/server.ts";
import type { Progress } from "../../lab/progress.ts";
import { checks } from "../conformance/checks/index.ts";
import { measure } from "../conformance/measure.ts";
import type { Report } from "../conformance/report/report.ts";
import { openUrl } from "../conformance/subject/url.ts";
import type { OtherGateway } from "./gateways.ts";

const LOOPBACK = { host: "127.0.0.1", port: 0 };
const KEY = "sk-ant-api03-key-of-the-stand-in";

/** Measures a gateway in front of a fake API of its own, by its address, as `npm run verify -- --url` does. */
export async function measureOther(gateway: OtherGateway, progress: Progress): Promise<Report> {
  const dir = await mkdtemp(join(tmpdir(), `verify-${gateway.name}-`));
  const socket = `${dir}.sock`;
  const { certFile, keyFile } = await certificateFor(UPSTREAM_HOST);
  const api = await startFakeAnthropic({
    http: [LOOPBACK],
    tls: [LOOPBACK],
    identities: [{ cert: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") }],
    control: socket,
    credentials: [KEY],
  });
  try {
    const upstreamPort = api.http[0]?.port ?? 0;
    const upstream = `http://127.0.0.1:${upstreamPort}`;
    const tlsPort = api.tls[0]?.port ?? 0;
    const setting = { upstream, upstreamPort, tlsPort, key: KEY, dir, progress };
    const running = await gateway.start(setting);
    try {
      const { url, token, headers, claude } = running;
      const subject = await openUrl({ url, token, headers, upstream: socket, long: false });
      const named = {
        ...subject,
        ...{ stack: gateway.name, versions: { gateway: gateway.version } },
        context: { ...subject.context, ...(claude && { claude }) },
      };
      const some = checks.filter(gateway.checks ?? (() => true));
      return await progress.step(`Measuring ${gateway.title}`, (status) =>
        measure(
          named,
          (done, of) => {
            status(`${done} of ${of} checks`);
          },
          some,
        ).finally(subject.close),
      );
    } finally {
      await running.stop();
    }
  } finally {
    await api.close();
    await rm(dir, { recursive: true, force: true });
  }
}
