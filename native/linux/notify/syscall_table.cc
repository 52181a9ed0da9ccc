#include "linux/notify/syscall_table.h"

#include <array>

#include "linux/uapi.h"

namespace notify {

namespace {

struct Entry {
  int nr;
  CallShape shape;
};

constexpr CallShape kRegisters{};
constexpr CallShape kPath{.path_one = 0};
constexpr CallShape kAtPath{.path_one = 1, .dirfd_one = 0};
constexpr CallShape kObject{.object = 0};

constexpr Entry kEntries[] = {
    {__NR_open, kPath},
    {__NR_creat, kPath},
    {__NR_truncate, kPath},
    {__NR_mkdir, kPath},
    {__NR_mknod, kPath},
    {__NR_rmdir, kPath},
    {__NR_unlink, kPath},
    {__NR_chmod, kPath},
    {__NR_chown, kPath},
    {__NR_lchown, kPath},
    {__NR_execve, kPath},
    {__NR_openat, kAtPath},
    {__NR_mkdirat, kAtPath},
    {__NR_mknodat, kAtPath},
    {__NR_unlinkat, kAtPath},
    {__NR_fchmodat, kAtPath},
    {__NR_fchmodat2, {.path_one = 1, .dirfd_one = 0, .at_flags = 3}},
    {__NR_fchownat, {.path_one = 1, .dirfd_one = 0, .at_flags = 4}},
    {__NR_execveat, {.path_one = 1, .dirfd_one = 0, .at_flags = 4}},
    {__NR_fchmod, kObject},
    {__NR_fchown, kObject},
    {__NR_rename, {.path_one = 0, .path_two = 1}},
    {__NR_renameat, {.path_one = 1, .dirfd_one = 0, .path_two = 3, .dirfd_two = 2}},
    {__NR_renameat2, {.path_one = 1, .dirfd_one = 0, .path_two = 3, .dirfd_two = 2}},
    {__NR_link, {.path_one = 0, .path_two = 1}},
    {__NR_linkat, {.path_one = 1, .dirfd_one = 0, .path_two = 3, .dirfd_two = 2, .at_flags = 4}},
    {__NR_symlink, {.path_one = 1, .path_two = 0, .second = Second::kRaw}},
    {__NR_symlinkat, {.path_one = 2, .dirfd_one = 1, .path_two = 0, .second = Second::kRaw}},
    {__NR_utime, {.path_one = 0, .times = 1, .times_form = Times::kUtimbuf}},
    {__NR_utimes, {.path_one = 0, .times = 1, .times_form = Times::kTimeval}},
    {__NR_futimesat,
     {.path_one = 1, .dirfd_one = 0, .times = 2, .times_form = Times::kTimeval, .null_is_dirfd = true}},
    {__NR_utimensat,
     {.path_one = 1,
      .dirfd_one = 0,
      .at_flags = 3,
      .times = 2,
      .times_form = Times::kTimespec,
      .null_is_dirfd = true}},
    {__NR_setxattr, {.path_one = 0, .path_two = 1, .value = 2, .second = Second::kName}},
    {__NR_lsetxattr, {.path_one = 0, .path_two = 1, .value = 2, .second = Second::kName}},
    {__NR_fsetxattr, {.path_two = 1, .object = 0, .value = 2, .second = Second::kName}},
    {__NR_removexattr, {.path_one = 0, .path_two = 1, .second = Second::kName}},
    {__NR_lremovexattr, {.path_one = 0, .path_two = 1, .second = Second::kName}},
    {__NR_fremovexattr, {.path_two = 1, .object = 0, .second = Second::kName}},
    {__NR_connect, {.socket = 0, .address = 1}},
    {__NR_bind, {.socket = 0, .address = 1}},
    {__NR_listen, {.socket = 0}},
};

constexpr int kNumbers = 512;

// Position in kEntries plus one; 0 for a number that is not there.
constexpr std::array<uint8_t, kNumbers> make_index() {
  std::array<uint8_t, kNumbers> index{};
  uint8_t position = 0;
  for (const Entry& entry : kEntries) index[static_cast<size_t>(entry.nr)] = ++position;
  return index;
}

constexpr std::array<uint8_t, kNumbers> kIndex = make_index();

}  // namespace

const CallShape& shape_of(int nr) {
  if (nr < 0 || nr >= kNumbers) return kRegisters;
  const uint8_t position = kIndex[static_cast<size_t>(nr)];
  return position == 0 ? kRegisters : kEntries[position - 1].shape;
}

}  // namespace notify
