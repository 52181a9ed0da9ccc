#include "linux/fs/path_ops.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "linux/fs/metadata.h"
#include "linux/fs/normalize.h"
#include "test.h"

namespace {

struct Place {
  std::string root;
  Place() {
    char name[] = "/tmp/sallyport-path-XXXXXX";
    root = mkdtemp(name);
  }
  ~Place() { (void)!std::system(("rm -rf " + root).c_str()); }
  [[nodiscard]] std::string operator/(const char* name) const { return root + "/" + name; }
};

mode_t mode_of(const std::string& path) {
  struct stat status{};
  (void)lstat(path.c_str(), &status);
  return status.st_mode & 07777;
}

std::string normal(std::string_view base, std::string_view path, unsigned& flags) {
  std::string out;
  return fs::normalize(base, path, out, flags) == 0 ? out : "!";
}

}  // namespace

TEST(open_path_follows_no_link) {
  const Place place;
  const std::string file = place / "file";
  base::UniqueFd made(fs::open_path(file.c_str(), O_CREAT | O_RDWR | O_EXCL, 06777, 022));
  EXPECT(made.valid());
  EXPECT(mode_of(file) == 0755);
  EXPECT((fcntl(made.get(), F_GETFL) & O_NONBLOCK) == 0);
  EXPECT((fcntl(made.get(), F_GETFD) & FD_CLOEXEC) != 0);
  EXPECT(fs::make_symlink("file", (place / "link").c_str()) == 0);
  EXPECT(fs::open_path((place / "link").c_str(), O_RDONLY, 0, 0) == -ELOOP);
  EXPECT(fs::make_symlink(".", (place / "dot").c_str()) == 0);
  EXPECT(fs::open_path((place / "dot/file").c_str(), O_RDONLY, 0, 0) == -ELOOP);
  base::UniqueFd appended(fs::open_path(file.c_str(), O_WRONLY | O_APPEND, 0, 0));
  EXPECT((fcntl(appended.get(), F_GETFL) & (O_APPEND | O_NONBLOCK)) == O_APPEND);
}

TEST(open_path_does_not_block_on_a_fifo) {
  const Place place;
  EXPECT(fs::make_node((place / "fifo").c_str(), S_IFIFO | 0600, 0) == 0);
  EXPECT(fs::make_node((place / "device").c_str(), S_IFCHR | 0600, 0) == -EPERM);
  EXPECT(fs::open_path((place / "fifo").c_str(), O_RDONLY, 0, 0) == -ESPIPE);
  base::UniqueFd reader(fs::open_path((place / "fifo").c_str(), O_RDONLY | O_NONBLOCK, 0, 0));
  EXPECT(reader.valid() && fs::poll_descriptor(reader.get()) == 0);
  EXPECT(fs::make_blocking(reader.get()) == 0 && (fcntl(reader.get(), F_GETFL) & O_NONBLOCK) == 0);
  reader.reset();
  EXPECT(fs::open_path((place / "fifo").c_str(), O_WRONLY, 0, 0) == -ENXIO);
}

TEST(metadata_acts_on_the_link_itself) {
  const Place place;
  const std::string link = place / "link";
  EXPECT(fs::make_symlink("/etc/passwd", link.c_str()) == 0);
  EXPECT(fs::change_mode({link.c_str(), -1}, 0600) == -EOPNOTSUPP);
  EXPECT(fs::change_mode({link.c_str(), -1}, 04600) == -EPERM);
  EXPECT(fs::change_size({link.c_str(), -1}, 0) == -ELOOP);
  const timespec times[2] = {{1, 0}, {2, 0}};
  EXPECT(fs::change_times({link.c_str(), -1}, times) == 0);
  struct stat status{};
  EXPECT(fs::stat_path(link.c_str(), status) == 0 && S_ISLNK(status.st_mode) && status.st_mtim.tv_sec == 2);
  std::string target;
  EXPECT(fs::read_symlink(link.c_str(), target) == 0 && target == "/etc/passwd");
  EXPECT(fs::read_symlink(place.root.c_str(), target) == -EINVAL);
}

TEST(metadata_by_held_descriptor) {
  const Place place;
  const std::string file = place / "file";
  base::UniqueFd made(fs::open_path(file.c_str(), O_CREAT | O_RDWR, 0644, 0));
  const base::UniqueFd held(open(file.c_str(), O_PATH | O_CLOEXEC));
  EXPECT(fs::change_mode({nullptr, held.get()}, 0600) == 0 && mode_of(file) == 0600);
  EXPECT(fs::change_size({nullptr, held.get()}, 9) == 0);
  EXPECT(fs::change_owner({nullptr, held.get()}, getuid(), getgid()) == 0);
  const int attribute = fs::set_attribute({nullptr, held.get()}, "user.a", "b", 1, 0);
  EXPECT(attribute == 0 || attribute == -EOPNOTSUPP);
  EXPECT(fs::change_mode({nullptr, -1}, 0600) == -EBADF);
}

