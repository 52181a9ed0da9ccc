#include <napi.h>

#include <cmath>

#include "binding/binding.h"
#include "linux/landlock/ruleset.h"

namespace binding {
namespace {

bool read_bits(const Napi::Value& value, uint64_t& out) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (std::trunc(number) != number || number < 0 || number > 9007199254740991.0) return false;
  out = static_cast<uint64_t>(number);
  return true;
}

// What the running kernel does not have is version 0, not an error: the caller decides what that means.
Napi::Value abi(const Napi::CallbackInfo& info) {
  base::Result<int> version = landlock::abi();
  return Napi::Number::New(info.Env(), version.ok() ? version.value() : 0);
}

Napi::Value errata(const Napi::CallbackInfo& info) {
  base::Result<int> fixed = landlock::errata();
  return Napi::Number::New(info.Env(), fixed.ok() ? fixed.value() : 0);
}

Napi::Value create_ruleset(const Napi::CallbackInfo& info) {
  uint64_t fs = 0;
  uint64_t net = 0;
  uint64_t scoped = 0;
  if (!read_bits(info[0], fs) || !read_bits(info[1], net) || !read_bits(info[2], scoped)) {
    throw_type_error(info.Env(), "landlockCreateRuleset(handledFs, handledNet, scoped)");
    return {};
  }
  base::Result<base::UniqueFd> ruleset = landlock::create_ruleset(fs, net, scoped);
  if (!ruleset.ok()) {
    throw_failure(info.Env(), ruleset.failure());
    return {};
  }
  return Napi::Number::New(info.Env(), ruleset.value().release());
}

void add_path(const Napi::CallbackInfo& info) {
  uint64_t allowed = 0;
  if (!info[0].IsNumber() || !info[1].IsNumber() || !read_bits(info[2], allowed)) {
    return throw_type_error(info.Env(), "landlockAddPath(rulesetFd, pathFd, allowed)");
  }
  base::Result<base::Done> added = landlock::add_path(info[0].As<Napi::Number>().Int32Value(),
                                                      info[1].As<Napi::Number>().Int32Value(), allowed);
  if (!added.ok()) throw_failure(info.Env(), added.failure());
}

}  // namespace

void register_landlock(Napi::Env env, Napi::Object exports) {
  exports.Set("landlockAbi", Napi::Function::New(env, abi));
  exports.Set("landlockErrata", Napi::Function::New(env, errata));
  exports.Set("landlockCreateRuleset", Napi::Function::New(env, create_ruleset));
  exports.Set("landlockAddPath", Napi::Function::New(env, add_path));
}

}  // namespace binding
