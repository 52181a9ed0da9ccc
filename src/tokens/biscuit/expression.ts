import type { Expression } from "./datalog.ts";
import { broken } from "./protobuf.ts";
import { BINARY, UNARY } from "./schema.ts";

/** Of one expression: what is longer would be walked too deep. */
const MAX_OPS = 256;

/** One step of an expression: on a stack, as the format has them. */
export type Op =
  | { readonly kind: "expression"; readonly expression: Expression }
  | { readonly kind: "unary" | "binary"; readonly number: number; readonly foreign: string | null };

/** The tree of the steps, of which one value must be left. Throws TokenRefused. */
export function buildExpression(ops: readonly Op[], where: string): Expression {
  if (ops.length > MAX_OPS) throw broken(where, `has an expression of more than ${MAX_OPS} operations`);
  const stack: Expression[] = [];
  const pop = (): Expression => {
    const top = stack.pop();
    if (top === undefined) throw broken(where, "has an operation without its operands");
    return top;
  };
  for (const op of ops) {
    if (op.kind === "expression") stack.push(op.expression);
    else {
      const known = (op.kind === "unary" ? UNARY : BINARY)[op.number];
      if (known === undefined) throw broken(where, `has the operation ${op.number}, which is not known`);
      const name = op.foreign === null ? known : `${known}::${op.foreign}`;
      const right = pop();
      stack.push(
        op.kind === "unary"
          ? { kind: "unary", op: name, of: right }
          : { kind: "binary", op: name, left: pop(), right },
      );
    }
  }
  const whole = pop();
  if (stack.length > 0) throw broken(where, "has an expression of more than one value");
  return whole;
}
