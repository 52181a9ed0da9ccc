// Does everything that a path allows to a tree outside. path_operations OUTSIDE; it holds "file", "victim"
// and "empty/". The workspace holds "own".
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

#include "victim.h"

static char names[12][4096];
static const char* below(const char* directory, const char* name) {
  static int next;
  char* path = names[next++ % 12];
  snprintf(path, sizeof names[0], "%s/%s", directory, name);
  return path;
}

int main(int argc, char** argv) {
  const char* out = argument(argc, argv, 1);
  const char* file = below(out, "file");
  struct timespec times[2] = {{1, 0}, {1, 0}};
  struct timeval older[2] = {{1, 0}, {1, 0}};
  attempt("O_WRONLY", open(file, O_WRONLY));
  attempt("O_RDWR", open(file, O_RDWR));
  attempt("O_APPEND", open(file, O_WRONLY | O_APPEND));
  attempt("O_RDONLY|O_TRUNC", open(file, O_RDONLY | O_TRUNC));
  attempt("O_CREAT", open(below(out, "new"), O_RDONLY | O_CREAT, 0600));
  attempt("O_CREAT|O_EXCL", open(below(out, "new2"), O_WRONLY | O_CREAT | O_EXCL, 0600));
  attempt("O_TMPFILE", open(out, O_TMPFILE | O_WRONLY, 0600));
  attempt("creat", creat(below(out, "new3"), 0600));
  attempt("O_RDONLY", open(below(out, "secret"), O_RDONLY));
  attempt("O_DIRECTORY", open(out, O_RDONLY | O_DIRECTORY));
  attempt("truncate", truncate(file, 1));
  attempt("mkdir", mkdir(below(out, "new4"), 0700));
  attempt("mkdirat", syscall(SYS_mkdirat, AT_FDCWD, below(out, "new5"), 0700));
  attempt("mknod", mknod(below(out, "new6"), S_IFREG | 0600, 0));
  attempt("mkfifo", mkfifo(below(out, "new7"), 0600));
  attempt("symlink", symlink("/", below(out, "new8")));
  attempt("link into", link("own", below(out, "new9")));
  attempt("link out of", link(file, "stolen"));
  attempt("rename into", rename("own", below(out, "new10")));
  attempt("rename out of", rename(below(out, "victim"), "stolen2"));
  attempt("exchange", renameat2(AT_FDCWD, file, AT_FDCWD, "own", RENAME_EXCHANGE));
  attempt("unlink", unlink(below(out, "victim")));
  attempt("rmdir", rmdir(below(out, "empty")));
  attempt("unlinkat", unlinkat(AT_FDCWD, below(out, "empty"), AT_REMOVEDIR));
  attempt("chmod", chmod(file, 0666));
  attempt("fchmodat", fchmodat(AT_FDCWD, file, 0666, 0));
  attempt("fchmodat2", syscall(452, AT_FDCWD, file, 0666, 0));
  attempt("chown", chown(file, 1, 1));
  attempt("lchown", lchown(file, 1, 1));
  attempt("fchownat", fchownat(AT_FDCWD, file, 1, 1, 0));
  attempt("utime", utime(file, &(struct utimbuf){1, 1}));
  attempt("utimes", syscall(SYS_utimes, file, older));
  attempt("futimesat", syscall(SYS_futimesat, AT_FDCWD, file, older));
  attempt("utimensat", utimensat(AT_FDCWD, file, times, 0));
  attempt("setxattr", setxattr(file, "user.victim", "x", 1, 0));
  attempt("lsetxattr", lsetxattr(file, "user.victim2", "x", 1, 0));
  attempt("removexattr", removexattr(file, "user.kept"));
  attempt("lremovexattr", lremovexattr(file, "user.kept2"));
  struct {
    uint64_t value;
    uint32_t size, flags;
  } value = {(uint64_t)(uintptr_t)"x", 1, 0};
  attempt("setxattrat", syscall(463, AT_FDCWD, file, 0, "user.victim3", &value, sizeof value));
  attempt("removexattrat", syscall(466, AT_FDCWD, file, 0, "user.kept3"));
  verdict();
}
