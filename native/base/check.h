#pragma once

#include <cstdio>
#include <cstdlib>

// Aborts when the condition does not hold, in release builds too: a broker with a broken invariant must not
// go on.
#define CHECK(condition)                                                                      \
  do {                                                                                        \
    if (!(condition)) {                                                                       \
      std::fprintf(stderr, "sallyport: %s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                           \
    }                                                                                         \
  } while (false)
