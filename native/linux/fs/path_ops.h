#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <vector>

// Operations on absolute, normalised paths in which no symbolic link is followed (fs/open.h). Each gives 0,
// or what it says, or -errno. They act with the authority of the calling thread (process/authority.h). `mask`
// is the umask of the caller: the thread's own is replaced for the length of the call, so the thread must
// have one of its own (unshare(CLONE_FS)); setuid and setgid bits are taken out of every mode.
namespace fs {

// A descriptor. Adds O_CLOEXEC, O_NOCTTY and O_NONBLOCK (a FIFO or a terminal must not block the event loop)
// and takes O_NONBLOCK off afterwards unless `flags` had it. A FIFO opened for writing without a reader is
// -ENXIO, open(2). A FIFO opened for reading alone and without O_NONBLOCK is -ESPIPE: the caller opens it
// with O_NONBLOCK and waits for a writer (poll_descriptor), then takes O_NONBLOCK off (make_blocking).
[[nodiscard]] int open_path(const char* path, int flags, mode_t mode, mode_t mask);

// revents of poll(2) without waiting, for POLLIN; or -errno.
[[nodiscard]] int poll_descriptor(int fd);
[[nodiscard]] int make_blocking(int fd);
// F_DUPFD_CLOEXEC of fcntl(2): the new descriptor, or -errno.
[[nodiscard]] int duplicate(int fd);
// F_DUPFD: one that programs inherit, with a number from `lowest` on.
[[nodiscard]] int duplicate_inherited(int fd, int lowest);

[[nodiscard]] int make_directory(const char* path, mode_t mode, mode_t mask);
// S_IFREG or S_IFIFO only; anything else is -EPERM.
[[nodiscard]] int make_node(const char* path, mode_t mode, mode_t mask);
// `flags`: 0 or AT_REMOVEDIR.
[[nodiscard]] int remove_path(const char* path, int flags);
// `flags` of renameat2(2).
[[nodiscard]] int rename_path(const char* from, const char* to, unsigned flags);
[[nodiscard]] int link_path(const char* from, const char* to);
[[nodiscard]] int make_symlink(const char* target, const char* path);

// Links the unnamed file that thread `tid` holds as `remote_fd`; -EXDEV when it has a name already.
[[nodiscard]] int link_descriptor(int tid, int remote_fd, const char* to);

// Of the link itself when the last component is one.
[[nodiscard]] int stat_path(const char* path, struct stat& out);

// Names without "." and ".."; -EOVERFLOW above `max_entries`.
[[nodiscard]] int list_directory(const char* path, size_t max_entries, std::vector<std::string>& names);
[[nodiscard]] int read_symlink(const char* path, std::string& target);

// readlink(2) of /proc/self/fd/<fd>.
[[nodiscard]] int path_of_descriptor(int fd, std::string& path);

// Opens again what `remote_fd` of thread `tid` names, through no path at all. Only FIFOs, terminals and
// memfds, with at most the access that the descriptor has (else -EACCES). -EXDEV: a file or directory, to be
// decided by its path; -ENXIO: a socket, as open(2) of /proc/PID/fd/N.
[[nodiscard]] int reopen_descriptor(int tid, int remote_fd, int flags);

}  // namespace fs
