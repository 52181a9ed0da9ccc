#include "linux/process/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <utility>

namespace process {

using base::Done;
using base::last_failure;
using base::Result;
using base::UniqueFd;

Result<Pty> open_pty() {
  Pty pty;
  pty.master.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.master.valid()) return last_failure("posix_openpt");
  const int unlocked = 0;
  if (ioctl(pty.master.get(), TIOCSPTLCK, &unlocked) != 0) return last_failure("ioctl(TIOCSPTLCK)");
  pty.slave.reset(ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!pty.slave.valid()) return last_failure("ioctl(TIOCGPTPEER)");
  unsigned number = 0;
  if (ioctl(pty.master.get(), TIOCGPTN, &number) != 0) return last_failure("ioctl(TIOCGPTN)");
  pty.slave_name = "/dev/pts/" + std::to_string(number);
  return pty;
}

Result<Done> set_window_size(int fd, const WindowSize& size) {
  const winsize wanted{size.rows, size.columns, 0, 0};
  if (ioctl(fd, TIOCSWINSZ, &wanted) != 0) return last_failure("ioctl(TIOCSWINSZ)");
  return Done{};
}

Result<WindowSize> get_window_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0) return last_failure("ioctl(TIOCGWINSZ)");
  return WindowSize{size.ws_row, size.ws_col};
}

Result<termios> make_raw(int fd) {
  termios before{};
  if (tcgetattr(fd, &before) != 0) return last_failure("tcgetattr");
  termios raw = before;
  cfmakeraw(&raw);
  if (tcsetattr(fd, TCSADRAIN, &raw) != 0) return last_failure("tcsetattr");
  return before;
}

Result<Done> restore_terminal(int fd, const termios& settings) {
  if (tcsetattr(fd, TCSADRAIN, &settings) != 0) return last_failure("tcsetattr");
  return Done{};
}

}  // namespace process
