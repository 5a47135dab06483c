interface UpgradeCase {
  readonly from: string;
  readonly to: string;
  /** How the refusal continues after `FROM -> TO`; undefined if the upgrade is allowed. */
  readonly refusal?: string;
}

/** The preview and the machine must decide all of these cases in the same way. */
export const UPGRADE_CASES: readonly UpgradeCase[] = [
  { from: "v1.36.3+k3s1", to: "v1.36.3+k3s1" },
  { from: "v1.36.3+k3s1", to: "v1.36.3+k3s2" },
  { from: "v1.36.3+k3s1", to: "v1.36.10+k3s1" },
  { from: "v1.36.3+k3s2", to: "v1.36.4+k3s1" },
  { from: "v1.36.3+k3s1", to: "v1.37.0+k3s1" },
  { from: "v1.9.9+k3s1", to: "v1.10.0+k3s1" },
  { from: "v1.36.3+k3s1", to: "v1.38.0+k3s1", refusal: "skips a minor: upgrade to v1.37 first" },
  { from: "v1.34.9+k3s1", to: "v1.36.3+k3s1", refusal: "skips a minor: upgrade to v1.35 first" },
  { from: "v1.36.3+k3s1", to: "v1.35.9+k3s9", refusal: "is a downgrade" },
  { from: "v1.36.3+k3s1", to: "v1.36.2+k3s9", refusal: "is a downgrade" },
  { from: "v1.36.3+k3s2", to: "v1.36.3+k3s1", refusal: "is a downgrade" },
  { from: "v2.0.0+k3s1", to: "v1.99.0+k3s1", refusal: "is a downgrade" },
  {
    from: "v1.36.3+k3s1",
    to: "v2.0.0+k3s1",
    refusal: "changes the major version: make a new host",
  },
  {
    from: "v1.36.3+k3s1",
    to: "v2.37.0+k3s1",
    refusal: "changes the major version: make a new host",
  },
];
