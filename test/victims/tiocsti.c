// Types a command into the terminal it was started from.
#include <sys/ioctl.h>

#include "victim.h"

int main(void) {
  attempt("TIOCSTI on 0", ioctl(0, TIOCSTI, "x"));
  int terminal = open("/dev/tty", O_RDONLY);
  if (terminal >= 0) attempt("TIOCSTI on /dev/tty", ioctl(terminal, TIOCSTI, "x"));
  verdict();
}
