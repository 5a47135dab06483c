import { expect, test } from "vitest";
import { hostFirewall } from "../../infra/machine/host-firewall.ts";
import { renderStartupScript } from "../../infra/machine/startup-script.ts";

test("the startup script is as reviewed (`vitest run --project unit -u` writes a wanted change)", async () => {
  const script = renderStartupScript({ nodeName: "gateway-host", nodeFirewall: hostFirewall() });
  await expect(script).toMatchFileSnapshot("./host/startup-script.sh");
});
