#!/usr/bin/env bash
# named_tests.sh SOURCE: every test that docs/security.md and docs/reliability.md name by `TestName`, `Suite.*` or
# `file_test` is one.
set -euo pipefail
cd "$1"
missing=0
while read -r name; do
  case $name in
    *_test) found=$(find tests -name "$name.cc") ;;
    *.\*) found=$(grep -rlE "\b(TEST|TEST_F|TEST_P|INSTANTIATE_TEST_SUITE_P)\(${name%.\*}," tests --include='*.cc' --include='*.h' || true) ;;
    *) found=$(grep -rlE "\b(TEST|TEST_F|TEST_P)\([A-Za-z0-9]+, $name\)" tests --include='*.cc' --include='*.h' || true) ;;
  esac
  [ -n "$found" ] || { echo "there is no test $name"; missing=1; }
done < <(grep -ohE '`[A-Z][A-Za-z0-9]+\.\*`|`[A-Z][a-z]+[A-Z][A-Za-z0-9]{6,}`|`[a-z_]+_test`' docs/security.md docs/reliability.md | tr -d '`' | sort -u)
exit $missing
