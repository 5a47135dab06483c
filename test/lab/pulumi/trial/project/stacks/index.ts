/** A small program for the tests of the CLI. It has one resource of each kind that the stacks use. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";

const config = new pulumi.Config();
const stack = pulumi.getStack();
const provider = new kubernetes.Provider("cluster", {
  kubeconfig: config.require("kubeconfig"),
  enableConfigMapMutable: true,
  enableSecretMutable: true,
});
const options = { provider };
const namespace = new kubernetes.core.v1.Namespace("trial", { metadata: { name: stack } }, options);
const metadata = { namespace: namespace.metadata.name };
const password = new random.RandomPassword("password", { length: 24, special: false });
const secret = new kubernetes.core.v1.Secret(
  "secret",
  { metadata, stringData: { token: config.requireSecret("token"), password: password.result } },
  options,
);
const data = { text: config.require("text") };
const settings = new kubernetes.core.v1.ConfigMap("settings", { metadata, data }, options);
if (config.getBoolean("endless") === true) {
  const annotations = { "pulumi.com/waitFor": "jsonpath={.data.never}" };
  const endless = { metadata: { ...metadata, annotations } };
  new kubernetes.core.v1.ConfigMap("endless", endless, options);
}

export const name = settings.metadata.name;
export const hidden = secret.data;
