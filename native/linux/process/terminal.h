#pragma once

#include <termios.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace process {

struct Pty {
  base::UniqueFd master;
  base::UniqueFd slave;
  std::string slave_name;
};

struct WindowSize {
  unsigned short rows;
  unsigned short columns;
};

// A pseudo-terminal, both ends close-on-exec and neither controlling. The slave comes from TIOCGPTPEER
// (Linux 4.13), not by name: /dev/pts of another mount namespace could hold another terminal of that number.
[[nodiscard]] base::Result<Pty> open_pty();
[[nodiscard]] base::Result<base::Done> set_window_size(int fd, const WindowSize& size);
[[nodiscard]] base::Result<WindowSize> get_window_size(int fd);

// cfmakeraw(3): nothing is translated in either direction. Gives the settings that were, for
// restore_terminal.
[[nodiscard]] base::Result<termios> make_raw(int fd);
[[nodiscard]] base::Result<base::Done> restore_terminal(int fd, const termios& settings);

}  // namespace process
