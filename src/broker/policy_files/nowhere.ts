/** What variables stand for where a policy is looked at without a run, so that answers are the same on every machine. */
export const NOWHERE = {
  workspace: "/workspace",
  home: "/home/user",
  tmp: "/tmp/run",
  state: "/home/user/.local/state/sallyport",
} as const;
