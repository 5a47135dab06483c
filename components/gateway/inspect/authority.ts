import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

export interface AuthorityArgs {
  /** Name in the certificate, for people. */
  readonly commonName: string;
}

/** Ten years. An agent trusts the authority from the start of its pod, so somebody has to choose when a new one begins. */
const VALID_HOURS = 10 * 365 * 24;

/**
 * The authority of the stack's own that signs the certificates of inspected hosts. Only the agents of the stack trust it. Its
 * key is a secret in the state, and in a Secret that only the helper beside Envoy mounts.
 */
export class Authority extends pulumi.ComponentResource {
  /** Its certificate, as PEM. */
  readonly certificate: pulumi.Output<string>;
  /** Its private key, as PEM. A secret. */
  readonly key: pulumi.Output<string>;

  constructor(name: string, args: AuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("claude-gateway:gateway:Authority", name, {}, opts);
    const key = new tls.PrivateKey(
      `${name}-key`,
      { algorithm: "ECDSA", ecdsaCurve: "P256" },
      // With a new key, no agent that runs would trust the gateway any more. So no release may change these by accident.
      { parent: this, ignoreChanges: ["algorithm", "ecdsaCurve", "rsaBits"] },
    );
    const certificate = new tls.SelfSignedCert(
      `${name}-certificate`,
      {
        privateKeyPem: key.privateKeyPem,
        subject: { commonName: args.commonName },
        isCaCertificate: true,
        setSubjectKeyId: true,
        allowedUses: ["cert_signing", "crl_signing"],
        validityPeriodHours: VALID_HOURS,
      },
      {
        parent: this,
        ignoreChanges: [
          "subject",
          "isCaCertificate",
          "setSubjectKeyId",
          "allowedUses",
          "validityPeriodHours",
        ],
      },
    );
    this.certificate = certificate.certPem;
    this.key = pulumi.secret(key.privateKeyPem);
    this.registerOutputs({ certificate: this.certificate });
  }
}
