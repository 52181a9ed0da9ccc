#!/usr/bin/env bash
# Runs each libFuzzer target for a bounded number of inputs. Needs clang with its runtime.
set -uo pipefail
cd "$(dirname "$0")/../../.."
runs=${1:-300000}
out=build-native-fuzz
mkdir -p "$out"
cxx=$(command -v clang++ || true)
if [ -z "$cxx" ] || ! echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, long) { return 0; }' |
  "$cxx" -x c++ -fsanitize=fuzzer - -o "$out/probe" 2>/dev/null; then
  echo "skipped: needs clang++ with libFuzzer, this machine has ${cxx:-none} without it"
  echo "0 passed, 0 failed, 2 skipped"
  exit 0
fi
passed=0 failed=0
fuzz() { # name, sources…
  local name=$1
  shift
  if "$cxx" -std=c++20 -fno-exceptions -fno-rtti -Inative -g -O1 -fsanitize=fuzzer,address,undefined \
    -fno-sanitize-recover=undefined "test/fuzz/native/$name.cc" "$@" -o "$out/$name" &&
    "$out/$name" -runs="$runs" -seed=1 -max_len=8192 -artifact_prefix="$out/" >"$out/$name.log" 2>&1; then
    echo "$name: $(grep -oE 'Done [0-9]+ runs' "$out/$name.log")"
    passed=$((passed + 1))
  else
    tail -20 "$out/$name.log"
    failed=$((failed + 1))
  fi
}
fuzz fuzz_launch_plan native/plan/launch_plan.cc
fuzz fuzz_path native/linux/fs/normalize.cc
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
