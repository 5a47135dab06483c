import { expect, test } from "vitest";
import { refusalsOf } from "../../../verify/egress/admission.ts";
import type { Pod } from "../../../verify/egress/attempt.ts";
import type { Target } from "../../../lab/target.ts";

const pod = { metadata: { name: "x", namespace: "dev-e", labels: {} }, spec: {} } as Pod;

// The output of kubectl 1.36 when it creates three pods and the API server rejects two of them.
const said = {
  stdout: "pod/way-out-1\n",
  stderr: `Error from server (Forbidden): error when creating "STDIN": pods "way-out-0" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: the label is missing
Error from server (Forbidden): error when creating "STDIN": pods "way-out-2" is forbidden: violates PodSecurity "restricted:latest": privileged
`,
};

test("each pod gets its own rejection, or none", async () => {
  const target = {
    kubectl: () => Promise.reject(Object.assign(new Error("exit code 1"), said)),
  } as unknown as Target;
  expect(await refusalsOf([pod, pod, pod], target)).toEqual([
    "the label is missing",
    undefined,
    'violates PodSecurity "restricted:latest": privileged',
  ]);
});

test("no answer from the API server is not a rejection", async () => {
  const target = {
    kubectl: () => Promise.reject(Object.assign(new Error("x"), { stdout: "", stderr: "timeout" })),
  } as unknown as Target;
  await expect(refusalsOf([pod], target)).rejects.toThrow(
    "pod 0 was neither accepted nor rejected: timeout",
  );
});
