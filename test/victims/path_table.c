// Does each operation of a table to each kind of object under each spelling of its name, one case a
// directory. Inside and outside must say and leave the same. path_table prepare   makes the directories,
// outside path_table run       performs the cases and prints what came of each path_table show      prints
// what each directory then holds, outside
#include "path_table.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "victim.h"

enum { OUTSIDE_FD = 90, FILE_FD = 91, PATH_ROOM = 8192 };

enum mode { PREPARE, RUN, SHOW };
static enum mode mode;
static int number, root;
static char here[PATH_ROOM / 2];

// --- Objects
// -------------------------------------------------------------------------------------------------------------

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
  const char* needs;   // another object, made before
  const char* target;  // of a symbolic link
};

static const struct kind kinds[] = {
    {"absent", 0, 0},
    {"file", 0, 0},
    {"dir", 0, 0},
    {"full", 0, 0},
    {"fifo", 0, 0},
    {"sock", 0, 0},
    {"hard", "file", 0},
    {"sealed", 0, 0},
    {"ro", 0, 0},
    {"locked", 0, 0},
    {"rodir", 0, 0},
    {"lfile", "file", "file"},
    {"ldir", "full", "full"},
    {"lchain", "lfile", "lfile"},
    {"lnone", 0, "nothing"},
    {"ldeep", 0, "no/where"},
    {"loop", 0, "loop"},
    {"lslash", "full", "full/"},
    {"lwrong", "file", "file/"},
    {"lup", 0, "../away"},
};

// How often a kind is tried: 0 plainly, 1 in pairs too, 2 under the spellings that end otherwise too, 3 under
// each.
static int weight(const char* name) {
  static const char* const names[] = {"dir",  "hard",  "locked", "absent", "lfile",
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
  if (strcmp(name, "dir") == 0)
    need(name, mkdir(name, 0755));
  else if (strcmp(name, "fifo") == 0)
    need(name, mkfifo(name, 0644));
  else if (strcmp(name, "hard") == 0)
    need(name, link("file", name));
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

// --- Spellings
// -----------------------------------------------------------------------------------------------------------

struct spelling {
  const char* name;
  const char* before;
  const char* after;
  int dirfd;
};

static const struct spelling spellings[] = {
    {"plain", "", "", AT_FDCWD},
    {"slash", "", "/", AT_FDCWD},
    {"dot", "", "/.", AT_FDCWD},
    {"dotdot", "", "/..", AT_FDCWD},
    {"below", "", "/x", AT_FDCWD},
    {"belowslash", "", "/x/", AT_FDCWD},
    {"via", "via/./via/", "", AT_FDCWD},
    {"viaslash", "via/", "/", AT_FDCWD},
    {"atdir", "", "", OUTSIDE_FD},
    {"belowdir", "", "/sub", AT_FDCWD},
    {"back", "", "/../file", AT_FDCWD},
    {"slashes", ".//./", "//", AT_FDCWD},
    {"absolute", "=", "", AT_FDCWD},
    {"absolutebad", "=", "", 99},
    {"atfile", "", "", FILE_FD},
    {"atbad", "", "", 99},
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
  snprintf(out, PATH_ROOM, "%s%s%s%s", *before == '=' ? here : before, *before == '=' ? "/" : "", kind,
           spelling->after);
  return out;
}

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
      result = syscall(SYS_openat, dirfd, path, what->one | O_NONBLOCK, what->two ? what->two : 0666L);
      break;
    case OPEN_OLD:
      result = syscall(SYS_open, path, what->one | O_NONBLOCK, 0666L);
      break;
    case CREAT:
      if (strcmp(path, "fifo") == 0) return 0;  // It would wait for a reader.
      result = syscall(SYS_creat, path, what->one);
      break;
    case MKDIR:
      return syscall(SYS_mkdirat, dirfd, path, what->one);
    case MKDIR_OLD:
      return syscall(SYS_mkdir, path, what->one);
    case RMDIR:
      return what->one < 0 ? syscall(SYS_rmdir, path) : syscall(SYS_unlinkat, dirfd, path, what->one);
    case UNLINK:
      return syscall(SYS_unlinkat, dirfd, path, what->one);
    case UNLINK_OLD:
      return syscall(SYS_unlink, path);
    case TRUNCATE:
      return syscall(SYS_truncate, path, what->one);
    case CHMOD:
      return syscall(SYS_fchmodat, dirfd, path, what->one);
    case CHMOD_OLD:
      return syscall(SYS_chmod, path, what->one);
    case CHMOD2:
      return syscall(452 /* fchmodat2 */, dirfd, path, what->one, what->two);
    case CHOWN:
      return syscall(SYS_fchownat, dirfd, path, owner, owner, what->two);
    case CHOWN_OLD:
      return syscall(SYS_chown, path, owner, owner);
    case LCHOWN:
      return syscall(SYS_lchown, path, owner, owner);
    case UTIMENS:
      return syscall(SYS_utimensat, dirfd, path, what->one, what->two);
    case UTIMES_OLD:
      return syscall(SYS_utimes, path, times);
    case UTIME_OLD:
      return syscall(SYS_utime, path, times);
    case SYMLINK:
      return syscall(SYS_symlinkat, "target", dirfd, path);
    case SYMLINK_EMPTY:
      return syscall(SYS_symlinkat, "", dirfd, path);
    case MKNOD:
      return syscall(SYS_mknodat, dirfd, path, what->one, what->two);
    case MKNOD_OLD:
      return syscall(SYS_mknod, path, what->one, what->two);
    case LINK_FROM:
    case RENAME_FROM:
      return on_pair(what, dirfd, path, AT_FDCWD, "new");
    case LINK_TO:
    case RENAME_TO:
      return on_pair(what, AT_FDCWD, "other", dirfd, path);
    case LINK_OLD:
      return syscall(SYS_link, path, "new");
    case RENAME_OLD:
      return syscall(SYS_rename, path, path);
    case SETXATTR:
      return syscall(SYS_setxattr, path, what->two, "value", 5L, what->one);
    case LSETXATTR:
      return syscall(SYS_lsetxattr, path, what->two, "value", 5L, what->one);
    case REMOVEXATTR:
      return syscall(SYS_removexattr, path, what->two);
    default:
      finish(BROKEN, "an operation that is none");
  }
  if (result >= 0) {
    try_descriptor((int)result, told, room);
    return 0;
  }
  return result;
}

// --- One case
// ------------------------------------------------------------------------------------------------------------

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
           S_ISDIR(found.st_mode) ? 0UL : (unsigned long)found.st_nlink,
           S_ISREG(found.st_mode) ? (long)found.st_size : 0L);
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
  } odd[] = {{"an empty name", ""},
             {"no pointer", NULL},
             {"a wrong pointer", (const char*)8},
             {"a component of 256 bytes", component},
             {"a component of 255 bytes", component + 1},
             {"a path of 4095 bytes", longest},
             {"a path of 4096 bytes", longer},
             {".", "."},
             {"..", ".."},
             {"/", is_metadata ? "." : "/"},
             {"/proc/self/fd/91", "/proc/self/fd/91"},
             {"/dev/fd/91", "/dev/fd/91"},
             {"/proc/self/fd/999", "/proc/self/fd/999"},
             {"in a file", "file/x"},
             {"in nothing", "nothing/x"},
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
