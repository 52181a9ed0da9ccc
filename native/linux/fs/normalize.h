#pragma once

#include <string>
#include <string_view>

// Pure functions on path text: no system call, no allocation beyond the growth of `out`, any thread.
namespace fs {

// The size that the kernel gives a path, its NUL included (PATH_MAX, path_resolution(7)).
inline constexpr size_t kPathBytes = 4096;

inline constexpr unsigned kTrailingSlash = 1;  // ended in "/": must be a directory
inline constexpr unsigned kHasDotDot = 2;      // holds "..", which text alone cannot resolve
inline constexpr unsigned kEndsInDots =
    4;  // ended in "." or "..", or names the root: no name to make or remove
inline constexpr unsigned kPathFlagBits = 3;

// Writes `path`, or `base`/`path` when it is relative, to `out` as an absolute path without "//", "." and a
// final "/".
// ".." stays: "a/.." is not "." where "a" is a symbolic link. `base` must be absolute; it is not used for an
// absolute path. Returns 0 with `flags` set, ENOENT for an empty path or ENAMETOOLONG; `out` is then
// unspecified.
[[nodiscard]] int normalize(std::string_view base, std::string_view path, std::string& out, unsigned& flags);

// True when a normalised path means another object for each process that names it: /proc/self,
// /proc/thread-self, /dev/fd, /dev/stdin, /dev/stdout, /dev/stderr, and what is below them.
[[nodiscard]] bool names_own_process(std::string_view path);

// Rewrites such a path to /proc/<tgid>/…, so that it means for the broker what it means for the caller.
void rewrite_own_process(std::string& path, int tgid, int tid);

// Strict UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);
[[nodiscard]] bool is_ascii(std::string_view text);

}  // namespace fs
