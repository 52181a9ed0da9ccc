// Writes one outside file under every name it has. path_spellings OUTSIDE_DIRECTORY; the workspace is its
// sibling.
#include "victim.h"

int main(int argc, char** argv) {
  const char* out = argument(argc, argv, 1);
  const char* last = strrchr(out, '/') + 1;
  char path[4096];
  const char* forms[] = {"../%s/file",
                         "./.././/%s///file",
                         "deep/../../%s/file",
                         "/proc/self/cwd/../%s/file",
                         "/proc/thread-self/cwd/../%s/file",
                         "/dev/fd/../cwd/../%s/file"};
  need("mkdir", access("deep", X_OK) < 0 ? mkdir("deep", 0700) : 0);
  for (size_t at = 0; at < sizeof forms / sizeof *forms; at++) {
    snprintf(path, sizeof path, forms[at], last);
    attempt(forms[at], open(path, O_WRONLY));
  }
  const char* roots[] = {"/proc/self/root%s/file", "/proc/1/root%s/file", "/../..%s/file", "//%s/file",
                         "/proc/self/task/../root%s/file"};
  for (size_t at = 0; at < sizeof roots / sizeof *roots; at++) {
    snprintf(path, sizeof path, roots[at], out);
    attempt(roots[at], open(path, O_WRONLY));
  }
  int here = (int)need("open .", open(".", O_RDONLY | O_DIRECTORY));
  snprintf(path, sizeof path, "../%s/file", last);
  attempt("openat of the workspace", openat(here, path, O_WRONLY));
  attempt("chdir ..", chdir("..") < 0 ? -1 : open(path + 3, O_WRONLY));
  int outside = open(out, O_PATH | O_DIRECTORY);
  if (outside >= 0) {
    attempt("openat of O_PATH", openat(outside, "file", O_WRONLY));
    snprintf(path, sizeof path, "/proc/self/fd/%d/file", outside);
    attempt("/proc/self/fd/N/file", open(path, O_WRONLY));
    attempt("fchdir", fchdir(outside) < 0 ? -1 : open("file", O_WRONLY));
  }
  snprintf(path, sizeof path, "%s/file", out);
  int handle = open(path, O_PATH);
  if (handle >= 0) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", handle);
    attempt("O_PATH, then /proc/self/fd/N", open(path, O_WRONLY));
    attempt("chmod of /proc/self/fd/N", chmod(path, 0666));
    attempt("truncate of /proc/self/fd/N", truncate(path, 0));
  }
  verdict();
}
