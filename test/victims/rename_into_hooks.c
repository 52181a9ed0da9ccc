// Builds a hook under a harmless name and moves it, or what holds it, to where git runs it. rename_into_hooks
// new|existing|file|nested
#include "victim.h"

static int runs(const char* hook) {
  int result = access(hook, X_OK);
  errno = EACCES;
  return result;
}

int main(int argc, char** argv) {
  const char* way = argument(argc, argv, 1);
  const char* script = "#!/bin/sh\ntouch owned\n";
  need("mkdir", mkdir("x", 0755));
  if (strcmp(way, "new") == 0) {
    need("mkdir hooks", mkdir("x/hooks", 0755));
    put_file("x/hooks/pre-commit", script, 0755);
    rename("x", ".git");
    judge("rename of x to .git", runs(".git/hooks/pre-commit"));
  }
  if (strcmp(way, "nested") == 0) {
    need("mkdir", mkdir("x/y", 0755));
    need("mkdir", mkdir("x/y/hooks", 0755));
    put_file("x/y/hooks/pre-commit", script, 0755);
    if (rename("x/y", "x/.git") == 0)
      attempt("rename to x/.git", runs("x/.git/hooks/pre-commit"));
    else
      attempt("rename to x/.git", -1);
    if (renameat2(AT_FDCWD, "x/y", AT_FDCWD, ".git", RENAME_NOREPLACE) == 0)
      attempt("RENAME_NOREPLACE", runs(".git/hooks/pre-commit"));
    else
      attempt("RENAME_NOREPLACE", -1);
    verdict();
  }
  put_file("x/pre-commit", script, 0755);
  if (strcmp(way, "existing") == 0) {
    // Samples may be moved; what counts is whether a hook has come to lie there.
    rename("x", ".git/hooks");
    attempt("rename over .git/hooks", runs(".git/hooks/pre-commit"));
    renameat2(AT_FDCWD, "x", AT_FDCWD, ".git/hooks", RENAME_EXCHANGE);
    attempt("exchange with .git/hooks", runs(".git/hooks/pre-commit"));
    rename(".git/hooks", "y");
    rename("x", ".git/hooks");
    attempt("rename into the empty place", runs(".git/hooks/pre-commit"));
    verdict();
  }
  if (strcmp(way, "file") == 0) {
    attempt("rename", rename("x/pre-commit", ".git/hooks/pre-commit"));
    attempt("link", link("x/pre-commit", ".git/hooks/post-checkout"));
    attempt("symlink", symlink("../../x/pre-commit", ".git/hooks/pre-push"));
    int unnamed = open("x", O_TMPFILE | O_RDWR, 0755);
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", unnamed);
    if (unnamed >= 0)
      attempt("link of O_TMPFILE",
              linkat(AT_FDCWD, name, AT_FDCWD, ".git/hooks/pre-rebase", AT_SYMLINK_FOLLOW));
    verdict();
  }
  finish(BROKEN, "no such way");
}
