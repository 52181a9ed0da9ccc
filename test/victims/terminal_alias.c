// Opens the controlling terminal under another name than /dev/tty: it must be its own, or none.
// terminal_alias
#include <sys/ioctl.h>

#include "victim.h"

/// -1 where nothing was opened, or the terminal is the one that standard input is anyway.
static int foreign(int fd) {
  unsigned own = 0, got = 0;
  if (fd < 0) {
    if (errno == ENXIO) errno = EACCES;  // no terminal to open
    return -1;
  }
  if (ioctl(fd, TIOCGDEV, &got) < 0) finish(BROKEN, "no terminal was opened");
  if (ioctl(0, TIOCGDEV, &own) == 0 && own == got) {
    errno = EACCES;
    return -1;
  }
  return fd;
}

int main(void) {
  char handle[64];
  need("symlink", symlink("/dev/tty", "alias"));
  attempt("a link to /dev/tty", foreign(open("alias", O_RDWR)));
  attempt("a link, for reading", foreign(open("alias", O_RDONLY)));
  attempt("a link, with ..", foreign(open("./../workspace/alias", O_RDWR)));
  int held = open("/dev/tty", O_PATH);
  snprintf(handle, sizeof handle, "/proc/self/fd/%d", held);
  if (held >= 0)
    attempt("a handle opened again", foreign(open(handle, O_RDWR)));
  else
    attempt("a handle", foreign(-1));
  verdict();
}
