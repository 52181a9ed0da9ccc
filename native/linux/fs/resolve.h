#pragma once

#include <string>

namespace fs {

struct Viewer {
  int tid;
  int tgid;
};

// Gives in `out` the path without symbolic links that `path` (absolute) has for thread `viewer`, whose root
// directory and mount namespace are ours. The last component need not exist; a link in it is followed when
// `follow`, or when the path ends in "/". /proc/self and /proc/thread-self are the viewer's. Links that are
// no text (/proc/PID/fd/N, cwd, root, exe, ns) are refused with -EXDEV, save a final /proc/<own tgid>/fd/N,
// which is given back as it is.
//
// A walk of many steps is no proof: the directory it ends in is asked for its name at the end, and when that
// differs the walk is made once more and then answers -EAGAIN. Whoever uses the path still opens it with
// open_no_symlinks(). Errors as path_resolution(7): -ENOENT, -ENOTDIR, -ELOOP (40 links), -EACCES,
// -ENAMETOOLONG.
[[nodiscard]] int resolve(const char* path, const Viewer& viewer, bool follow, std::string& out);

}  // namespace fs
