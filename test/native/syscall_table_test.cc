#include "linux/notify/syscall_table.h"

#include <sys/syscall.h>

#include <initializer_list>

#include "test.h"

using notify::kAbsent;
using notify::shape_of;

TEST(syscall_table_knows_where_paths_are) {
  EXPECT(shape_of(SYS_open).path_one == 0 && shape_of(SYS_open).dirfd_one == kAbsent);
  EXPECT(shape_of(SYS_openat).path_one == 1 && shape_of(SYS_openat).dirfd_one == 0);
  EXPECT(shape_of(SYS_renameat2).path_two == 3 && shape_of(SYS_renameat2).dirfd_two == 2);
  EXPECT(shape_of(SYS_symlinkat).path_one == 2 && shape_of(SYS_symlinkat).path_two == 0);
  EXPECT(shape_of(SYS_symlink).second == notify::Second::kRaw);
  EXPECT(shape_of(SYS_fchmod).object == 0 && shape_of(SYS_fchmod).path_one == kAbsent);
  EXPECT(shape_of(SYS_setxattr).value == 2 && shape_of(SYS_setxattr).second == notify::Second::kName);
  EXPECT(shape_of(SYS_utimensat).null_is_dirfd);
  EXPECT(shape_of(SYS_connect).socket == 0 && shape_of(SYS_connect).address == 1);
  EXPECT(shape_of(SYS_bind).socket == 0 && shape_of(SYS_bind).address == 1);
  EXPECT(shape_of(SYS_listen).socket == 0 && shape_of(SYS_listen).address == kAbsent);
}

TEST(syscall_table_reads_nothing_of_others) {
  for (const int nr : {-1, 511, 512, 1 << 30, static_cast<int>(SYS_socket), static_cast<int>(SYS_ptrace)}) {
    EXPECT(shape_of(nr).path_one == kAbsent && shape_of(nr).object == kAbsent);
  }
}
