/**
 * Command of a container that runs a script, with modules that are loaded before it. The shell handles SIGTERM from its
 * start. Node as the first process ignores it until it has loaded the script, and a pod that is deleted at that moment
 * would wait for its whole grace period.
 */
export function nodeCommand(script: string, modules: readonly string[] = []): string[] {
  const loaded = modules.map((module) => `--import ${module} `).join("");
  return ["sh", "-c", `trap 'exit 0' TERM; node ${loaded}${script} & wait $!`];
}
