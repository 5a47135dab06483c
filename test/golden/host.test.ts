import { expect, test } from "vitest";
import { hostFirewall } from "../../infra/machine/host-firewall.ts";
import { renderStartupScript } from "../../infra/machine/startup-script.ts";

test("the startup script equals its golden file (update: `vitest run --project unit -u`)", async () => {
  const script = renderStartupScript({ nodeName: "gateway-host", nodeFirewall: hostFirewall() });
  await expect(script).toMatchFileSnapshot("./host/startup-script.sh");
});
