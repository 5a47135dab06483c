/** Settings of a pod that looks up no names. Kubernetes wants a name server; this one does not answer. */
export const withoutDns: { dnsPolicy: "None"; dnsConfig: { nameservers: string[] } } = {
  dnsPolicy: "None",
  dnsConfig: { nameservers: ["127.0.0.1"] },
};
