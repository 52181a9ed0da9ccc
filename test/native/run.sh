#!/usr/bin/env bash
# Builds the C++ tests with AddressSanitizer and UBSan and runs them; then checks that the code between clone3(2) and
# execve(2) calls nothing outside itself. Needs a C++20 compiler only.
set -euo pipefail
cd "$(dirname "$0")/../.."
cxx=${CXX:-g++}
out=build-native-test
mkdir -p "$out"
flags=(-std=c++20 -fno-exceptions -fno-rtti -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Inative -Itest/native)

# Sources under test: everything of the two programs that needs neither Node nor a main() of its own.
mapfile -t sources < <(cat native/sources.launcher.txt native/sources.linux.txt |
  grep -E '^(base|plan|linux)/' | sort -u | grep -v '^linux/launch/child.cc$')

objects=()
pids=()
for source in "${sources[@]/#/native/}" test/native/*.cc; do
  object="$out/${source//\//_}.o"
  objects+=("$object")
  "$cxx" "${flags[@]}" -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -c "$source" -o "$object" &
  pids+=($!)
  if ((${#pids[@]} % $(nproc) == 0)); then wait "${pids[-$(nproc)]}"; fi
done
for pid in "${pids[@]}"; do wait "$pid"; done

# Not sanitised: shadow checks have no place on a stack shared with a suspended parent.
"$cxx" "${flags[@]}" -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2 -c native/linux/launch/child.cc -o "$out/child.o"
"$cxx" -fsanitize=address,undefined "${objects[@]}" "$out/child.o" -o "$out/tests" -ldl

status=0
totals=$("$out/tests") || status=1
echo "$totals" | sed '$d'
read -r passed _ failed _ skipped _ <<<"$(echo "$totals" | tail -n 1)"

# memcpy and memset the compiler may put in by itself; both keep no state.
if foreign=$(nm -u "$out/child.o" | awk '{print $2}' | grep -vxE '__stack_chk_fail|memcpy|memset'); then
  echo "FAILED child.o calls: $foreign"
  failed=$((failed + 1))
  status=1
else
  passed=$((passed + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
exit $status
