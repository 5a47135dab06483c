import { labelKeys } from "../../../../components/kubernetes/labels.ts";
import { BadInput } from "../../../../cli/command-line.ts";
import type { Target } from "../../../lab/target.ts";

/** The namespace of a stack's gateway, found by its labels. Throws {@link BadInput} if there is none. */
export async function gatewayNamespace(
  target: Pick<Target, "kubectl" | "title">,
  stack: string,
): Promise<string> {
  const selector = `${labelKeys.stack}=${stack},${labelKeys.role}=gateway`;
  const names = await target.kubectl([
    "get",
    "namespaces",
    "--selector",
    selector,
    "--output=name",
  ]);
  const [name] = names.trim().split("\n");
  if (name === undefined || name === "") {
    throw new BadInput(
      `stack ${stack} has no namespace on ${target.title}. Deploy it: pulumi up -s ${stack}`,
    );
  }
  return name.replace("namespace/", "");
}
