#include <uv.h>

#include <cstring>
#include <string>

#include "binding/binding.h"

namespace binding {

void throw_failure(Napi::Env env, const base::Failure& failure) {
  const std::string message = std::string(failure.call) + ": " + std::strerror(failure.error);
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("syscall", Napi::String::New(env, failure.call));
  error.Set("errno", Napi::Number::New(env, failure.error));
  error.Set("code", Napi::String::New(env, uv_err_name(-failure.error)));
  error.ThrowAsJavaScriptException();
}

void throw_type_error(Napi::Env env, const char* what) {
  Napi::TypeError::New(env, what).ThrowAsJavaScriptException();
}

}  // namespace binding
