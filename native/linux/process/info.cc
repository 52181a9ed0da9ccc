#include "linux/process/info.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "base/unique_fd.h"
#include "linux/uapi.h"

namespace process {

namespace {

constexpr long kPidFsMagic = 0x50494446;  // PID_FS_MAGIC, linux/magic.h
constexpr unsigned kFirstPtsMajor =
    136;  // UNIX98_PTY_SLAVE_MAJOR, 8 of them, linux/Documentation/admin-guide/devices.txt
constexpr unsigned kLastPtsMajor = 143;

// Reads a small file of /proc/<id> as text. 0 or -errno.
int read_proc(int id, const char* file, char* text, size_t size) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", id, file);
  base::UniqueFd fd(open(path, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return errno == ENOENT ? -ESRCH : -errno;
  const ssize_t got = read(fd.get(), text, size - 1);
  if (got < 0) return -errno;
  text[got] = '\0';
  return 0;
}

int status_number(int tid, const char* key) {
  char text[4096];
  if (const int failed = read_proc(tid, "status", text, sizeof text); failed < 0) return failed;
  const char* at = std::strstr(text, key);
  return at == nullptr ? -ENODATA : static_cast<int>(std::strtol(at + std::strlen(key), nullptr, 10));
}

// The fields after the name. The name may hold ")" and digits: only the last ")" ends it.
int stat_fields(int id, int& parent, unsigned& terminal) {
  char text[1024];
  if (const int failed = read_proc(id, "stat", text, sizeof text); failed < 0) return failed;
  const char* end = std::strrchr(text, ')');
  int device = 0;
  if (end == nullptr || std::sscanf(end + 1, " %*c %d %*d %*d %d", &parent, &device) != 2) return -ENODATA;
  terminal = static_cast<unsigned>(device);
  return 0;
}

}  // namespace

int thread_group(int tid) {
  base::UniqueFd pidfd(static_cast<int>(syscall(__NR_pidfd_open, tid, PIDFD_THREAD)));
  if (pidfd.valid()) {
    uapi::PidfdInfo info{};
    info.mask = PIDFD_INFO_PID;
    if (ioctl(pidfd.get(), PIDFD_GET_INFO, &info) == 0) return static_cast<int>(info.tgid);
  }
  return status_number(tid, "\nTgid:");
}

double boot_time_ms() {
  timespec now{};
  (void)clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) * 1000 + static_cast<double>(now.tv_nsec) / 1e6;
}

double identity_of(int pid) {
  const base::UniqueFd pidfd(static_cast<int>(syscall(__NR_pidfd_open, pid, 0)));
  return pidfd.valid() ? identity_of_pidfd(pidfd.get()) : -errno;
}

double identity_of_pidfd(int pidfd) {
  struct stat found{};
  struct statfs kind{};
  if (fstatfs(pidfd, &kind) != 0 || fstat(pidfd, &found) != 0) return -errno;
  // Before pidfs all of them had one inode.
  return kind.f_type == kPidFsMagic ? static_cast<double>(found.st_ino) : -ENOSYS;
}

int controlling_terminal(int tid) {
  int parent = 0;
  unsigned device = 0;
  if (const int failed = stat_fields(tid, parent, device); failed < 0) return failed;
  // new_encode_dev() of the kernel: 12 bits of major between the two parts of minor.
  const unsigned major = (device >> 8) & 0xfffU;
  const unsigned minor = (device & 0xffU) | ((device >> 12) & 0xfff00U);
  if (major < kFirstPtsMajor || major > kLastPtsMajor) return -ENXIO;
  return static_cast<int>((major - kFirstPtsMajor) * 256 + minor);
}

int parent_of(int pid) {
  int parent = 0;
  unsigned device = 0;
  const int failed = stat_fields(pid, parent, device);
  return failed < 0 ? failed : parent;
}

}  // namespace process
