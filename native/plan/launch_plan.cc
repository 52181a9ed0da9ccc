#include "plan/launch_plan.h"

#include <cstring>

namespace plan {
namespace {

constexpr uint32_t magic = 0x314e4c50;  // "PLN1"
constexpr uint32_t flag_channel = 1U << 0U;
constexpr uint32_t flag_ruleset = 1U << 1U;
constexpr uint32_t flag_notify = 1U << 2U;
constexpr uint32_t flag_user = 1U << 3U;
constexpr uint32_t known_flags = flag_channel | flag_ruleset | flag_notify | flag_user;

class Writer {
 public:
  template <typename T>
  void number(T value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof(T));
  }
  void bytes(const void* data, size_t size_bytes) {
    number(static_cast<uint32_t>(size_bytes));
    const auto* from = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), from, from + size_bytes);
  }
  void strings(const std::vector<std::string>& list) {
    number(static_cast<uint32_t>(list.size()));
    for (const std::string& item : list) bytes(item.data(), item.size());
  }
  void numbers(const std::vector<uint32_t>& list) {
    number(static_cast<uint32_t>(list.size()));
    for (const uint32_t item : list) number(item);
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

// Reads from the front; after the first failure every read fails.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : left_(bytes) {}

  template <typename T>
  bool number(T& out) {
    if (left_.size() < sizeof(T)) return fail();
    std::memcpy(&out, left_.data(), sizeof(T));
    left_ = left_.subspan(sizeof(T));
    return true;
  }
  // A count of items of at least `item_bytes` each: what cannot be there is refused before anything is
  // allocated.
  bool count(uint32_t& out, size_t max, size_t item_bytes) {
    if (!number(out)) return false;
    if (out > max || out > left_.size() / item_bytes) return fail();
    return true;
  }
  bool bytes(std::vector<uint8_t>& out, size_t max) {
    uint32_t size_bytes = 0;
    if (!count(size_bytes, max, 1)) return false;
    out.assign(left_.begin(), left_.begin() + size_bytes);
    left_ = left_.subspan(size_bytes);
    return true;
  }
  bool string(std::string& out, size_t max) {
    uint32_t size_bytes = 0;
    if (!count(size_bytes, max, 1)) return false;
    if (size_bytes != 0 && std::memchr(left_.data(), 0, size_bytes) != nullptr) return fail();
    out.assign(reinterpret_cast<const char*>(left_.data()), size_bytes);
    left_ = left_.subspan(size_bytes);
    return true;
  }
  bool strings(std::vector<std::string>& out) {
    uint32_t length = 0;
    if (!count(length, max_strings, sizeof(uint32_t))) return false;
    out.resize(length);
    for (std::string& item : out) {
      if (!string(item, max_string_bytes)) return false;
    }
    return true;
  }
  bool numbers(std::vector<uint32_t>& out, size_t max) {
    uint32_t length = 0;
    if (!count(length, max, sizeof(uint32_t))) return false;
    out.resize(length);
    for (uint32_t& item : out) {
      if (!number(item)) return false;
    }
    return true;
  }
  [[nodiscard]] bool at_end() const { return !failed_ && left_.empty(); }

 private:
  bool fail() {
    failed_ = true;
    left_ = {};
    return false;
  }
  std::span<const uint8_t> left_;
  bool failed_ = false;
};

bool is_absolute(const std::string& path) { return !path.empty() && path[0] == '/'; }

bool is_filter(const std::vector<uint8_t>& filter) { return filter.size() % 8 == 0; }

// What the lengths alone do not say.
bool is_coherent(const LaunchPlan& plan) {
  if (!is_absolute(plan.path) || !is_absolute(plan.cwd) || plan.argv.empty()) return false;
  if (!is_filter(plan.stub_filter) || !is_filter(plan.filter)) return false;
  if (plan.notify && plan.filter.empty()) return false;
  if (plan.terminal_index < -1 || plan.terminal_index > 2 || plan.umask > 0777) return false;
  for (const uint32_t cpu : plan.cpus) {
    if (cpu >= max_cpus) return false;
  }
  for (const Rlimit& limit : plan.rlimits) {
    if (limit.resource >= max_rlimits) return false;
  }
  return true;
}

bool read_user(Reader& in, LaunchPlan& plan) {
  User user;
  if (!in.number(user.uid) || !in.number(user.gid) || !in.numbers(user.groups, max_groups)) return false;
  plan.user = std::move(user);
  return true;
}

bool read_rlimits(Reader& in, LaunchPlan& plan) {
  uint32_t length = 0;
  if (!in.count(length, max_rlimits, 20)) return false;
  plan.rlimits.resize(length);
  for (Rlimit& limit : plan.rlimits) {
    if (!in.number(limit.resource) || !in.number(limit.soft) || !in.number(limit.hard)) return false;
  }
  return true;
}

}  // namespace

std::optional<std::vector<uint8_t>> serialise_plan(const LaunchPlan& plan) {
  Writer out;
  out.number(magic);
  out.number((plan.has_channel ? flag_channel : 0U) | (plan.has_ruleset ? flag_ruleset : 0U) |
             (plan.notify ? flag_notify : 0U) | (plan.user ? flag_user : 0U));
  out.number(plan.terminal_index);
  out.number(plan.umask);
  out.number(plan.keep_capabilities);
  out.bytes(plan.path.data(), plan.path.size());
  out.bytes(plan.cwd.data(), plan.cwd.size());
  out.strings(plan.argv);
  out.strings(plan.env);
  out.bytes(plan.stub_filter.data(), plan.stub_filter.size());
  out.bytes(plan.filter.data(), plan.filter.size());
  if (plan.user) {
    out.number(plan.user->uid);
    out.number(plan.user->gid);
    out.numbers(plan.user->groups);
  }
  out.number(static_cast<uint32_t>(plan.rlimits.size()));
  for (const Rlimit& limit : plan.rlimits) {
    out.number(limit.resource);
    out.number(limit.soft);
    out.number(limit.hard);
  }
  out.numbers(plan.cpus);
  std::vector<uint8_t> bytes = out.take();
  if (!parse_plan(bytes)) return std::nullopt;
  return bytes;
}

std::optional<LaunchPlan> parse_plan(std::span<const uint8_t> bytes) {
  if (bytes.size() > max_plan_bytes) return std::nullopt;
  Reader in(bytes);
  LaunchPlan plan;
  uint32_t found = 0;
  uint32_t flags = 0;
  if (!in.number(found) || found != magic || !in.number(flags) || (flags & ~known_flags) != 0)
    return std::nullopt;
  plan.has_channel = (flags & flag_channel) != 0;
  plan.has_ruleset = (flags & flag_ruleset) != 0;
  plan.notify = (flags & flag_notify) != 0;
  const bool read = in.number(plan.terminal_index) && in.number(plan.umask) &&
                    in.number(plan.keep_capabilities) && in.string(plan.path, max_path_bytes) &&
                    in.string(plan.cwd, max_path_bytes) && in.strings(plan.argv) && in.strings(plan.env) &&
                    in.bytes(plan.stub_filter, max_filter_bytes) && in.bytes(plan.filter, max_filter_bytes) &&
                    ((flags & flag_user) == 0 || read_user(in, plan)) && read_rlimits(in, plan) &&
                    in.numbers(plan.cpus, max_cpus);
  if (!read || !in.at_end() || !is_coherent(plan)) return std::nullopt;
  return plan;
}

}  // namespace plan
