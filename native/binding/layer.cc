#include <cstring>
#include <string>
#include <vector>

#include "binding/binding.h"
#include "binding/values.h"
#include "linux/fs/attributes.h"
#include "linux/process/replace.h"

namespace binding {

namespace {

using Info = Napi::CallbackInfo;

Napi::Value fd_listxattr(const Info& info) {
  std::vector<std::string> names;
  const int failed = fs::list_attributes(int_at(info, 0), names);
  if (failed < 0) return integer(info.Env(), failed);
  Napi::Array list = Napi::Array::New(info.Env(), names.size());
  for (uint32_t at = 0; at < names.size(); at++)
    list.Set(at, Napi::Value(info.Env(), string_of(info.Env(), names[at])));
  return list;
}

Napi::Value fd_getxattr(const Info& info) {
  const PathText name(info[1]);
  if (name.error() != 0) return integer(info.Env(), name.error());
  std::vector<uint8_t> value;
  const int failed = fs::get_attribute(int_at(info, 0), name.c_str(), value);
  if (failed < 0) return integer(info.Env(), failed);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), value.size());
  if (!value.empty()) std::memcpy(bytes.Data(), value.data(), value.size());
  return bytes;
}

Napi::Value replace_process(const Info& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString() || !info[1].IsArray() || !info[2].IsArray()) {
    throw_type_error(env, "replaceProcess(program, argv, keep)");
    return env.Undefined();
  }
  std::vector<std::string> argv;
  const auto words = info[1].As<Napi::Array>();
  for (uint32_t at = 0; at < words.Length(); at++)
    argv.push_back(Napi::Value(words[at]).As<Napi::String>().Utf8Value());
  std::vector<int> keep;
  const auto descriptors = info[2].As<Napi::Array>();
  for (uint32_t at = 0; at < descriptors.Length(); at++)
    keep.push_back(Napi::Value(descriptors[at]).As<Napi::Number>().Int32Value());
  base::Result<base::Done> done = process::replace(info[0].As<Napi::String>().Utf8Value(), argv, keep);
  throw_failure(env, done.failure());
  return env.Undefined();
}

}  // namespace

void register_layer(Napi::Env env, Napi::Object exports) {
  export_function<fd_listxattr>(env, exports, "fdListxattr");
  export_function<fd_getxattr>(env, exports, "fdGetxattr");
  export_function<replace_process>(env, exports, "replaceProcess");
}

}  // namespace binding
