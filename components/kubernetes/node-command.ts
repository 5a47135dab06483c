/**
 * Command of a container that runs a script, with modules that are loaded before it. The shell handles SIGTERM from its
 * start. Node as the first process ignores it until it has loaded the script, and a pod that is deleted at that moment
 * would wait for its whole grace period.
 */
export function nodeCommand(script: string, modules: readonly string[] = []): string[] {
  const loaded = modules.map((module) => `--import ${module} `).join("");
  return ["sh", "-c", `trap 'exit 0' TERM; node ${loaded}${script} & wait $!`];
}

/**
 * The same for a script that the shell starts again when it ends. A container that ends takes its pod out of every Service
 * until the kubelet has started it again, which can take minutes.
 */
export function restartedNodeCommand(
  script: string,
  {
    heapMiB,
    againSeconds = 5,
  }: {
    /** Node ends above this much heap, before the kernel ends the container. */
    readonly heapMiB: number;
    /** Wait before the next start. */
    readonly againSeconds?: number;
  },
): string[] {
  const said = `echo "{\\"level\\":\\"error\\",\\"message\\":\\"ended with status $?: starting again\\"}"`;
  // The shell would say on standard error that the script was killed, which is no line of JSON.
  const once = `node --max-old-space-size=${heapMiB} ${script} & wait $! 2>/dev/null; ${said}`;
  return [
    "sh",
    "-c",
    `trap 'exit 0' TERM; while :; do ${once}; sleep ${againSeconds} & wait $!; done`,
  ];
}
