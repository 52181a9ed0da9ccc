import wabt from "wabt";

/** What a hand-made policy does when it is evaluated. Rego can not be compiled in the tests: no compiler of it comes as a package. */
export type Behaviour = "answers" | "runs for ever" | "takes all memory" | "aborts";

const BODIES: Readonly<Record<Behaviour, string>> = {
  answers: "(i32.const 1024)",
  "runs for ever": "(loop $again (br $again)) (i32.const 1024)",
  // Ends only when it gets no more; then it has won.
  "takes all memory":
    "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 1)) (i32.store (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 1024)",
  aborts: "(call $abort (i32.const 1024)) (i32.const 1024)",
};

/** A module of OPA's ABI 1.2 with the entry point sallyport/decision. It answers `result`, and `refused` where the input has a "!". */
export async function opaModule(
  behaviour: Behaviour,
  result: unknown,
  refused: unknown = result,
): Promise<Uint8Array> {
  const text = (value: unknown): string =>
    JSON.stringify(value === undefined ? [] : [{ result: value }])
      .replaceAll("\\", "\\\\")
      .replaceAll('"', '\\"');
  const wat = `(module
    (import "env" "memory" (memory 2))
    (import "env" "opa_abort" (func $abort (param i32)))
    (global (export "opa_wasm_abi_version") i32 (i32.const 1))
    (global (export "opa_wasm_abi_minor_version") i32 (i32.const 2))
    (global $heap (mut i32) (i32.const 8192))
    (data (i32.const 16) "{}\\00")
    (data (i32.const 64) "{\\"sallyport/decision\\":0}\\00")
    (data (i32.const 1024) "${text(result)}\\00")
    (data (i32.const 4096) "${text(refused)}\\00")
    (func (export "builtins") (result i32) (i32.const 16))
    (func (export "entrypoints") (result i32) (i32.const 64))
    (func (export "opa_malloc") (param $size i32) (result i32)
      (global.set $heap (i32.add (global.get $heap) (local.get $size)))
      (i32.sub (global.get $heap) (local.get $size)))
    (func (export "opa_json_parse") (param i32 i32) (result i32) (local.get 0))
    (func (export "opa_json_dump") (param i32) (result i32) (local.get 0))
    (func (export "opa_heap_ptr_get") (result i32) (global.get $heap))
    (func (export "opa_heap_ptr_set") (param i32) (global.set $heap (local.get 0)))
    (func (export "opa_eval") (param i32 i32 i32) (param $input i32) (param $length i32) (param i32 i32) (result i32)
      (loop $next
        (if (i32.gt_s (local.get $length) (i32.const 0)) (then
          (if (i32.eq (i32.load8_u (local.get $input)) (i32.const 33)) (then (return (i32.const 4096))))
          (local.set $input (i32.add (local.get $input) (i32.const 1)))
          (local.set $length (i32.sub (local.get $length) (i32.const 1)))
          (br $next))))
      ${BODIES[behaviour]}))`;
  const module = (await wabt()).parseWat("policy.wat", wat);
  const { buffer } = module.toBinary({});
  module.destroy();
  return buffer;
}
