#include "linux/fs/normalize.h"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace fs {

namespace {

// True when `path` is `prefix` or lies below it.
bool is_at_or_below(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

void append_components(std::string_view path, std::string& out, unsigned& flags) {
  size_t at = 0;
  while (at < path.size()) {
    if (path[at] == '/') {
      at++;
      continue;
    }
    const void* slash = std::memchr(path.data() + at, '/', path.size() - at);
    const size_t end =
        slash == nullptr ? path.size() : static_cast<size_t>(static_cast<const char*>(slash) - path.data());
    const std::string_view name = path.substr(at, end - at);
    at = end;
    if (name == ".") continue;
    if (name == "..") flags |= kHasDotDot;
    out += '/';
    out += name;
  }
}

// LAST_NORM and its siblings, linux/namei.h: what the last component is, whatever "/" follow it.
bool last_is_dots(std::string_view path) {
  const size_t end = path.find_last_not_of('/');
  if (end == path.npos) return true;
  const std::string_view kept = path.substr(0, end + 1);
  const std::string_view last = kept.substr(kept.rfind('/') + 1);
  return last == "." || last == "..";
}

}  // namespace

int normalize(std::string_view base, std::string_view path, std::string& out, unsigned& flags) {
  flags = 0;
  if (path.empty()) return ENOENT;
  if (path.size() >= kPathBytes) return ENAMETOOLONG;
  out.clear();
  if (path.front() != '/') append_components(base, out, flags);
  append_components(path, out, flags);
  if (path.back() == '/') flags |= kTrailingSlash;
  if (last_is_dots(path)) flags |= kEndsInDots;
  if (out.empty()) out.push_back('/');
  return out.size() < kPathBytes ? 0 : ENAMETOOLONG;
}

bool names_own_process(std::string_view path) {
  if (path.starts_with("/proc/"))
    return is_at_or_below(path, "/proc/self") || is_at_or_below(path, "/proc/thread-self");
  if (!path.starts_with("/dev/")) return false;
  return is_at_or_below(path, "/dev/fd") || is_at_or_below(path, "/dev/stdin") ||
         is_at_or_below(path, "/dev/stdout") || is_at_or_below(path, "/dev/stderr");
}

void rewrite_own_process(std::string& path, int tgid, int tid) {
  struct Alias {
    std::string_view name;
    const char* below;
  };
  static constexpr Alias kAliases[] = {{"/proc/self", ""},
                                       {"/dev/fd", "/fd"},
                                       {"/dev/stdin", "/fd/0"},
                                       {"/dev/stdout", "/fd/1"},
                                       {"/dev/stderr", "/fd/2"}};
  char target[64];
  if (is_at_or_below(path, "/proc/thread-self")) {
    std::snprintf(target, sizeof target, "/proc/%d/task/%d", tgid, tid);
    path.replace(0, std::string_view("/proc/thread-self").size(), target);
    return;
  }
  for (const Alias& alias : kAliases) {
    if (!is_at_or_below(path, alias.name)) continue;
    std::snprintf(target, sizeof target, "/proc/%d%s", tgid, alias.below);
    path.replace(0, alias.name.size(), target);
    return;
  }
}

bool is_ascii(std::string_view text) {
  size_t at = 0;
  uint64_t seen = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, sizeof word);
    seen |= word;
  }
  for (; at < text.size(); at++) seen |= static_cast<unsigned char>(text[at]);
  return (seen & 0x8080808080808080U) == 0;
}

bool is_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t at = 0;
  while (at < text.size()) {
    const unsigned lead = bytes[at];
    if (lead < 0x80) {
      at++;
      continue;
    }
    const size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || at + more >= text.size()) return false;
    const unsigned second = bytes[at + 1];
    unsigned low = 0x80;
    unsigned high = 0xbf;
    if (lead == 0xe0) low = 0xa0;   // overlong
    if (lead == 0xed) high = 0x9f;  // surrogates
    if (lead == 0xf0) low = 0x90;   // overlong
    if (lead == 0xf4) high = 0x8f;  // above U+10FFFF
    if (second < low || second > high) return false;
    for (size_t next = 2; next <= more; next++) {
      if ((bytes[at + next] & 0xc0) != 0x80) return false;
    }
    at += more + 1;
  }
  return true;
}

}  // namespace fs
