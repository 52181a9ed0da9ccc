#!/usr/bin/env bash
# Builds libsallyport with CMake, plainly and under each sanitizer, and runs its tests, some of them in real runs. Needs cmake
# and the package built (npm run build).
set -uo pipefail
cd "$(dirname "$0")/../.."
if ! command -v cmake >/dev/null; then
  echo "skipped: needs cmake, this machine has none"
  echo "0 passed, 0 failed, 9 skipped"
  exit 0
fi
passed=0 failed=0 skipped=0
for sanitizer in OFF address thread; do
  out=build-shim/$sanitizer
  mkdir -p "$out"
  if [ "$sanitizer" != OFF ] &&
    ! echo 'int main(void) { return 0; }' | "${CC:-cc}" -fsanitize="$sanitizer" -x c - -o "$out/probe" 2>/dev/null; then
    echo "skipped: needs a compiler with -fsanitize=$sanitizer, this machine has ${CC:-cc} without it"
    skipped=$((skipped + 3))
    continue
  fi
  if ! { cmake -S native/shim -B "$out" -DSANITIZE="$sanitizer" && cmake --build "$out"; } >"$out/build.log" 2>&1; then
    tail -20 "$out/build.log"
    failed=$((failed + 3))
    continue
  fi
  ctest --test-dir "$out" --output-on-failure >"$out/ctest.log" 2>&1 || cat "$out/ctest.log"
  good=$(grep -c ' Passed ' "$out/ctest.log")
  echo "sanitizer $sanitizer: $good of 3 passed"
  passed=$((passed + good)) failed=$((failed + 3 - good))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
