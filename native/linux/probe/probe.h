#pragma once

#include <vector>

namespace probe {

// What the running kernel lets this process do, found out by doing it.
struct Finding {
  const char* name;
  // What was called, and its errno; 0: it works.
  const char* call;
  int error;
  // A number that belongs to it (Landlock ABI, errata), else -1.
  int value;
};

// Tries everything, each in a child of its own that shares our memory and suspends the calling thread until
// it is gone (clone3(2), CLONE_VM|CLONE_VFORK): no page tables are copied, and nothing sticks to the caller.
// About 10 ms.
[[nodiscard]] std::vector<Finding> probe_all();

}  // namespace probe
