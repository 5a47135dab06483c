import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { MAINTENANCE_KEY } from "../../../infra/machine/maintenance.ts";
import { freshMachine, k3sPid, OLD, published, readiness, setAttributes } from "./fresh-machine.ts";
import type { HostMachine } from "./machine.ts";
import { told } from "./told.ts";

const CERTIFICATE = "/var/lib/rancher/k3s/server/tls/client-admin.crt";

/** The time from which windows are counted: the same for all, or two of them could begin at the same hour. */
const STARTED = Date.now();

/** A window that begins in this many hours. */
function windowIn(hoursAhead: number, hours: number, kernel = "reboot"): string {
  const begins = new Date(STARTED + hoursAhead * 3_600_000);
  return `0 ${begins.getUTCHours()} ${hours} ${kernel}`;
}

/** One machine through what a year brings, in the order of the tests. */
describe("maintenance", () => {
  let machine: HostMachine;
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ machine, remove } = await freshMachine());
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
  });
  afterAll(() => remove());

  const set = (line: string) => {
    setAttributes(machine, { [MAINTENANCE_KEY]: line });
  };
  const reports = async (what: RegExp) => {
    await machine.until(String(what), () => what.test(machine.steps.maintenance ?? ""));
  };
  const asksToReboot = async () =>
    (await machine.read("/run/stand-in-systemd/reboot")) !== undefined;

  it("is never due without a window", async () => {
    await reports(/^ok last: none; next: never, host\.maintenance is false$/);
  });

  it("reports a certificate that ends soon, and waits for the window", async () => {
    set(windowIn(3, 1));
    const pid = await k3sPid(machine);
    await machine.run([
      ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
      ...["-nodes", "-subj", "/CN=system:admin", "-days", "30", "-keyout", "/dev/null"],
      ...["-out", CERTIFICATE],
    ]);
    await reports(
      /^ok last: none; next: 20\S+Z; certificate server\/tls\/client-admin\.crt ends soon$/,
    );
    expect(await k3sPid(machine)).toBe(pid);
    const ends =
      /^ClaudeGatewayHostCertificateEnds server\/tls\/client-admin\.crt ends \w+ .* GMT$/;
    await machine.until("the alert", async () =>
      (await told(machine)).some((one) => ends.test(one)),
    );
  });

  it("restarts k3s in the window, which renews the certificate, and publishes the kubeconfig", async () => {
    const pid = await k3sPid(machine);
    set(windowIn(0, 12));
    await reports(
      /^ok last: 20\S+Z restarted k3s: certificate server\/tls\/client-admin\.crt was about to end; next: 20\S+Z$/,
    );
    expect(await k3sPid(machine)).not.toBe(pid);
    expect(await readiness(machine)).toBe(`${OLD} True`);
    const year = ["openssl", "x509", "-noout", "-checkend", String(360 * 86_400), "-in"];
    expect((await machine.run([...year, CERTIFICATE])).status).toBe(0);
    await machine.until("the new kubeconfig", () => published(machine).length === 2);
  });

  it("restarts nothing a second time in the same window", async () => {
    await machine.run(["touch", "/run/reboot-required"]);
    await reports(/; a restart of the machine is due: Debian asks for it$/);
    expect(await asksToReboot()).toBe(false);
  });

  it("leaves the kernel alone without permission", async () => {
    set(windowIn(-1, 12, "keep"));
    await machine.run(["touch", "/boot/vmlinuz-999.1-cloud-amd64"]);
    await machine.run(["rm", "/run/reboot-required"]);
    await reports(/; a restart of the machine is due: kernel 999\.1-cloud-amd64$/);
    expect(await asksToReboot()).toBe(false);
  });

  it("restarts the machine in the next window, and remembers it afterwards", async () => {
    await machine.run(["touch", "/run/reboot-required"]);
    set(windowIn(-1, 12));
    await machine.until("the restart", asksToReboot);
    expect(machine.steps.maintenance).toBe("running restarting the machine: Debian asks for it");
    await machine.run(["rm", "/boot/vmlinuz-999.1-cloud-amd64"]);
    await machine.powerOff();
    const { status, output } = await machine.boot();
    expect(status, output).toBe(0);
    await reports(/^ok last: 20\S+Z restarted the machine: Debian asks for it; next: 20\S+Z$/);
    expect(await asksToReboot()).toBe(false);
  });
});
