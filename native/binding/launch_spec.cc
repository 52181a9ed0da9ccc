#include "binding/launch_spec.h"

#include <cmath>
#include <string>

namespace binding {
namespace {

bool read_integer(const Napi::Value& value, double min, double max, double& out) {
  if (!value.IsNumber()) return false;
  out = value.As<Napi::Number>().DoubleValue();
  return std::trunc(out) == out && out >= min && out <= max;
}

bool read_u32(const Napi::Value& value, uint32_t& out) {
  double number = 0;
  if (!read_integer(value, 0, UINT32_MAX, number)) return false;
  out = static_cast<uint32_t>(number);
  return true;
}

bool read_i32(const Napi::Value& value, int min, int& out) {
  double number = 0;
  if (!read_integer(value, min, INT32_MAX, number)) return false;
  out = static_cast<int>(number);
  return true;
}

bool read_string(const Napi::Value& value, std::string& out) {
  if (!value.IsString()) return false;
  out = value.As<Napi::String>().Utf8Value();
  return true;
}

// Calls `read` for each element of an array.
template <typename F>
bool each(const Napi::Value& value, F read) {
  if (!value.IsArray()) return false;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const Napi::HandleScope scope(list.Env());
    if (!read(list.Get(i))) return false;
  }
  return true;
}

bool read_strings(const Napi::Value& value, std::vector<std::string>& out) {
  return each(value, [&](const Napi::Value& item) { return read_string(item, out.emplace_back()); });
}

bool read_numbers(const Napi::Value& value, std::vector<uint32_t>& out) {
  return each(value, [&](const Napi::Value& item) { return read_u32(item, out.emplace_back()); });
}

bool read_bytes(const Napi::Value& value, std::vector<uint8_t>& out) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
    return false;
  const auto array = value.As<Napi::Uint8Array>();
  if (array.ByteLength() != 0) out.assign(array.Data(), array.Data() + array.ByteLength());
  return true;
}

bool read_limit(const Napi::Value& value, uint64_t& out) {
  double number = 0;
  if (!read_integer(value, -1, 9007199254740991.0, number)) return false;
  out = number < 0 ? UINT64_MAX : static_cast<uint64_t>(number);
  return true;
}

bool read_rlimits(const Napi::Value& value, std::vector<plan::Rlimit>& out) {
  return each(value, [&](const Napi::Value& item) {
    if (!item.IsArray() || item.As<Napi::Array>().Length() != 3) return false;
    const auto triple = item.As<Napi::Array>();
    plan::Rlimit& limit = out.emplace_back();
    return read_u32(triple.Get(0U), limit.resource) && read_limit(triple.Get(1U), limit.soft) &&
           read_limit(triple.Get(2U), limit.hard);
  });
}

bool read_user(const Napi::Value& value, std::optional<plan::User>& out) {
  if (value.IsNull()) return true;
  if (!value.IsObject()) return false;
  const auto object = value.As<Napi::Object>();
  plan::User& user = out.emplace();
  return read_u32(object.Get("uid"), user.uid) && read_u32(object.Get("gid"), user.gid) &&
         read_numbers(object.Get("groups"), user.groups);
}

bool read_capabilities(const Napi::Value& value, uint64_t& out) {
  return each(value, [&](const Napi::Value& item) {
    int number = 0;
    if (!read_i32(item, 0, number) || number > 63) return false;
    out |= uint64_t{1} << static_cast<unsigned>(number);
    return true;
  });
}

bool read_fds(const Napi::Object& spec, plan::LaunchPlan& plan, std::vector<int>& fds) {
  if (!each(spec.Get("stdio"),
            [&](const Napi::Value& item) { return read_i32(item, 0, fds.emplace_back()); })) {
    return false;
  }
  int channel = -1;
  int ruleset = -1;
  if (fds.size() != 3 || !read_i32(spec.Get("channelFd"), -1, channel) ||
      !read_i32(spec.Get("rulesetFd"), -1, ruleset)) {
    return false;
  }
  plan.has_channel = channel >= 0;
  plan.has_ruleset = ruleset >= 0;
  if (plan.has_channel) fds.push_back(channel);
  if (plan.has_ruleset) fds.push_back(ruleset);
  return true;
}

}  // namespace

bool read_launch_spec(const Napi::Object& spec, plan::LaunchPlan& plan, std::vector<int>& fds) {
  std::string listener;
  if (!read_string(spec.Get("listener"), listener) || (listener != "notify" && listener != "none"))
    return false;
  plan.notify = listener == "notify";
  return read_string(spec.Get("path"), plan.path) && read_strings(spec.Get("argv"), plan.argv) &&
         read_strings(spec.Get("env"), plan.env) && read_string(spec.Get("cwd"), plan.cwd) &&
         read_fds(spec, plan, fds) && read_i32(spec.Get("terminalIndex"), -1, plan.terminal_index) &&
         read_bytes(spec.Get("stubFilter"), plan.stub_filter) &&
         read_bytes(spec.Get("filter"), plan.filter) && read_user(spec.Get("user"), plan.user) &&
         read_capabilities(spec.Get("keepCapabilities"), plan.keep_capabilities) &&
         read_u32(spec.Get("umask"), plan.umask) && read_rlimits(spec.Get("rlimits"), plan.rlimits) &&
         read_numbers(spec.Get("cpus"), plan.cpus);
}

}  // namespace binding
