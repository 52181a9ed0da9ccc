// What path_table.c does to each object: the operations, and which of them it does how often.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

enum { OTHER_ID = 4242 };

enum op {
  OPEN,
  OPEN_OLD,
  CREAT,
  MKDIR,
  MKDIR_OLD,
  RMDIR,
  UNLINK,
  UNLINK_OLD,
  TRUNCATE,
  CHMOD,
  CHMOD_OLD,
  CHMOD2,
  CHOWN,
  CHOWN_OLD,
  LCHOWN,
  UTIMENS,
  UTIMES_OLD,
  UTIME_OLD,
  SYMLINK,
  SYMLINK_EMPTY,
  MKNOD,
  MKNOD_OLD,
  LINK_FROM,
  LINK_TO,
  LINK_OLD,
  RENAME_FROM,
  RENAME_TO,
  RENAME_OLD,
  SETXATTR,
  LSETXATTR,
  REMOVEXATTR,
  RENAME_BOTH,
  LINK_BOTH
};

struct operation {
  const char* name;
  enum op op;
  long one, two;
};

static const struct timespec PAST[2] = {{1000, 5}, {2000, 7}};
static const struct timespec OMIT[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
static const struct timespec SOME[2] = {{0, UTIME_OMIT}, {3000, 0}};
static const struct timespec WRONG[2] = {{1, 1000000000}, {1, 0}};
static const struct timespec EARLY[2] = {{-5, 0}, {-7, 999999999}};

#define FLAGS(f) {"open " #f, OPEN, f, 0}
static const struct operation opens[] = {
    FLAGS(O_RDONLY),
    FLAGS(O_WRONLY),
    FLAGS(O_RDWR),
    FLAGS(O_RDONLY | O_CREAT),
    FLAGS(O_WRONLY | O_CREAT),
    FLAGS(O_RDWR | O_CREAT),
    FLAGS(O_WRONLY | O_CREAT | O_EXCL),
    FLAGS(O_RDONLY | O_CREAT | O_EXCL),
    FLAGS(O_WRONLY | O_TRUNC),
    FLAGS(O_RDONLY | O_TRUNC),
    FLAGS(O_RDWR | O_CREAT | O_TRUNC),
    FLAGS(O_RDONLY | O_CREAT | O_TRUNC),
    FLAGS(O_WRONLY | O_APPEND),
    FLAGS(O_RDONLY | O_APPEND),
    FLAGS(O_WRONLY | O_CREAT | O_APPEND),
    FLAGS(O_RDONLY | O_DIRECTORY),
    FLAGS(O_WRONLY | O_DIRECTORY),
    FLAGS(O_RDONLY | O_DIRECTORY | O_CREAT),
    FLAGS(O_RDONLY | O_NOFOLLOW),
    FLAGS(O_WRONLY | O_NOFOLLOW),
    FLAGS(O_WRONLY | O_CREAT | O_NOFOLLOW),
    FLAGS(O_RDONLY | O_NOFOLLOW | O_DIRECTORY),
    FLAGS(O_PATH),
    FLAGS(O_PATH | O_NOFOLLOW),
    FLAGS(O_PATH | O_DIRECTORY),
    FLAGS(O_PATH | O_CREAT | O_WRONLY),
    FLAGS(O_RDWR | O_TMPFILE),
    FLAGS(O_RDONLY | O_TMPFILE),
    FLAGS(O_WRONLY | O_TMPFILE | O_EXCL),
    FLAGS(O_WRONLY | O_TMPFILE | O_CREAT),
    FLAGS(O_WRONLY | O_DIRECT),
    FLAGS(O_RDONLY | O_NOATIME),
    FLAGS(O_WRONLY | O_SYNC),
    FLAGS(O_WRONLY | O_DSYNC),
    FLAGS(O_ACCMODE),
    FLAGS(O_WRONLY | O_EXCL),
    FLAGS(O_RDONLY | O_ASYNC),
    FLAGS(O_RDONLY | O_CLOEXEC | O_NOCTTY),
    FLAGS(O_RDONLY | 0x40000000),
    FLAGS(O_RDONLY | O_NONBLOCK | O_TRUNC),
};

static const struct operation unaries[] = {
    {"open O_RDONLY", OPEN, O_RDONLY, 0},
    {"open O_WRONLY | O_CREAT", OPEN, O_WRONLY | O_CREAT, 0},
    {"open O_RDWR | O_CREAT | O_EXCL", OPEN, O_RDWR | O_CREAT | O_EXCL, 0},
    {"open O_WRONLY | O_TRUNC | O_NOFOLLOW", OPEN, O_WRONLY | O_TRUNC | O_NOFOLLOW, 0},
    {"open O_RDONLY | O_DIRECTORY | O_NOFOLLOW", OPEN, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0},
    {"open O_PATH", OPEN, O_PATH, 0},
    {"mkdirat 0777", MKDIR, 0777, 0},
    {"unlinkat AT_REMOVEDIR", RMDIR, AT_REMOVEDIR, 0},
    {"unlinkat", UNLINK, 0, 0},
    {"fchmodat 0600", CHMOD, 0600, 0},
    {"fchmodat2 AT_SYMLINK_NOFOLLOW 0600", CHMOD2, 0600, AT_SYMLINK_NOFOLLOW},
    {"fchownat own", CHOWN, -2, 0},
    {"fchownat AT_SYMLINK_NOFOLLOW own", CHOWN, -2, AT_SYMLINK_NOFOLLOW},
    {"utimensat", UTIMENS, (long)PAST, 0},
    {"utimensat AT_SYMLINK_NOFOLLOW", UTIMENS, (long)PAST, AT_SYMLINK_NOFOLLOW},
    {"symlinkat", SYMLINK, 0, 0},
    {"mknodat S_IFIFO", MKNOD, S_IFIFO | 0666, 0},
    {"linkat from", LINK_FROM, 0, 0},
    {"linkat AT_SYMLINK_FOLLOW from", LINK_FROM, AT_SYMLINK_FOLLOW, 0},
    {"linkat to", LINK_TO, 0, 0},
    {"renameat2 from", RENAME_FROM, 0, 0},
    {"renameat2 to", RENAME_TO, 0, 0},
};

// Once a kind, in the plain spelling.
static const struct operation rares[] = {
    {"open(2) O_RDONLY", OPEN_OLD, O_RDONLY, 0},
    {"open(2) O_WRONLY | O_CREAT", OPEN_OLD, O_WRONLY | O_CREAT, 0},
    {"open O_WRONLY | O_CREAT 04755", OPEN, O_WRONLY | O_CREAT, 04755},
    {"creat(2)", CREAT, 0600, 0},
    {"mkdir(2) 01777", MKDIR_OLD, 01777, 0},
    {"mkdirat 07777", MKDIR, 07777, 0},
    {"rmdir(2)", RMDIR, -1, 0},
    {"unlink(2)", UNLINK_OLD, 0, 0},
    {"unlinkat 0x1000", UNLINK, 0x1000, 0},
    {"truncate(2) 0", TRUNCATE, 0, 0},
    {"truncate(2) 3", TRUNCATE, 3, 0},
    {"truncate(2) 100", TRUNCATE, 100, 0},
    {"truncate(2) -1", TRUNCATE, -1, 0},
    {"chmod(2) 0640", CHMOD_OLD, 0640, 0},
    {"chmod(2) 01755", CHMOD_OLD, 01755, 0},
    {"chmod(2) 04755", CHMOD_OLD, 04755, 0},
    {"fchmodat2 0x8000", CHMOD2, 0600, 0x8000},
    {"fchmodat2 AT_EMPTY_PATH", CHMOD2, 0600, AT_EMPTY_PATH},
    {"chown(2) own", CHOWN_OLD, -2, 0},
    {"chown(2) nobody's", CHOWN_OLD, OTHER_ID, 0},
    {"chown(2) -1", CHOWN_OLD, -1, 0},
    {"lchown(2) own", LCHOWN, -2, 0},
    {"fchownat 0x8000", CHOWN, -2, 0x8000},
    {"utimensat now", UTIMENS, 0, 0},
    {"utimensat UTIME_OMIT both", UTIMENS, (long)OMIT, 0},
    {"utimensat UTIME_OMIT one", UTIMENS, (long)SOME, 0},
    {"utimensat wrong nanoseconds", UTIMENS, (long)WRONG, 0},
    {"utimensat before 1970", UTIMENS, (long)EARLY, 0},
    {"utimensat 0x8000", UTIMENS, (long)PAST, 0x8000},
    {"utimes(2)", UTIMES_OLD, 0, 0},
    {"utime(2)", UTIME_OLD, 0, 0},
    {"symlinkat with an empty target", SYMLINK_EMPTY, 0, 0},
    {"mknod(2) S_IFREG", MKNOD_OLD, S_IFREG | 0640, 0},
    {"mknodat of no type", MKNOD, 0640, 0},
    {"mknodat S_IFCHR", MKNOD, S_IFCHR | 0640, 0x103},
    {"mknodat S_IFSOCK", MKNOD, S_IFSOCK | 0640, 0},
    {"mknodat S_IFDIR", MKNOD, S_IFDIR | 0640, 0},
    {"mknodat S_IFLNK", MKNOD, S_IFLNK | 0640, 0},
    {"mknodat of an unknown type", MKNOD, 0030000 | 0640, 0},
    {"mknodat S_IFIFO 07777", MKNOD, S_IFIFO | 07777, 0},
    {"link(2) from", LINK_OLD, 0, 0},
    {"linkat 0x8000 from", LINK_FROM, 0x8000, 0},
    {"rename(2) to itself", RENAME_OLD, 0, 0},
    {"renameat2 RENAME_NOREPLACE to", RENAME_TO, 1, 0},
    {"renameat2 RENAME_EXCHANGE to", RENAME_TO, 2, 0},
    {"renameat2 RENAME_NOREPLACE | RENAME_EXCHANGE to", RENAME_TO, 3, 0},
    {"renameat2 RENAME_WHITEOUT to", RENAME_TO, 4, 0},
    {"renameat2 0x8 to", RENAME_TO, 8, 0},
    {"setxattr user.x", SETXATTR, 0, (long)"user.x"},
    {"setxattr user.x XATTR_CREATE", SETXATTR, XATTR_CREATE, (long)"user.x"},
    {"setxattr user.x XATTR_REPLACE", SETXATTR, XATTR_REPLACE, (long)"user.x"},
    {"setxattr user.x 0x8", SETXATTR, 8, (long)"user.x"},
    {"setxattr x", SETXATTR, 0, (long)"x"},
    {"setxattr trusted.x", SETXATTR, 0, (long)"trusted.x"},
    {"setxattr user.", SETXATTR, 0, (long)"user."},
    {"lsetxattr user.x", LSETXATTR, 0, (long)"user.x"},
    {"removexattr user.x", REMOVEXATTR, 0, (long)"user.x"},
};

static const struct operation pairs[] = {
    {"rename", RENAME_BOTH, 0, 0},
    {"rename RENAME_NOREPLACE", RENAME_BOTH, 1, 0},
    {"rename RENAME_EXCHANGE", RENAME_BOTH, 2, 0},
    {"link", LINK_BOTH, 0, 0},
};
