#include "linux/probe/probe.h"

#include <napi.h>

#include "binding/binding.h"

namespace binding {
namespace {

Napi::Value run_probe(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array out = Napi::Array::New(env);
  for (const probe::Finding& finding : probe::probe_all()) {
    Napi::Object item = Napi::Object::New(env);
    item.Set("name", Napi::String::New(env, finding.name));
    item.Set("outcome", Napi::String::New(env, finding.error == 0 ? "works" : "missing"));
    item.Set("syscall", Napi::String::New(env, finding.call));
    item.Set("errno", Napi::Number::New(env, finding.error));
    item.Set("value", Napi::Number::New(env, finding.value));
    out.Set(out.Length(), item);
  }
  return out;
}

}  // namespace

void register_probe(Napi::Env env, Napi::Object exports) {
  exports.Set("probe", Napi::Function::New(env, run_probe));
}

}  // namespace binding
