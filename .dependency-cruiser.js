/**
 * Which way imports may go: stacks → agents → egress → gateway → usage → kubernetes and schema, with infra beside them.
 * `npm run lint:imports` fails on an import that goes another way. https://github.com/sverweij/dependency-cruiser
 */

/** The folders of the product from top to bottom. A folder imports from those below it, never from one above. */
const LAYERS = [
  "stacks",
  "components/agents",
  "components/egress",
  "components/gateway",
  "components/usage",
  "components/kubernetes",
  "components/schema",
];

/** The same within components/gateway, below its own files. */
const GATEWAY_LAYERS = ["envoy", "litellm", "drain", "native-errors", "paths", "api"].map(
  (folder) => `components/gateway/${folder}`,
);

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-circle-of-files",
      severity: "error",
      comment:
        "Two files import each other, perhaps through others: move what both need to a third.",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-circle-of-folders",
      severity: "error",
      comment: "Two folders import each other: move what both need to a folder below them.",
      scope: "folder",
      from: {},
      to: { circular: true },
    },
    {
      name: "product-imports-no-test-and-no-command",
      severity: "error",
      comment: "The product has to run without tests and commands.",
      from: { path: "^(stacks|components|infra)/" },
      to: { path: "^(test|commands)/" },
    },
    {
      name: "leaves-import-nothing",
      severity: "error",
      comment: "components/kubernetes and components/schema are used by all, so they use nobody.",
      from: { path: "^components/(kubernetes|schema)/" },
      to: { path: "^(stacks|infra|components/(?!kubernetes/|schema/))" },
    },
    {
      name: "infra-imports-leaves-only",
      severity: "error",
      comment: "The machine knows nothing of what runs on its cluster.",
      from: { path: "^infra/" },
      to: { path: "^(stacks|components/(?!kubernetes/|schema/))" },
    },
    {
      name: "renderers-know-no-pulumi",
      severity: "error",
      comment: "A gateway path is a value that tests, reports and commands read.",
      from: { path: "^components/(gateway/(paths|api)|schema)/" },
      to: { path: "@pulumi/" },
    },
    ...downward(LAYERS),
    ...downward(GATEWAY_LAYERS),
  ],
  options: {
    // What nothing imports may import everything.
    exclude: { path: "^test/unit/|\\.test\\.ts$" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node"] },
  },
};

/** A rule for each layer: it imports from no layer above it. */
function downward(layers) {
  return layers.slice(1).map((layer, index) => ({
    name: `downward-${layer.replaceAll("/", "-")}`,
    severity: "error",
    comment: "Imports go from top to bottom.",
    from: { path: `^${layer}/` },
    to: { path: `^(${layers.slice(0, index + 1).join("|")})/` },
  }));
}
