// A path that is no UTF-8. It may be refused; it must not become another file.
#include <dirent.h>

#include "victim.h"

int main(void) {
  const char* name = "raw-\xff\xfe-\xc3";
  int fd = open(name, O_WRONLY | O_CREAT, 0600);
  int error = errno;
  struct stat found;
  if (fd >= 0) {
    finish(stat(name, &found) < 0 ? SUCCEEDED : REFUSED, "created%s",
           stat(name, &found) < 0 ? " something else" : "");
  }
  finish(error == EILSEQ || error == EACCES ? REFUSED : BROKEN, "refused: %s", strerrorname_np(error));
}
