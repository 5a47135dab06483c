/** The parts of `kubectl config view --minify --flatten --raw --output=json` that are read here. */
export interface View {
  readonly clusters: readonly {
    readonly name: string;
    readonly cluster: { readonly server: string };
  }[];
}

/** A kubeconfig for the cluster of another one, with a user of its own. JSON is valid YAML. */
export function operatorKubeconfig(
  { clusters }: View,
  user: { readonly name: string; readonly certificate: string; readonly key: string },
): string {
  const [cluster] = clusters;
  if (cluster === undefined) throw new Error("the kubeconfig names no cluster");
  const data = (pem: string) => Buffer.from(pem).toString("base64");
  const file = {
    ...{ apiVersion: "v1", kind: "Config" },
    clusters: [cluster],
    users: [
      {
        name: user.name,
        user: {
          "client-certificate-data": data(user.certificate),
          "client-key-data": data(user.key),
        },
      },
    ],
    contexts: [{ name: user.name, context: { cluster: cluster.name, user: user.name } }],
    "current-context": user.name,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
