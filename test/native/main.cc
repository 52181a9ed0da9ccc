#include <cstdio>

#include "test.h"

// Runs every registered test. Exit status 1 when one failed.
int main() {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  for (const test::Case* each = test::state().first; each != nullptr; each = each->next) {
    test::state().failures = 0;
    test::state().skipped = false;
    each->run();
    if (test::state().failures > 0) {
      std::fprintf(stderr, "FAILED %s\n", each->name);
      failed++;
    } else if (test::state().skipped) {
      std::fprintf(stderr, "skipped %s\n", each->name);
      skipped++;
    } else {
      passed++;
    }
  }
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed == 0 ? 0 : 1;
}
