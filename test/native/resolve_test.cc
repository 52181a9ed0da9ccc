#include "linux/fs/resolve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

#include "test.h"

namespace {

struct Tree {
  std::string root;
  Tree() {
    char name[] = "/tmp/sallyport-resolve-XXXXXX";
    root = mkdtemp(name);
    (void)mkdir((root + "/dir").c_str(), 0755);
    (void)close(open((root + "/dir/file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    (void)!symlink("dir", (root + "/to-dir").c_str());
    (void)!symlink("dir/file", (root + "/to-file").c_str());
    (void)!symlink("loop", (root + "/loop").c_str());
    (void)!symlink("nowhere", (root + "/dangling").c_str());
  }
  ~Tree() { (void)!std::system(("rm -rf " + root).c_str()); }
};

const fs::Viewer kSelf{getpid(), getpid()};

int walk(const std::string& path, bool follow, std::string& out) {
  return fs::resolve(path.c_str(), kSelf, follow, out);
}

}  // namespace

TEST(resolve_follows_links_and_dots) {
  const Tree tree;
  std::string out;
  EXPECT(walk(tree.root + "/to-dir/file", true, out) == 0 && out == tree.root + "/dir/file");
  EXPECT(walk(tree.root + "/to-file", true, out) == 0 && out == tree.root + "/dir/file");
  EXPECT(walk(tree.root + "/to-file", false, out) == 0 && out == tree.root + "/to-file");
  EXPECT(walk(tree.root + "/to-dir/../dir/./file", true, out) == 0 && out == tree.root + "/dir/file");
  EXPECT(walk(tree.root + "/to-dir/", false, out) == 0 && out == tree.root + "/dir");
  EXPECT(walk(tree.root + "/dir/new", true, out) == 0 && out == tree.root + "/dir/new");
  EXPECT(walk(tree.root + "/dangling", true, out) == 0 && out == tree.root + "/nowhere");
  EXPECT(walk("/../../..", true, out) == 0 && out == "/");
}

TEST(resolve_fails_as_the_kernel_does) {
  const Tree tree;
  std::string out;
  EXPECT(walk(tree.root + "/none/file", true, out) == -ENOENT);
  EXPECT(walk(tree.root + "/dir/file/x", true, out) == -ENOTDIR);
  EXPECT(walk(tree.root + "/dir/file/..", true, out) == -ENOTDIR);
  EXPECT(walk(tree.root + "/dir/file/", true, out) == -ENOTDIR);
  EXPECT(walk(tree.root + "/loop", true, out) == -ELOOP);
  EXPECT(walk("relative", true, out) == -EINVAL);
}

TEST(resolve_shows_proc_as_the_viewer_sees_it) {
  const fs::Viewer init{1, 1};
  std::string out;
  EXPECT(fs::resolve("/proc/self/status", init, true, out) == 0 && out == "/proc/1/status");
  EXPECT(fs::resolve("/proc/thread-self/comm", init, true, out) == 0 && out == "/proc/1/task/1/comm");
  EXPECT(fs::resolve("/proc/mounts", init, true, out) == 0 && out == "/proc/1/mounts");
}

TEST(resolve_refuses_magic_links) {
  const std::string own = "/proc/" + std::to_string(getpid());
  std::string out;
  EXPECT(walk(own + "/cwd", true, out) == -EXDEV);
  EXPECT(walk(own + "/root/etc", true, out) == -EXDEV);
  EXPECT(walk(own + "/exe", true, out) == -EXDEV);
  EXPECT(walk(own + "/ns/net", true, out) == -EXDEV);
  EXPECT(walk("/proc/1/fd/0", true, out) == -EXDEV || walk("/proc/1/fd/0", true, out) == -ENOENT);
  EXPECT(walk(own + "/fd/0", true, out) == 0 && out == own + "/fd/0");
  EXPECT(walk("/proc/self/fd/0", true, out) == 0 && out == own + "/fd/0");
  EXPECT(walk("/dev/stdin", true, out) == 0 && out == own + "/fd/0");
}
