/** One row of the matrix: a program as people use it, which must pass under `:workspace` as it passes without. */
export type Workload = {
  readonly name: string;
  /** What it mostly does; the bars of docs/workloads.md go by it. */
  readonly kind: "reads" | "writes" | "computes" | "starts";
  /** Run by bash in an empty directory `w` of the workspace; `../in` holds what `prepare` made. */
  readonly script: string;
  /** Run by bash in the workspace, outside, once. */
  readonly prepare?: string;
  /** Why it can not run on this machine, in the words "needs X", or "". Told as a skip. */
  readonly obstacle?: () => string;
  /** Trees outside the workspace that it reads. */
  readonly reads?: readonly string[];
  /** Of `sallyport run`. */
  readonly flags?: readonly string[];
  /** Somebody outside whom the program deals with. To end when the signal says so. */
  readonly beside?: (signal: AbortSignal) => Promise<void>;
  /** Denials that belong to it: a rule id, and why the program takes no harm. */
  readonly denials?: Readonly<Record<string, string>>;
  /** What must be printed inside where it is not what is printed outside. */
  readonly refusal?: RegExp;
};
