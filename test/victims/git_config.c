// Changes what git will do in a repository that was there before, through its configuration.
// git_config WAY REPOSITORY; ways below. The workspace holds "plain/" and an empty directory "sub".
#include "victim.h"

static const char* evil = "[core]\n\tfsmonitor = touch owned\n\thooksPath = /tmp\n";

static int evil_inside(const char* path) {
  char text[4096] = "";
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    errno = EACCES;
    return -1;
  }
  if (read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  errno = EACCES;
  return strstr(text, "fsmonitor") ? 0 : -1;
}

static void try_evil(const char* path) {
  int fd = open(path, O_WRONLY | O_CREAT, 0644);
  if (fd >= 0 && write(fd, evil, strlen(evil)) < 0) return;
  close(fd);
}

static void make_own(const char* repository) {
  char path[4096];
  mkdir(repository, 0755);
  snprintf(path, sizeof path, "%s/.git", repository);
  need(path, mkdir(path, 0755));
  snprintf(path, sizeof path, "%s/.git/config", repository);
  put_file(path, evil, 0644);
  snprintf(path, sizeof path, "%s/.git/HEAD", repository);
  put_file(path, "ref: refs/heads/main\n", 0644);
}

int main(int argc, char** argv) {
  const char* way = argument(argc, argv, 1);
  const char* repository = argument(argc, argv, 2);
  need("chdir", chdir(repository));
  struct stat before;
  need("stat", stat(".git/config", &before));
  if (strcmp(way, "write") == 0) {
    attempt("O_WRONLY", open(".git/config", O_WRONLY));
    attempt("O_APPEND", open(".git/config", O_WRONLY | O_APPEND));
    attempt("O_TRUNC", open(".git/config", O_RDONLY | O_TRUNC));
    attempt("truncate", truncate(".git/config", 0));
    attempt("unlink", unlink(".git/config"));
    attempt("/proc/self/cwd", open("/proc/self/cwd/.git/config", O_WRONLY));
    put_file("new-config", evil, 0644);
    attempt("rename", rename("new-config", ".git/config"));
    attempt("exchange", renameat2(AT_FDCWD, "new-config", AT_FDCWD, ".git/config", RENAME_EXCHANGE));
    if (attempt("link", link(".git/config", "second")))
      attempt("write of the second name", open("second", O_WRONLY));
    symlink(".git/config", "soft");
    attempt("symlink", open("soft", O_WRONLY));
    attempt("rename away", rename(".git/config", "away"));
    symlink(".git", "alias");
    attempt("below a link", open("alias/config", O_WRONLY));
    attempt("rename below a link", rename("new-config", "alias/config"));
    attempt("chmod", chmod(".git/config", 0666));
    verdict();
  }
  if (strcmp(way, "move-away") == 0) {
    // Only the place changes, not a name that any rule speaks of: then .git is free for a repository of one's
    // own.
    attempt("rename .git to sub/.git", rename(".git", "sub/.git"));
    if (mkdir(".git", 0755) == 0) try_evil(".git/config");
    won = odd = 0;
    attempt("own configuration at .git", evil_inside(".git/config"));
    verdict();
  }
  if (strcmp(way, "exchange") == 0) {
    make_own("../own");
    attempt("exchange of .git", renameat2(AT_FDCWD, "../own/.git", AT_FDCWD, ".git", RENAME_EXCHANGE));
    won = odd = 0;
    attempt("own configuration at .git", evil_inside(".git/config"));
    verdict();
  }
  if (strcmp(way, "exchange-parent") == 0) {
    make_own("../own");
    char parent[8192], here[4096];
    if (!getcwd(here, sizeof here)) finish(BROKEN, "getcwd");
    need("chdir", chdir(".."));
    attempt("exchange", renameat2(AT_FDCWD, "own", AT_FDCWD, here, RENAME_EXCHANGE));
    won = odd = 0;
    snprintf(parent, sizeof parent, "%s/.git/config", here);
    attempt("own configuration", evil_inside(parent));
    verdict();
  }
  if (strcmp(way, "remake") == 0) {
    // Takes the directory apart and makes it anew as its own.
    rename(".git/HEAD", "HEAD.kept");
    rename(".git/objects", "objects.kept");
    rename(".git/refs", "refs.kept");
    rename(".git/hooks", "hooks.kept");
    attempt("unlink config", unlink(".git/config"));
    attempt("rmdir .git", rmdir(".git"));
    if (mkdir(".git", 0755) == 0) try_evil(".git/config");
    won = odd = 0;
    attempt("own configuration", evil_inside(".git/config"));
    verdict();
  }
  if (strcmp(way, "redirect") == 0) {
    // gitrepository-layout(5): these lead git to another configuration, or another hooks directory.
    need("mkdir", mkdir("decoy", 0755));
    put_file("decoy/config", evil, 0644);
    attempt("commondir", open(".git/commondir", O_WRONLY | O_CREAT, 0644));
    attempt("a .git file", open("module/.git", O_WRONLY));
    attempt("config.worktree", open(".git/config.worktree", O_WRONLY | O_CREAT, 0644));
    if (mkdir(".git/modules", 0755) == 0 && mkdir(".git/modules/m", 0755) == 0) {
      attempt("modules/m/config", open(".git/modules/m/config", O_WRONLY | O_CREAT, 0644));
      if (mkdir(".git/modules/m/hooks", 0755) == 0) {
        attempt("modules/m/hooks", open(".git/modules/m/hooks/pre-commit", O_WRONLY | O_CREAT, 0755));
      }
    } else {
      attempt("modules", -1);
    }
    if (mkdir(".git/worktrees", 0755) == 0 && mkdir(".git/worktrees/w", 0755) == 0) {
      attempt("worktrees/w/config.worktree",
              open(".git/worktrees/w/config.worktree", O_WRONLY | O_CREAT, 0644));
    }
    verdict();
  }
  finish(BROKEN, "no such way");
}