TEST(names_are_listed_moved_and_removed) {
  const Place place;
  EXPECT(fs::make_directory((place / "a").c_str(), 02777, 027) == 0 && mode_of(place / "a") == 0750);
  EXPECT(fs::rename_path((place / "a").c_str(), (place / "b").c_str(), 0) == 0);
  std::vector<std::string> names;
  EXPECT(fs::list_directory(place.root.c_str(), 1, names) == 0 && names == std::vector<std::string>{"b"});
  names.clear();
  EXPECT(fs::list_directory(place.root.c_str(), 0, names) == -EOVERFLOW);
  EXPECT(fs::remove_path((place / "b").c_str(), 0) == -EISDIR);
  EXPECT(fs::remove_path((place / "b").c_str(), AT_REMOVEDIR) == 0);
  EXPECT(fs::make_directory("/", 0755, 0) == -EEXIST);
}

TEST(reopen_descriptor_gives_no_more_than_is_held) {
  int ends[2];
  EXPECT(pipe2(ends, O_CLOEXEC) == 0);
  const base::UniqueFd reader(ends[0]);
  const base::UniqueFd writer(ends[1]);
  const int tid = gettid();
  const base::UniqueFd again(fs::reopen_descriptor(tid, reader.get(), O_RDONLY));
  EXPECT(again.valid());
  EXPECT(fs::reopen_descriptor(tid, reader.get(), O_RDWR) == -EACCES);
  const base::UniqueFd file(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  const base::UniqueFd readable(fs::reopen_descriptor(tid, file.get(), O_RDONLY));
  EXPECT(readable.valid());
  EXPECT(fs::reopen_descriptor(tid, file.get(), O_RDWR) == -EXDEV);
  const Place place;
  const base::UniqueFd log(open((place / "log").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  EXPECT(fs::reopen_descriptor(tid, log.get(), O_WRONLY) == -EXDEV);
  EXPECT(fs::reopen_descriptor(tid, log.get(), O_WRONLY | O_APPEND | O_TRUNC) == -EXDEV);
  const base::UniqueFd memory(memfd_create("m", MFD_CLOEXEC));
  const base::UniqueFd writable(fs::reopen_descriptor(tid, memory.get(), O_RDWR));
  EXPECT(writable.valid());
  EXPECT(fs::reopen_descriptor(tid, 1000, O_RDONLY) == -EBADF);
}

TEST(link_descriptor_names_only_the_unnamed) {
  const Place place;
  const base::UniqueFd unnamed(fs::open_path(place.root.c_str(), O_TMPFILE | O_RDWR, 0600, 0));
  EXPECT(unnamed.valid());
  EXPECT(fs::link_descriptor(gettid(), unnamed.get(), (place / "named").c_str()) == 0);
  EXPECT(fs::link_descriptor(gettid(), unnamed.get(), (place / "twice").c_str()) == -EXDEV);
}

TEST(normalize_keeps_dot_dot) {
  unsigned flags = 0;
  EXPECT(normal("/w", "a//b/./c/", flags) == "/w/a/b/c" && flags == fs::kTrailingSlash);
  EXPECT(normal("/w", "../x", flags) == "/w/../x" && flags == fs::kHasDotDot);
  EXPECT(normal("/", ".", flags) == "/" && flags == fs::kEndsInDots);
  EXPECT(normal("/w", "/a/.", flags) == "/a" && flags == fs::kEndsInDots);
  EXPECT(normal("/w", "a/.//", flags) == "/w/a" && flags == (fs::kEndsInDots | fs::kTrailingSlash));
  EXPECT(normal("/w", "a/..", flags) == "/w/a/.." && flags == (fs::kEndsInDots | fs::kHasDotDot));
  EXPECT(normal("/w", "a/..x", flags) == "/w/a/..x" && flags == 0);
  EXPECT(normal("", "///", flags) == "/" && flags == (fs::kEndsInDots | fs::kTrailingSlash));
  EXPECT(normal("/w", "", flags) == "!");
  EXPECT(normal("/w", std::string(4096, 'a'), flags) == "!");
  EXPECT(normal("/w", "..a/.b", flags) == "/w/..a/.b" && flags == 0);
}

TEST(own_process_names_are_rewritten) {
  const auto rewritten = [](std::string path) {
    if (fs::names_own_process(path)) fs::rewrite_own_process(path, 7, 8);
    return path;
  };
  EXPECT(rewritten("/proc/self") == "/proc/7");
  EXPECT(rewritten("/proc/self/fd/3") == "/proc/7/fd/3");
  EXPECT(rewritten("/proc/thread-self/comm") == "/proc/7/task/8/comm");
  EXPECT(rewritten("/dev/fd/9") == "/proc/7/fd/9");
  EXPECT(rewritten("/dev/stderr") == "/proc/7/fd/2");
  EXPECT(rewritten("/proc/selfish") == "/proc/selfish");
  EXPECT(rewritten("/dev/stdinx") == "/dev/stdinx");
}

TEST(utf8_is_strict) {
  EXPECT(fs::is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  EXPECT(!fs::is_utf8("\xc0\xaf") && !fs::is_utf8("\xed\xa0\x80") && !fs::is_utf8("\xf4\x90\x80\x80"));
  EXPECT(!fs::is_utf8("\xe2\x82") && !fs::is_utf8("\x80") && !fs::is_utf8("\xff"));
  EXPECT(fs::is_ascii("0123456789") && !fs::is_ascii("01234567\xc3\xa9"));
}
