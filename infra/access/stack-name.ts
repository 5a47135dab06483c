/** A stack's name that means the same stack everywhere: organization, project and stack. */
export type FullStackName = `${string}/${string}/${string}`;

/** A name as Pulumi takes it, in one to three parts; none of them leaves a folder when it is part of a path. */
export const STACK_NAME = /^(?!\.)[\w.-]+(\/(?!\.)[\w.-]+){0,2}$/;

/** Whether a name leaves nothing out. */
export function isFullStackName(name: string): name is FullStackName {
  return STACK_NAME.test(name) && name.split("/").length === 3;
}

/** Fills in what a name leaves out, as Pulumi reads it: `stack`, `organization/stack` or all three. */
export function fullStackName(
  name: string,
  from: { readonly organization: string; readonly project: string },
): FullStackName {
  if (isFullStackName(name)) return name;
  const [stack = "", organization = from.organization] = name.split("/").reverse();
  return `${organization}/${from.project}/${stack}`;
}
