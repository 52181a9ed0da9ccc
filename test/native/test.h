#pragma once

#include <cstdio>

// The least that a native test needs: TEST(name) registers a function, EXPECT counts a failure and goes on,
// SKIP leaves.
namespace test {

struct Case {
  const char* name;
  void (*run)();
  Case* next;
};

struct State {
  Case* first = nullptr;
  Case** last = &first;
  int failures = 0;  // of the running test
  bool skipped = false;
};

// Static tests register before main(): the only static state there is.
inline State& state() {
  static State the_state;
  return the_state;
}

struct Registration {
  explicit Registration(Case& added) {
    *state().last = &added;
    state().last = &added.next;
  }
};

inline void expect(bool holds, const char* file, int line, const char* text) {
  if (holds) return;
  std::fprintf(stderr, "%s:%d: expected %s\n", file, line, text);
  state().failures++;
}

}  // namespace test

#define TEST(name)                                                  \
  static void test_##name();                                        \
  static test::Case case_##name{#name, test_##name, nullptr};       \
  static const test::Registration registration_##name(case_##name); \
  static void test_##name()

#define EXPECT(condition) test::expect((condition), __FILE__, __LINE__, #condition)

#define SKIP(reason)                                   \
  do {                                                 \
    std::fprintf(stderr, "  skipped: %s\n", (reason)); \
    test::state().skipped = true;                      \
    return;                                            \
  } while (false)
