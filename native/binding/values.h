#pragma once

#include <napi.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "linux/fs/normalize.h"

// Conversions between JavaScript and the facilities. A value of the wrong type is a bug of our own TypeScript
// and throws; a value out of range is answered with -errno.
namespace binding {

// A path or a name of the caller as the kernel takes it.
template <size_t Bytes>
class Text {
 public:
  explicit Text(const Napi::Value& value) {
    size_t length = 0;
    // One byte more than fits tells a text that is too long from one that is just long enough.
    if (napi_get_value_string_utf8(value.Env(), value, bytes_, sizeof bytes_, &length) != napi_ok) {
      Napi::TypeError::New(value.Env(), "expected a string").ThrowAsJavaScriptException();
      error_ = -EINVAL;
    } else if (length >= Bytes) {
      error_ = -ENAMETOOLONG;
    } else if (std::memchr(bytes_, 0, length) != nullptr) {
      error_ = -EINVAL;
    }
  }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const char* c_str() const { return bytes_; }

 private:
  char bytes_[Bytes + 4];
  int error_ = 0;
};

using PathText = Text<fs::kPathBytes>;

inline Napi::Value integer(Napi::Env env, int64_t value) {
  napi_value made;
  if (value >= INT32_MIN && value <= INT32_MAX) {
    napi_create_int32(env, static_cast<int32_t>(value), &made);
  } else {
    napi_create_double(env, static_cast<double>(value), &made);
  }
  return {env, made};
}

// Text that came from the kernel: most is ASCII, which V8 takes without decoding.
inline napi_value string_of(napi_env env, std::string_view text) {
  napi_value made;
  if (fs::is_ascii(text)) {
    napi_create_string_latin1(env, text.data(), text.size(), &made);
  } else {
    napi_create_string_utf8(env, text.data(), text.size(), &made);
  }
  return made;
}

inline int32_t int_at(const Napi::CallbackInfo& info, size_t at) {
  int32_t value = 0;
  if (napi_get_value_int32(info.Env(), info[at], &value) != napi_ok) {
    Napi::TypeError::New(info.Env(), "expected a number").ThrowAsJavaScriptException();
  }
  return value;
}

inline int64_t long_at(const Napi::CallbackInfo& info, size_t at) {
  int64_t value = 0;
  if (napi_get_value_int64(info.Env(), info[at], &value) != napi_ok) {
    Napi::TypeError::New(info.Env(), "expected a number").ThrowAsJavaScriptException();
  }
  return value;
}

inline uint32_t unsigned_at(const Napi::CallbackInfo& info, size_t at) {
  return static_cast<uint32_t>(long_at(info, at));
}

template <Napi::Value (*Callback)(const Napi::CallbackInfo&)>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Callback>(env, name));
}

}  // namespace binding
