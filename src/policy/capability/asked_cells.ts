import type { ReadCellsRequest, WriteCellsRequest } from "../../protocol/message.ts";
import type { Target } from "./capability.ts";

/** The cells that a request is about. */
export function askedCells(
  request: ReadCellsRequest | WriteCellsRequest,
): Extract<Target, { readonly kind: "cells" }> {
  const { path, sheet } = request;
  if (request.op === "read-cells") return { kind: "cells", path, sheet, range: request.range };
  const { fromColumn, fromRow } = request.at;
  const toColumn = fromColumn + request.values[0]!.length - 1;
  const toRow = fromRow + request.values.length - 1;
  return { kind: "cells", path, sheet, range: { fromColumn, fromRow, toColumn, toRow } };
}
