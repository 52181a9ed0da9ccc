/** One line of a policy: grants or denies `rights` (bits of RIGHT) on every path that `pattern` matches. */
export type Rule = {
  /** Stable name for records and messages, as "protected.ssh-keys". */
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly rights: number;
  /** Without variables: what `expandPattern` gives. */
  readonly pattern: string;
  /** Patterns of paths that this rule leaves alone, expanded too. */
  readonly except?: readonly string[] | undefined;
  readonly reason: string;
  /** What would allow it, as a flag or a profile line. */
  readonly remedy?: string | undefined;
};
