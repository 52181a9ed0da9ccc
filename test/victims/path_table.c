// Does each operation of a table to each kind of object under each spelling of its name, one case a directory. Inside and outside
// must say and leave the same.
// path_table prepare   makes the directories, outside
// path_table run       performs the cases and prints what came of each
// path_table show      prints what each directory then holds, outside
#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "victim.h"

enum { OUTSIDE_FD = 90, FILE_FD = 91, PATH_ROOM = 8192 };
enum { OTHER_ID = 4242 };

enum mode { PREPARE, RUN, SHOW };
static enum mode mode;
static int number, root;
static char here[PATH_ROOM / 2];

// --- Objects -------------------------------------------------------------------------------------------------------------

static void link_to(const char* target, const char* name) { need(name, symlink(target, name)); }
static void make_file(const char* name) { put_file(name, name, 0644); }
static void make_full(const char* name) {
  need(name, mkdir(name, 0755));
  int directory = (int)need(name, open(name, O_RDONLY | O_DIRECTORY));
  close((int)need("x", openat(directory, "x", O_CREAT | O_WRONLY, 0644)));
  need("sub", mkdirat(directory, "sub", 0755));
  close(directory);
}

struct kind {
  const char* name;
  const char* needs;  // another object, made before
  const char* target; // of a symbolic link
};

static const struct kind kinds[] = {
    {"absent", 0, 0},       {"file", 0, 0},         {"dir", 0, 0},
    {"full", 0, 0},         {"fifo", 0, 0},         {"sock", 0, 0},
    {"hard", "file", 0},    {"sealed", 0, 0},       {"ro", 0, 0},
    {"locked", 0, 0},       {"rodir", 0, 0},        {"lfile", "file", "file"},
    {"ldir", "full", "full"}, {"lchain", "lfile", "lfile"}, {"lnone", 0, "nothing"},
    {"ldeep", 0, "no/where"}, {"loop", 0, "loop"},    {"lslash", "full", "full/"},
    {"lwrong", "file", "file/"}, {"lup", 0, "../away"},
};

// How often a kind is tried: 0 plainly, 1 in pairs too, 2 under the spellings that end otherwise too, 3 under each.
static int weight(const char* name) {
  static const char* const names[] = {"dir",   "hard", "locked", "absent", "lfile",
                                      "ldir", "lnone", "loop",   "file",   "full"};
  for (int at = 9; at >= 0; at--) {
    if (strcmp(names[at], name) == 0) return at < 3 ? 1 : at < 8 ? 2 : 3;
  }
  return 0;
}

static void make(const char* name) {
  const struct kind* kind = kinds;
  struct stat found;
  while (strcmp(kind->name, name) != 0) kind++;
  if (strcmp(name, "absent") == 0 || lstat(name, &found) == 0) return;
  if (kind->needs) make(kind->needs);
  if (kind->target) return link_to(kind->target, name);
  if (strcmp(name, "dir") == 0) need(name, mkdir(name, 0755));
  else if (strcmp(name, "fifo") == 0) need(name, mkfifo(name, 0644));
  else if (strcmp(name, "hard") == 0) need(name, link("file", name));
  else if (strcmp(name, "sock") == 0) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"};
    int fd = (int)need(name, socket(AF_UNIX, SOCK_STREAM, 0));
    need(name, bind(fd, (struct sockaddr*)&address, sizeof address));
    close(fd);
  } else if (strcmp(name, "full") == 0 || strcmp(name, "locked") == 0 || strcmp(name, "rodir") == 0) {
    make_full(name);
  } else {
    make_file(name);
  }
  if (strcmp(name, "sealed") == 0 || strcmp(name, "locked") == 0) need(name, chmod(name, 0));
  if (strcmp(name, "ro") == 0) need(name, chmod(name, 0444));
  if (strcmp(name, "rodir") == 0) need(name, chmod(name, 0555));
}

// --- Spellings -----------------------------------------------------------------------------------------------------------

struct spelling {
  const char* name;
  const char* before;
  const char* after;
  int dirfd;
};

