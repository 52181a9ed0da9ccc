#!/usr/bin/env bash
# An unmodified program of another Node, with sallyport/register in a run and without in none: both must say the same. Argument: that node.
set -uo pipefail
node=$(readlink -f "$1")
here=$(cd "$(dirname "$0")/../.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
printf '%s\n' 'name: unmediated' 'version: 1' 'description: Nothing is trapped' 'extends: [":workspace"]' 'mediation: kernel' \
  'reads: native' 'unixSockets: refused' >"$place/profile.yaml"
passed=0 failed=0
for acts in node_acts node_program_acts; do
  mkdir "$place/plain" "$place/run"
  cp "$here/test/support/$acts.cjs" "$place/acts.cjs"
  (cd "$place/plain" && "$node" "$place/acts.cjs") >"$place/expected"
  (cd "$place/run" && "$node" "$here/bin/sallyport" run --state "$place/state" -p "$place/profile.yaml" --read "$place/acts.cjs" \
    --read "$(dirname "$node")" -- "$node" --import "$here/dist/register/register.js" "$place/acts.cjs") >"$place/said" 2>"$place/errors"
  if [ -s "$place/expected" ] && diff <(sed "s#$place/run#$place/plain#g" "$place/said") "$place/expected"; then
    passed=$((passed + 1))
  else
    echo "FAILED $acts on $("$node" --version)"
    tail -5 "$place/errors"
    failed=$((failed + 1))
  fi
  rm -rf "$place/plain" "$place/run"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
