import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { mintAccount } from "./mint.ts";

/** Makes the service account of the pods with the helper. No token of it for the Kubernetes API is mounted anywhere. */
export function mintServiceAccount(
  name: string,
  { namespace }: { readonly namespace: pulumi.Input<string> },
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ServiceAccount {
  return new k8s.core.v1.ServiceAccount(
    name,
    { metadata: { namespace, name: mintAccount }, automountServiceAccountToken: false },
    opts,
  );
}
