// A test program inside a run: says what is not as it must be, and ends with 1 for it.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sallyport.h"

static _Atomic int failed_checks;

#define CHECK(condition, failure) check((condition), #condition, __LINE__, (failure))

__attribute__((unused)) static bool check(bool holds, const char* what, int line, const sp_failure* failure) {
  if (holds) return true;
  failed_checks++;
  fprintf(stderr, "line %d: not so: %s (%s %d %s)\n", line, what, failure ? sp_code_name(failure->code) : "",
          failure ? failure->error : 0, failure ? failure->message : "");
  return false;
}
