/** Each step down takes one; 0 can not be handed on. */
export function delegationSubsumes(parent: number, child: number): boolean {
  return parent > 0 && child < parent;
}
