// Options of the sanitizers, in the program because a run does not let the environment through. Leaks are
// looked for by tracing, which a run refuses; the driver is looked at outside.
const char* __asan_default_options(void);
const char* __asan_default_options(void) { return "detect_leaks=0:abort_on_error=1"; }
const char* __ubsan_default_options(void);
const char* __ubsan_default_options(void) { return "print_stacktrace=1"; }
const char* __tsan_default_options(void);
const char* __tsan_default_options(void) { return "die_after_fork=0:halt_on_error=1"; }
