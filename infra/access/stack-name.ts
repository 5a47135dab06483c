/** A stack's full name, `organization/project/stack`: it means the same stack everywhere. */
export type FullStackName = `${string}/${string}/${string}`;

/** A name that Pulumi accepts, with one to three parts. No part can escape its folder when the name is used in a path. */
export const STACK_NAME = /^(?!\.)[\w.-]+(\/(?!\.)[\w.-]+){0,2}$/;

/** Whether a name has all three parts. */
export function isFullStackName(name: string): name is FullStackName {
  return STACK_NAME.test(name) && name.split("/").length === 3;
}

/** Adds the missing parts as Pulumi does. Accepts `stack`, `organization/stack` or all three. */
export function fullStackName(
  name: string,
  from: { readonly organization: string; readonly project: string },
): FullStackName {
  if (isFullStackName(name)) return name;
  const [stack = "", organization = from.organization] = name.split("/").reverse();
  return `${organization}/${from.project}/${stack}`;
}
