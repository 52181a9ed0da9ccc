// Hands over paths at the edges of what a path can be. Each must come out as outside the sandbox.
#include <sys/mman.h>

#include "victim.h"

static void expect(const char* what, const char* path, int error) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT, 0600);
  int got = fd < 0 ? errno : 0;
  if (got == error) return;
  errno = got;
  won++;
  size_t used = strlen(tried);
  snprintf(tried + used, sizeof tried - used, "%s: %s in place of %s; ", what,
           got ? strerrorname_np(got) : "success", error ? strerrorname_np(error) : "success");
}

int main(void) {
  char* pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 2 * 4096, 4096);
  char* edge = pages + 2 * 4096;
  strcpy(edge - 6, "edge0");
  expect("a path that ends with its page", edge - 6, 0);
  strcpy(pages + 4096 - 3, "across");
  expect("a path across two pages", pages + 4096 - 3, 0);
  memset(edge - 8, 'a', 8);
  expect("a path that runs out of its memory", edge - 8, EFAULT);
  expect("a null pointer", NULL, EFAULT);
  expect("a pointer into the kernel", (const char*)0xffffffff81000000UL, EFAULT);
  expect("a pointer that is none", (const char*)0x8000000000000000UL, EFAULT);
  expect("the empty path", "", ENOENT);
  expect("a directory", ".", EISDIR);
  expect("a file as directory", "edge0/x", ENOTDIR);
  expect("a trailing slash", "edge0/", EISDIR);
  static char name[300];
  memset(name, 'n', 255);
  expect("a name of 255", name, 0);
  memset(name, 'n', 256);
  expect("a name of 256", name, ENAMETOOLONG);
  static char path[8192];
  for (int at = 0; at < 4094; at += 2) memcpy(path + at, "./", 2);
  strcpy(path + 4094, "p");
  expect("a path of 4095", path, 0);
  strcpy(path + 4095, "p");
  path[4094] = 'p';
  expect("a path of 4096", path, ENAMETOOLONG);
  expect("control characters", "tab\tnew\nline\x1b[31m", 0);
  expect("unicode", "\xc3\xa9\xe2\x80\xae", 0);
  if (won) finish(SUCCEEDED, "%s", tried);
  finish(REFUSED, "as outside");
}
