// Does random things to a few names and prints what came of each: inside and outside must say the same.
// random_operations SEED COUNT
#include <dirent.h>
#include <sys/xattr.h>

#include "victim.h"

static uint64_t state;
static unsigned pick(unsigned below) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (unsigned)(state >> 33) % below;
}

static const char* name(void) {
  static const char* const names[] = {"a",     "b",        "c",      "d",        "d/a",    "d/b",    "d/e",
                                      "d/e/a", "./a",      "d/../b", "a/b",      "l",      "l/a",    "m/../a",
                                      "d/l",   "d/e/../a", "m",      "..x",      "n/o/p",  "d//b",   "d/e/f",
                                      "s",     "s/a",      "t",      "dangling", "l/../b", "d/e/l/a"};
  return names[pick(sizeof names / sizeof *names)];
}

static const char* target(void) {
  static const char* const targets[] = {"a", "d", "d/e", "../a", ".", "l", "m", "nothing", "d/a", "../d/b"};
  return targets[pick(sizeof targets / sizeof *targets)];
}

static long open_random(char* what, size_t room) {
  static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR};
  static const int extra[] = {O_CREAT,     O_EXCL,    O_TRUNC, O_APPEND, O_NOFOLLOW,
                              O_DIRECTORY, O_CLOEXEC, O_SYNC,  O_NOATIME};
  int flags = access[pick(3)] | O_NONBLOCK;
  for (unsigned at = 0; at < sizeof extra / sizeof *extra; at++) {
    if (pick(4) == 0) flags |= extra[at];
  }
  if (!(flags & O_CREAT)) flags &= ~O_EXCL;               // open(2): undefined
  if (flags & O_DIRECTORY) flags &= ~(O_CREAT | O_EXCL);  // Kernels have changed their minds about the two.
  const char* path = name();
  snprintf(what, room, "open %s %x", path, flags);
  int fd = open(path, flags, 0640);
  if (fd < 0) return -1;
  struct stat found;
  char bytes[64];
  long got = flags & O_DIRECTORY ? 0 : read(fd, bytes, sizeof bytes);
  int read_error = got < 0 ? errno : 0;
  long put = write(fd, "abc", 3);
  int write_error = put < 0 ? errno : 0;
  fstat(fd, &found);
  size_t used = strlen(what);
  snprintf(what + used, room - used, " mode %o size %ld read %ld/%d write %ld/%d flags %x", found.st_mode,
           S_ISREG(found.st_mode) ? (long)found.st_size : 0L, got, read_error, put, write_error,
           fcntl(fd, F_GETFL) & ~(flags & (O_WRONLY | O_RDWR) ? O_NONBLOCK : O_NONBLOCK | O_APPEND));
  close(fd);
  return 0;
}

static long act(char* what, size_t room) {
  struct timespec times[2] = {{1000, 5}, {2000, 7}};
  const char* one = name();
  switch (pick(19)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return open_random(what, room);
    case 5:
      snprintf(what, room, "mkdir %s", one);
      return mkdir(one, 0750);
    case 6:
      snprintf(what, room, "rmdir %s", one);
      return rmdir(one);
    case 7:
      snprintf(what, room, "unlink %s", one);
      return unlink(one);
    case 8:
    case 9: {
      const char* two = name();
      snprintf(what, room, "rename %s %s", one, two);
      return rename(one, two);
    }
    case 10: {
      const char* two = name();
      unsigned flags = 1 + pick(2);
      snprintf(what, room, "renameat2 %s %s %u", one, two, flags);
      return renameat2(AT_FDCWD, one, AT_FDCWD, two, flags);
    }
    case 11: {
      const char* two = name();
      int flags = pick(2) ? AT_SYMLINK_FOLLOW : 0;
      snprintf(what, room, "linkat %s %s %x", one, two, flags);
      return linkat(AT_FDCWD, one, AT_FDCWD, two, flags);
    }
    case 12: {
      const char* to = target();
      snprintf(what, room, "symlink %s %s", to, one);
      return symlink(to, one);
    }
    case 13: {
      mode_t mode =
          0700 | pick(0100);  // Root keeps no capability inside: without x it is as locked out as others.
      snprintf(what, room, "chmod %s %o", one, mode);
      return fchmodat(AT_FDCWD, one, mode, pick(3) == 0 ? AT_SYMLINK_NOFOLLOW : 0);
    }
    case 14:
      snprintf(what, room, "truncate %s", one);
      return truncate(one, pick(20));
    case 15:
      snprintf(what, room, "utimensat %s", one);
      return utimensat(AT_FDCWD, one, times, pick(2) ? AT_SYMLINK_NOFOLLOW : 0);
    case 16:
      snprintf(what, room, "setxattr %s", one);
      return pick(2) ? setxattr(one, "user.x", "y", 1, (int)pick(3)) : removexattr(one, "user.x");
    case 17:
      snprintf(what, room, "mknod %s", one);
      return mknod(one, (pick(2) ? S_IFREG : S_IFIFO) | 0620, 0);
    default: {
      mode_t mask = pick(2) ? 022 : 077;
      umask(mask);
      snprintf(what, room, "umask %o", mask);
      return 0;
    }
  }
}

static int visible(const struct dirent* entry) {
  return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
         strcmp(entry->d_name, "random_operations") != 0;
}

static void show(const char* directory) {
  struct dirent** entries;
  int count = scandir(directory, &entries, visible, alphasort);
  for (int at = 0; at < count; at++) {
    char path[4096], to[256] = "";
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", directory, entries[at]->d_name);
    if (lstat(path, &found) < 0) continue;
    if (S_ISLNK(found.st_mode) && readlink(path, to, sizeof to - 1) < 0) continue;
    printf("%s %o %lu %ld %s\n", path, found.st_mode,
           S_ISDIR(found.st_mode) ? 0UL : (unsigned long)found.st_nlink,
           S_ISREG(found.st_mode) ? (long)found.st_size : 0L, to);
    if (S_ISDIR(found.st_mode)) show(path);
  }
}

int main(int argc, char** argv) {
  state = strtoull(argument(argc, argv, 1), NULL, 10);
  int count = atoi(argument(argc, argv, 2));
  umask(022);
  signal(SIGPIPE, SIG_IGN);
  // Links that lead upwards stay in the workspace.
  for (int at = 0; at < 3; at++) {
    need("mkdir", mkdir("deep", 0755));
    need("chdir", chdir("deep"));
  }
  for (int at = 0; at < count; at++) {
    char what[512];
    long result = act(what, sizeof what);
    // Of two paths that both fail, which one is looked at first is nobody's promise.
    int lost = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    printf("%d %s: %s\n", at, what, result >= 0 ? "ok" : lost ? "no such path" : strerrorname_np(errno));
  }
  need("chdir", chdir("../../.."));
  show(".");
  return REFUSED;
}
