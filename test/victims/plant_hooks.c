// Gets a directory of hooks past the search of what a rename moves, or a link to one past the rules on links.
// plant_hooks link|tree|deep|deep-target|steep|module REPOSITORY
#include "victim.h"

static const char* script = "#!/bin/sh\ntouch owned\n";

static void make_hooks(const char* directory) {
  char hook[8192];
  need("mkdir", mkdir(directory, 0755));
  snprintf(hook, sizeof hook, "%s/pre-commit", directory);
  put_file(hook, script, 0755);
}

/// Whether something executable lies where git looks for it, by whatever call it came there.
static void judge_place(const char* way, const char* hook) {
  int runs = access(hook, X_OK);
  errno = EACCES;
  attempt(way, runs);
}

static void clear_hooks(void) {
  unlink(".git/hooks/pre-commit.sample");
  rmdir(".git/hooks");
}

/// Makes directories below `top` until the path of the last, absolute, has `length` bytes, and gives it.
static char* make_deep(const char* top, size_t length) {
  static char path[8192];
  char name[201];
  if (!getcwd(path, sizeof path)) finish(BROKEN, "getcwd");
  strcat(path, "/");
  strcat(path, top);
  need("mkdir", mkdir(path, 0755));
  while (strlen(path) < length) {
    size_t left = length - strlen(path) - 1;
    size_t size = left <= 200 ? left : left < 210 ? 100 : 200;
    memset(name, 'd', size);
    name[size] = 0;
    strcat(strcat(path, "/"), name);
    need("mkdir", mkdir(path, 0755));
  }
  return path;
}

int main(int argc, char** argv) {
  const char* way = argument(argc, argv, 1);
  if (strcmp(way, "link") == 0) {
    // A hard link to a symbolic link is that link under a second name.
    make_hooks("mine");
    need("symlink", symlink("../mine", "soft"));
    clear_hooks();
    link("soft", ".git/hooks");
    judge_place("link of a link", ".git/hooks/pre-commit");
    verdict();
  }
  if (strcmp(way, "tree") == 0) {
    // A link in a tree that moves.
    make_hooks("mine");
    need("mkdir", mkdir("x", 0755));
    need("symlink", symlink("../mine", "x/hooks"));
    rename("x", "fresh.git");
    judge_place("rename of a tree with a link", "fresh.git/hooks/pre-commit");
    verdict();
  }
  if (strcmp(way, "deep") == 0) {
    // Too far down for its names to be given to the kernel.
    char from[8192];
    need("mkdir", mkdir("x", 0755));
    make_hooks("x/hooks");
    snprintf(from, sizeof from, "%s/x", make_deep("top", 4090));
    need("rename", rename("x", from));
    need("mkdir", mkdir("own", 0755));
    rename(from, "own/.git");
    clear_hooks();
    rename("own/.git/hooks", ".git/hooks");
    judge_place("from too deep", ".git/hooks/pre-commit");
    rename(from, "back");  // Where it can be removed by name.
    verdict();
  }
  if (strcmp(way, "deep-target") == 0) {
    char to[8192];
    need("mkdir", mkdir("x", 0755));
    make_hooks("x/hooks");
    snprintf(to, sizeof to, "%s/.git", make_deep("top", 4082));
    rename("x", to);
    strcat(to, "/hooks");
    clear_hooks();
    rename(to, ".git/hooks");
    judge_place("through too deep", ".git/hooks/pre-commit");
    to[strlen(to) - strlen("/hooks")] = 0;
    rename(to, "back");  // Where it can be removed by name.
    verdict();
  }
  if (strcmp(way, "steep") == 0) {
    // More segments than a decision takes.
    char path[8192] = "x", deep[8192];
    need("mkdir", mkdir("x", 0755));
    for (int at = 0; at < 320; at++) need("mkdir", mkdir(strcat(path, "/a"), 0755));
    strcpy(deep, path);
    strcpy(path, "y");
    need("mkdir", mkdir("y", 0755));
    for (int at = 0; at < 320; at++) need("mkdir", mkdir(strcat(path, "/a"), 0755));
    strcat(path, "/hooks");
    make_hooks(path);
    need("rename", rename("y", strcat(deep, "/y")));
    need("mkdir", mkdir("own", 0755));
    need("mkdir", mkdir("own/.git", 0755));
    if (rename("x", "own/.git/modules") == 0) {
      // Back up in steps that a decision takes.
      strcpy(path, "own/.git/modules");
      for (int at = 0; at < 320; at++) strcat(path, "/a");
      strcat(path, "/y");
      need("rename", rename(path, "own/.git/modules/m"));
      strcpy(path, "own/.git/modules/m");
      for (int at = 0; at < 320; at++) strcat(path, "/a");
      strcat(path, "/hooks");
      rename(path, "own/.git/modules/hooks");
    }
    judge_place("too many segments", "own/.git/modules/hooks/pre-commit");
    verdict();
  }
  if (strcmp(way, "module") == 0) {
    // A module configured in a repository of the run's own, moved into one that was there before.
    need("mkdir", mkdir("own", 0755));
    need("mkdir", mkdir("own/.git", 0755));
    need("mkdir", mkdir("own/.git/modules", 0755));
    need("mkdir", mkdir("own/.git/modules/m", 0755));
    put_file("own/.git/modules/m/config", "[core]\n\tfsmonitor = touch owned\n", 0644);
    if (mkdir("project/.git/modules", 0755) < 0 && errno != EEXIST) finish(BROKEN, "modules");
    rename("own/.git/modules/m", "project/.git/modules/module");
    int there = access("project/.git/modules/module/config", F_OK);
    errno = EACCES;
    attempt("rename of a module", there);
    verdict();
  }
  finish(BROKEN, "no such way");
}