static const struct spelling spellings[] = {
    {"plain", "", "", AT_FDCWD},        {"slash", "", "/", AT_FDCWD},
    {"dot", "", "/.", AT_FDCWD},        {"dotdot", "", "/..", AT_FDCWD},
    {"below", "", "/x", AT_FDCWD},      {"belowslash", "", "/x/", AT_FDCWD},
    {"via", "via/./via/", "", AT_FDCWD}, {"viaslash", "via/", "/", AT_FDCWD},
    {"atdir", "", "", OUTSIDE_FD},      {"belowdir", "", "/sub", AT_FDCWD},
    {"back", "", "/../file", AT_FDCWD}, {"slashes", ".//./", "//", AT_FDCWD},
    {"absolute", "=", "", AT_FDCWD},    {"absolutebad", "=", "", 99},
    {"atfile", "", "", FILE_FD},        {"atbad", "", "", 99},
    {"cwdlink", "/proc/self/cwd/", "", AT_FDCWD},
};
enum { ENDINGS = 9 };

static const struct spelling* spelled(const char* name) {
  const struct spelling* at = spellings;
  while (strcmp(at->name, name) != 0) at++;
  return at;
}

static const char* spell(const struct spelling* spelling, const char* kind, char* out) {
  const char* before = spelling->before;
  snprintf(out, PATH_ROOM, "%s%s%s%s", *before == '=' ? here : before, *before == '=' ? "/" : "", kind, spelling->after);
  return out;
}

// --- Operations ----------------------------------------------------------------------------------------------------------

