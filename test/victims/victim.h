// What every victim shares. A victim attacks, prints one line, and exits with how it went.
// Compiled with -D_GNU_SOURCE (test/support/hostile.ts).
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SUCCEEDED = 0, BROKEN = 1, REFUSED = 10 };

static char tried[4096];
static int won, odd;

__attribute__((format(printf, 2, 3), noreturn, unused)) static void finish(int code, const char* format,
                                                                           ...) {
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
  fflush(stdout);
  _exit(code);
}

/// The errnos with which a sandbox says no. ENOENT and the like mean that the attack never reached its
/// object.
__attribute__((unused)) static int is_refusal(int error) {
  return error == EPERM || error == EACCES || error == ENOSYS || error == EAFNOSUPPORT || error == EXDEV ||
         error == EROFS || error == EDQUOT || error == ELOOP;
}

/// Notes one way of several. A negative result is -1 with errno, as system calls return it.
__attribute__((unused)) static int attempt(const char* way, long result) {
  int error = result < 0 ? errno : 0;
  size_t used = strlen(tried);
  snprintf(tried + used, sizeof tried - used, "%s%s %s", used ? ", " : "", way,
           error ? strerrorname_np(error) : "WORKED");
  if (!error) won++;
  if (error && !is_refusal(error)) odd++;
  return !error;
}

/// Ends a victim of several ways: one that worked is a success of the attack.
__attribute__((noreturn, unused)) static void verdict(void) {
  finish(won ? SUCCEEDED : odd || !tried[0] ? BROKEN : REFUSED, "%s", tried);
}

/// Ends a victim of one decisive call.
__attribute__((noreturn, unused)) static void judge(const char* call, long result) {
  attempt(call, result);
  verdict();
}

/// For what the attack needs and what must work in and out of a sandbox.
__attribute__((unused)) static long need(const char* what, long result) {
  if (result < 0) finish(BROKEN, "cannot prepare: %s: %s", what, strerrorname_np(errno));
  return result;
}

__attribute__((unused)) static const char* argument(int argc, char** argv, int index) {
  if (index >= argc) finish(BROKEN, "argument %d is missing", index);
  return argv[index];
}

/// Makes a file with some bytes in it, inside the workspace.
__attribute__((unused)) static void put_file(const char* path, const char* text, mode_t mode) {
  int fd = (int)need(path, open(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  need(path, write(fd, text, strlen(text)));
  close(fd);
}
