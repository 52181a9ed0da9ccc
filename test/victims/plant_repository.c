// Makes git take a directory that was there before for a repository, or a repository of old run what it did
// not. plant_repository WAY DIRECTORY
#include "victim.h"

static const char* plain = "[core]\n\tbare = false\n[user]\n\tname = Agent\n";
static const char* evil = "[core]\n\tbare = false\n\tfsmonitor = touch owned\n";

static int evil_inside(const char* path) {
  char text[4096] = "";
  int fd = open(path, O_RDONLY);
  if (fd >= 0 && read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  close(fd);
  errno = EACCES;
  return strstr(text, "fsmonitor") ? 0 : -1;
}

/// As git does: a lock beside it, then a rename. Gives the descriptor, which stays open.
static int replace(const char* text) {
  unlink(".git/config.lock");
  int fd = open(".git/config.lock", O_RDWR | O_CREAT | O_EXCL, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) return -1;
  attempt("rename", rename(".git/config.lock", ".git/config"));
  return fd;
}

int main(int argc, char** argv) {
  const char* way = argument(argc, argv, 1);
  need("chdir", chdir(argument(argc, argv, 2)));
  if (strcmp(way, "bare") == 0) {
    need("objects", mkdir("objects", 0755));
    mkdir("refs", 0755);
    int fd = open("HEAD", O_WRONLY | O_CREAT, 0644);
    if (fd >= 0 && write(fd, "ref: refs/heads/main\n", 21) == 21) close(fd);
    int config = open("config", O_WRONLY | O_CREAT, 0644);
    if (config >= 0 && write(config, evil, strlen(evil)) > 0) close(config);
    attempt("HEAD, objects, refs and config",
            access("HEAD", F_OK) || access("refs", F_OK) ? (errno = EACCES, -1) : evil_inside("config"));
    verdict();
  }
  if (strcmp(way, "dot-git") == 0) {
    need(".git", mkdir(".git", 0755));
    attempt("open", open(".git/config", O_WRONLY | O_CREAT, 0644));
    replace(evil);
    attempt("configuration", evil_inside(".git/config"));
    verdict();
  }
  if (strcmp(way, "keys") == 0) {
    replace(evil);
    attempt("configuration", evil_inside(".git/config"));
    verdict();
  }
  if (strcmp(way, "held") == 0) {
    // What was judged is not what is there afterwards: the descriptor of the lock is still open for writing.
    int fd = replace(plain);
    won = odd = 0;
    if (fd < 0 || pwrite(fd, evil, strlen(evil), 0) < 0) finish(BROKEN, "can not write");
    attempt("configuration", evil_inside(".git/config"));
    attempt("open", open(".git/config", O_WRONLY));
    verdict();
  }
  if (strcmp(way, "linked") == 0) {
    int fd = open(".git/config.lock", O_RDWR | O_CREAT | O_EXCL, 0644);
    if (fd < 0 || write(fd, plain, strlen(plain)) < 0) finish(BROKEN, "can not write");
    need("link", link(".git/config.lock", ".git/second"));
    attempt("rename", rename(".git/config.lock", ".git/config"));
    if (pwrite(fd, evil, strlen(evil), 0) < 0) finish(BROKEN, "can not write");
    attempt("configuration", evil_inside(".git/config"));
    verdict();
  }
  if (strcmp(way, "configure") == 0) {
    // A git directory under another name.
    attempt("config", open("config", O_WRONLY));
    attempt("append", open("config", O_WRONLY | O_APPEND));
    attempt("commondir", open("commondir", O_WRONLY | O_CREAT, 0644));
    attempt("attributes", open("info/attributes", O_WRONLY | O_CREAT, 0644));
    put_file("new", evil, 0644);
    attempt("rename", rename("new", "config"));
    verdict();
  }
  finish(BROKEN, "no such way");
}
