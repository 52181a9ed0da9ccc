#include <cstdlib>
#include <string>
#include <string_view>

#include "linux/fs/normalize.h"

// libFuzzer target: what normalize() lets through is absolute, has no "//", "." or final "/", keeps exactly
// the ".." of its input, and is its own normal form. Also runs the UTF-8 check and the /proc rewriting over
// the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string out;
  unsigned flags = 0;
  (void)fs::is_utf8(text);
  if (fs::normalize("/base/dir", text, out, flags) != 0) return 0;
  const std::string_view path = out;
  if (path.empty() || path.front() != '/' || path.size() >= fs::kPathBytes) std::abort();
  if (path.size() > 1 && path.back() == '/') std::abort();
  const std::string closed = out + "/";
  if (path != "/" && closed.find("//") != closed.npos) std::abort();
  if (closed.find("/./") != closed.npos) std::abort();
  if ((closed.find("/../") != closed.npos) != ((flags & fs::kHasDotDot) != 0)) std::abort();
  std::string again;
  unsigned again_flags = 0;
  if (fs::normalize("", path, again, again_flags) != 0 || again != out) std::abort();
  if (fs::names_own_process(out)) fs::rewrite_own_process(out, 1, 2);
  if (fs::names_own_process(out)) std::abort();
  return 0;
}
