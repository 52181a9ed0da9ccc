import type { CellRange, CellValue } from "../../protocol/message.ts";

export type Job =
  | { readonly kind: "read"; readonly bytes: Uint8Array; readonly sheet: string; readonly range: CellRange }
  | {
      readonly kind: "write";
      readonly bytes: Uint8Array;
      readonly sheet: string;
      readonly at: { readonly fromColumn: number; readonly fromRow: number };
      readonly values: readonly (readonly CellValue[])[];
    };

/** `errno` is a name. */
export type JobDone =
  | { readonly kind: "cells"; readonly cells: readonly (readonly CellValue[])[] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "refused"; readonly errno: string; readonly message: string };
