/** A kubeconfig exactly as k3s writes it. Certificates and key are base64 of PEM. */
export function k3sKubeconfigText(args: {
  readonly server: string;
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}): string {
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${args.authority}
    server: ${args.server}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: ${args.certificate}
    client-key-data: ${args.key}
`;
}
