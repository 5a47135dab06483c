import { apiServerSettings, controllerManagerSettings, kubeletSettings } from "./node-settings.ts";

/** Mount point of the data disk; k3s stores the datastore, certificates and images below it. */
export const DATA_DIR = "/var/lib/rancher";

/** Folder for the files that the startup script writes for k3s. */
export const CONFIG_DIR = "/etc/rancher/k3s";

/** k3s's default pod and Service ranges and API server port. */
export const POD_RANGE = "10.42.0.0/16";
export const SERVICE_RANGE = "10.43.0.0/16";
export const API_PORT = 6443;

/** The metadata server, which is also GCE's resolver. */
export const METADATA_ADDRESS = "169.254.169.254";

/** Paths of the files from node-settings.ts. */
export const KUBELET_CONFIG = `${CONFIG_DIR}/kubelet.yaml`;
export const API_SERVER_FILES = {
  admissionConfig: `${CONFIG_DIR}/admission.yaml`,
  auditPolicy: `${CONFIG_DIR}/audit-policy.yaml`,
  auditLog: `${DATA_DIR}/audit/audit.log`,
};

/** A file on the machine. */
export interface MachineFile {
  readonly path: string;
  /** Permissions, in octal. */
  readonly mode: string;
  readonly content: string;
}

// JSON is valid YAML, so no YAML serializer is needed.
const yaml = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** k3s's configuration: hardened as its CIS guide says, without the components that a gateway host does not need. */
export function renderK3sConfig(args: {
  readonly nodeName: string;
  /** Further flags of the kubelet, without dashes. Default none. */
  readonly kubeletFlags?: readonly string[];
}): string {
  return yaml({
    "node-name": args.nodeName,
    // The node firewall blocks pods from the kubelet's port, so metrics-server would never become ready.
    disable: ["traefik", "servicelb", "metrics-server"],
    "write-kubeconfig-mode": "0600",
    "token-file": `${CONFIG_DIR}/token`,
    // The tunnel ends on a loopback address of the client's machine.
    "tls-san": ["127.0.0.1", "localhost", args.nodeName],
    // Use GCE's resolver whatever the image's resolv.conf says: the node firewall opens port 53 only to it.
    "resolv-conf": `${CONFIG_DIR}/resolv.conf`,
    "secrets-encryption": true,
    "protect-kernel-defaults": kubeletSettings.protectKernelDefaults,
    "kube-apiserver-arg": flags(apiServerSettings(API_SERVER_FILES)),
    "kube-controller-manager-arg": flags(controllerManagerSettings),
    // Since v1.32, k3s loads this file after its own defaults, so these values win. https://docs.k3s.io/advanced
    "kubelet-arg": [`config=${KUBELET_CONFIG}`, ...(args.kubeletFlags ?? [])],
  });
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `${name}=${value}`);
}

/** Pod security level `restricted` in every namespace without a label of its own; k3s's own namespace is exempt. */
export function renderAdmissionConfig(): string {
  const level = { enforce: "restricted", audit: "restricted", warn: "restricted" };
  return yaml({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AdmissionConfiguration",
    plugins: [
      {
        name: "PodSecurity",
        configuration: {
          apiVersion: "pod-security.admission.config.k8s.io/v1",
          kind: "PodSecurityConfiguration",
          defaults: {
            ...level,
            "enforce-version": "latest",
            "audit-version": "latest",
            "warn-version": "latest",
          },
          exemptions: { usernames: [], runtimeClasses: [], namespaces: ["kube-system"] },
        },
      },
    ],
  });
}

/** Who did what; never the content of a Secret, a ConfigMap or a token. The first rule that matches applies. */
export function renderAuditPolicy(): string {
  return yaml({
    apiVersion: "audit.k8s.io/v1",
    kind: "Policy",
    omitStages: ["RequestReceived"],
    rules: [
      { level: "None", nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version"] },
      {
        level: "None",
        users: ["system:kube-controller-manager", "system:kube-scheduler", "system:apiserver"],
        verbs: ["get", "list", "watch"],
      },
      { level: "None", resources: [{ group: "coordination.k8s.io", resources: ["leases"] }] },
      { level: "None", resources: [{ group: "", resources: ["events"] }] },
      {
        level: "Metadata",
        resources: [
          { group: "", resources: ["secrets", "configmaps", "serviceaccounts/token"] },
          { group: "authentication.k8s.io", resources: ["tokenreviews"] },
        ],
      },
      { level: "Metadata", verbs: ["get", "list", "watch"] },
      { level: "Request" },
    ],
  });
}

/** The kernel settings that the kubelet checks because of `protect-kernel-defaults`. */
export function renderSysctls(): string {
  return [
    "vm.panic_on_oom = 0",
    "vm.overcommit_memory = 1",
    "kernel.panic = 10",
    "kernel.panic_on_oops = 1",
    "kernel.keys.root_maxkeys = 1000000",
    "kernel.keys.root_maxbytes = 25000000",
    "",
  ].join("\n");
}
