import { expect, test } from "vitest";
import { telemetryFiles } from "../../stacks/telemetry-files.ts";

test.each(Object.entries(telemetryFiles()))(
  "telemetry/%s is what the product writes (update: `npm run telemetry:files`)",
  async (name, text) => {
    await expect(text).toMatchFileSnapshot(`../../telemetry/${name}`);
  },
);