enum op {
  OPEN, OPEN_OLD, CREAT, MKDIR, MKDIR_OLD, RMDIR, UNLINK, UNLINK_OLD, TRUNCATE, CHMOD, CHMOD_OLD, CHMOD2, CHOWN, CHOWN_OLD,
  LCHOWN, UTIMENS, UTIMES_OLD, UTIME_OLD, SYMLINK, SYMLINK_EMPTY, MKNOD, MKNOD_OLD, LINK_FROM, LINK_TO, LINK_OLD,
  RENAME_FROM, RENAME_TO, RENAME_OLD, SETXATTR, LSETXATTR, REMOVEXATTR, RENAME_BOTH, LINK_BOTH
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
    FLAGS(O_RDONLY), FLAGS(O_WRONLY), FLAGS(O_RDWR), FLAGS(O_RDONLY | O_CREAT), FLAGS(O_WRONLY | O_CREAT),
    FLAGS(O_RDWR | O_CREAT), FLAGS(O_WRONLY | O_CREAT | O_EXCL), FLAGS(O_RDONLY | O_CREAT | O_EXCL),
    FLAGS(O_WRONLY | O_TRUNC), FLAGS(O_RDONLY | O_TRUNC), FLAGS(O_RDWR | O_CREAT | O_TRUNC),
    FLAGS(O_RDONLY | O_CREAT | O_TRUNC), FLAGS(O_WRONLY | O_APPEND), FLAGS(O_RDONLY | O_APPEND),
    FLAGS(O_WRONLY | O_CREAT | O_APPEND), FLAGS(O_RDONLY | O_DIRECTORY), FLAGS(O_WRONLY | O_DIRECTORY),
    FLAGS(O_RDONLY | O_DIRECTORY | O_CREAT), FLAGS(O_RDONLY | O_NOFOLLOW), FLAGS(O_WRONLY | O_NOFOLLOW),
    FLAGS(O_WRONLY | O_CREAT | O_NOFOLLOW), FLAGS(O_RDONLY | O_NOFOLLOW | O_DIRECTORY), FLAGS(O_PATH),
    FLAGS(O_PATH | O_NOFOLLOW), FLAGS(O_PATH | O_DIRECTORY), FLAGS(O_PATH | O_CREAT | O_WRONLY), FLAGS(O_RDWR | O_TMPFILE),
    FLAGS(O_RDONLY | O_TMPFILE), FLAGS(O_WRONLY | O_TMPFILE | O_EXCL), FLAGS(O_WRONLY | O_TMPFILE | O_CREAT),
    FLAGS(O_WRONLY | O_DIRECT), FLAGS(O_RDONLY | O_NOATIME), FLAGS(O_WRONLY | O_SYNC), FLAGS(O_WRONLY | O_DSYNC),
    FLAGS(O_ACCMODE), FLAGS(O_WRONLY | O_EXCL), FLAGS(O_RDONLY | O_ASYNC), FLAGS(O_RDONLY | O_CLOEXEC | O_NOCTTY),
    FLAGS(O_RDONLY | 0x40000000), FLAGS(O_RDONLY | O_NONBLOCK | O_TRUNC),
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

// What the descriptor is worth: its kind, its flags, and what can be read and written through it.
static void try_descriptor(int fd, char* out, size_t room) {
  struct stat found;
  char bytes[64];
  need("fstat", fstat(fd, &found));
  ssize_t got = read(fd, bytes, sizeof bytes);
  int read_error = got < 0 ? errno : 0;
  ssize_t put = write(fd, "abc", 3);
  int write_error = put < 0 ? errno : 0;
  snprintf(out, room, " %o flags %x cloexec %d read %zd %s write %zd %s", found.st_mode, fcntl(fd, F_GETFL),
           fcntl(fd, F_GETFD), got, read_error ? strerrorname_np(read_error) : "", put,
           write_error ? strerrorname_np(write_error) : "");
  close(fd);
}

static long on_pair(const struct operation* what, int dirfd, const char* one, int other, const char* two) {
  if (what->op == LINK_BOTH || what->op == LINK_FROM || what->op == LINK_TO)
    return syscall(SYS_linkat, dirfd, one, other, two, what->one);
  return syscall(SYS_renameat2, dirfd, one, other, two, what->one);
}

static long on_one(const struct operation* what, int dirfd, const char* path, char* told, size_t room) {
  const long times[4] = {1000, 5, 2000, 7};
  const uid_t owner = what->one == -2 ? geteuid() : (uid_t)what->one;
  long result = -1;
  switch (what->op) {
    case OPEN:
      result = syscall(SYS_openat, dirfd, path, what->one | O_NONBLOCK,
                       what->two ? what->two : 0666L);
      break;
    case OPEN_OLD:
      result = syscall(SYS_open, path, what->one | O_NONBLOCK, 0666L);
      break;
    case CREAT:
      if (strcmp(path, "fifo") == 0) return 0;  // It would wait for a reader.
      result = syscall(SYS_creat, path, what->one);
      break;
    case MKDIR: return syscall(SYS_mkdirat, dirfd, path, what->one);
    case MKDIR_OLD: return syscall(SYS_mkdir, path, what->one);
    case RMDIR: return what->one < 0 ? syscall(SYS_rmdir, path) : syscall(SYS_unlinkat, dirfd, path, what->one);
    case UNLINK: return syscall(SYS_unlinkat, dirfd, path, what->one);
    case UNLINK_OLD: return syscall(SYS_unlink, path);
    case TRUNCATE: return syscall(SYS_truncate, path, what->one);
    case CHMOD: return syscall(SYS_fchmodat, dirfd, path, what->one);
    case CHMOD_OLD: return syscall(SYS_chmod, path, what->one);
    case CHMOD2: return syscall(452 /* fchmodat2 */, dirfd, path, what->one, what->two);
    case CHOWN: return syscall(SYS_fchownat, dirfd, path, owner, owner, what->two);
    case CHOWN_OLD: return syscall(SYS_chown, path, owner, owner);
    case LCHOWN: return syscall(SYS_lchown, path, owner, owner);
    case UTIMENS: return syscall(SYS_utimensat, dirfd, path, what->one, what->two);
    case UTIMES_OLD: return syscall(SYS_utimes, path, times);
    case UTIME_OLD: return syscall(SYS_utime, path, times);
    case SYMLINK: return syscall(SYS_symlinkat, "target", dirfd, path);
    case SYMLINK_EMPTY: return syscall(SYS_symlinkat, "", dirfd, path);
    case MKNOD: return syscall(SYS_mknodat, dirfd, path, what->one, what->two);
    case MKNOD_OLD: return syscall(SYS_mknod, path, what->one, what->two);
    case LINK_FROM:
    case RENAME_FROM: return on_pair(what, dirfd, path, AT_FDCWD, "new");
    case LINK_TO:
    case RENAME_TO: return on_pair(what, AT_FDCWD, "other", dirfd, path);
    case LINK_OLD: return syscall(SYS_link, path, "new");
    case RENAME_OLD: return syscall(SYS_rename, path, path);
    case SETXATTR: return syscall(SYS_setxattr, path, what->two, "value", 5L, what->one);
    case LSETXATTR: return syscall(SYS_lsetxattr, path, what->two, "value", 5L, what->one);
    case REMOVEXATTR: return syscall(SYS_removexattr, path, what->two);
    default: finish(BROKEN, "an operation that is none");
  }
  if (result >= 0) {
    try_descriptor((int)result, told, room);
    return 0;
  }
  return result;
}

// --- One case ------------------------------------------------------------------------------------------------------------

static int visible(const struct dirent* entry) {
  const char* name = entry->d_name;
  return strcmp(name, ".") && strcmp(name, "..") && strcmp(name, "via") && strcmp(name, "other");
}

static void show(const char* directory, const char* shown) {
  struct dirent** entries;
  int count = scandir(directory, &entries, visible, alphasort);
  for (int at = 0; at < count; at++) {
    char path[PATH_ROOM], to[PATH_ROOM], name[PATH_ROOM], content[64] = "", value[16];
    struct stat found;
    snprintf(path, sizeof path, "%s/%s", directory, entries[at]->d_name);
    snprintf(name, sizeof name, "%s%.40s", shown, entries[at]->d_name);
    free(entries[at]);
    if (lstat(path, &found) < 0) continue;
    if (S_ISLNK(found.st_mode)) to[readlink(path, to, 40)] = '\0';
    int fd = S_ISREG(found.st_mode) ? open(path, O_RDONLY | O_NOFOLLOW) : -1;
    if (fd >= 0) content[read(fd, content, sizeof content - 1)] = '\0', close(fd);
    printf("; %s %o %d.%d %lu %ld", name, found.st_mode, (int)found.st_uid, (int)found.st_gid,
           S_ISDIR(found.st_mode) ? 0UL : (unsigned long)found.st_nlink, S_ISREG(found.st_mode) ? (long)found.st_size : 0L);
    if (found.st_mtim.tv_sec < 10000) printf(" at %ld.%ld", found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
    if (lgetxattr(path, "user.x", value, sizeof value) > 0) printf(" user.x");
    if (S_ISREG(found.st_mode)) printf(" \"%s\"", content);
    if (S_ISLNK(found.st_mode)) printf(" -> %s", to);
    if (S_ISDIR(found.st_mode)) {
      strcat(name, "/");
      show(path, name);
    }
  }
  if (count >= 0) free(entries);
}

static void enter(void) {
  char name[16];
  snprintf(name, sizeof name, "%05d", number++);
  need("fchdir", fchdir(root));
  if (mode == PREPARE) need(name, mkdir(name, 0755));
  need(name, chdir(name));
  if (mode == SHOW) {
    printf("%s", name);
    show(".", "");
    putchar('\n');
    return;
  }
  // One deeper: what ".." leads to is the case's own too.
  if (mode == PREPARE) need("w", mkdir("w", 0755));
  need("w", chdir("w"));
  if (mode == RUN) snprintf(here, sizeof here, "%s", getcwd(NULL, 0));
}

static void prepare(const char* one, const char* two) {
  make(one);
  if (two) make(two);
  link_to(".", "via");
}

static void settle(long result, const char* told) {
  printf(" = %s%s\n", result >= 0 ? "ok" : strerrorname_np(errno), told);
}

static void unary(const struct operation* what, const char* kind, const struct spelling* spelling) {
  enter();
  if (mode == PREPARE) {
    prepare(kind, strcmp(spelling->name, "back") == 0 ? "file" : NULL);
    if (what->op == LINK_TO || what->op == RENAME_TO) put_file("other", "other", 0600);
    return;
  }
  if (mode == SHOW) return;
  char path[PATH_ROOM], told[256] = "";
  if (spelling->dirfd == OUTSIDE_FD) {
    int fd = (int)need(".", open(".", O_RDONLY | O_DIRECTORY));
    need("dup2", dup2(fd, OUTSIDE_FD));
    close(fd);
  }
  printf("%s | %s %s", what->name, kind, spelling->name);
  long result = on_one(what, spelling->dirfd, spell(spelling, kind, path), told, sizeof told);
  settle(result, told);
}

static void pair(const struct operation* what, const char* one, const struct spelling* how, const char* two,
                 const struct spelling* other) {
  enter();
  if (mode == PREPARE) return prepare(one, two);
  if (mode == SHOW) return;
  char from[PATH_ROOM], to[PATH_ROOM];
  printf("%s | %s %s, %s %s", what->name, one, how->name, two, other->name);
  settle(on_pair(what, AT_FDCWD, spell(how, one, from), AT_FDCWD, spell(other, two, to)), "");
}

// Names that are no matter of what stands there.
static void odd_names(const struct operation* what) {
  // Not the modes and times of the root of this machine.
  const int is_metadata = what->op >= TRUNCATE && what->op <= UTIME_OLD;
  char component[257], longest[4096], longer[4097];
  memset(component, 'n', sizeof component);
  component[256] = '\0';
  for (int at = 0; at < 4096; at++) longer[at] = at % 2 ? '/' : '.';
  longer[4096] = '\0';
  memcpy(longest, longer, sizeof longest);
  longest[4094] = 'n';
  longest[4095] = '\0';
  const struct {
    const char* name;
    const char* path;
  } odd[] = {{"an empty name", ""}, {"no pointer", NULL}, {"a wrong pointer", (const char*)8}, {"a component of 256 bytes", component},
             {"a component of 255 bytes", component + 1}, {"a path of 4095 bytes", longest}, {"a path of 4096 bytes", longer},
             {".", "."}, {"..", ".."}, {"/", is_metadata ? "." : "/"}, {"/proc/self/fd/91", "/proc/self/fd/91"}, {"/dev/fd/91", "/dev/fd/91"},
             {"/proc/self/fd/999", "/proc/self/fd/999"}, {"in a file", "file/x"}, {"in nothing", "nothing/x"},
             {"a byte that is no UTF-8", "caf\xe9"}};
  for (unsigned at = 0; at < sizeof odd / sizeof *odd; at++) {
    enter();
    if (mode == PREPARE) {
      prepare("file", NULL);
      if (what->op == LINK_TO || what->op == RENAME_TO) put_file("other", "other", 0600);
      continue;
    }
    if (mode == SHOW) continue;
    char told[256] = "";
    printf("%s | %s", what->name, odd[at].name);
    settle(on_one(what, AT_FDCWD, odd[at].path ? odd[at].path : NULL, told, sizeof told), told);
  }
}

#define EACH(at, table) for (unsigned at = 0; at < sizeof table / sizeof *table; at++)

int main(int argc, char** argv) {
  const char* asked = argument(argc, argv, 1);
  mode = strcmp(asked, "prepare") == 0 ? PREPARE : strcmp(asked, "show") == 0 ? SHOW : RUN;
  signal(SIGPIPE, SIG_IGN);
  umask(022);
  if (mode == PREPARE) need("cases", mkdir("cases", 0755));
  if (mode == PREPARE) put_file("held", "held", 0644);
  need("dup2", dup2((int)need("held", open("held", O_RDONLY)), FILE_FD));
  root = (int)need("cases", open("cases", O_RDONLY | O_DIRECTORY));
  const struct spelling* plain = spelled("plain");
  const struct spelling* slash = spelled("slash");
  EACH(op, opens) EACH(kind, kinds) unary(&opens[op], kinds[kind].name, plain);
  EACH(op, rares) EACH(kind, kinds) {
    if (weight(kinds[kind].name) > 0) unary(&rares[op], kinds[kind].name, plain);
  }
  EACH(op, unaries) EACH(kind, kinds) EACH(how, spellings) {
    const int least = how == 0 ? 0 : how < ENDINGS ? 2 : 3;
    if (weight(kinds[kind].name) >= least) unary(&unaries[op], kinds[kind].name, &spellings[how]);
  }
  EACH(op, pairs) EACH(one, kinds) EACH(two, kinds) {
    const int first = weight(kinds[one].name), second = weight(kinds[two].name);
    if (first == 0 || second == 0) continue;
    pair(&pairs[op], kinds[one].name, plain, kinds[two].name, plain);
    if (first < 2 || second < 2) continue;
    pair(&pairs[op], kinds[one].name, slash, kinds[two].name, plain);
    pair(&pairs[op], kinds[one].name, plain, kinds[two].name, slash);
  }
  EACH(op, unaries) odd_names(&unaries[op]);
  return REFUSED;
}
