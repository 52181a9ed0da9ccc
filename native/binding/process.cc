#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "binding/binding.h"
#include "binding/values.h"
#include "linux/fs/mapping.h"
#include "linux/process/authority.h"
#include "linux/process/info.h"
#include "linux/process/signal.h"
#include "linux/process/terminal.h"
#include "linux/process/umask.h"

namespace binding {

namespace {

using Info = Napi::CallbackInfo;

Napi::Value done_or_throw(const Info& info, base::Result<base::Done> result) {
  if (!result.ok()) throw_failure(info.Env(), result.failure());
  return info.Env().Undefined();
}

Napi::Value process_umask(const Info& info) {
  return integer(info.Env(), static_cast<process::Umasks*>(info.Data())->of(int_at(info, 0)));
}

Napi::Value process_terminal(const Info& info) {
  return integer(info.Env(), process::controlling_terminal(int_at(info, 0)));
}

Napi::Value process_parent(const Info& info) {
  return integer(info.Env(), process::parent_of(int_at(info, 0)));
}

Napi::Value process_identity(const Info& info) {
  return Napi::Number::New(info.Env(), process::identity_of(int_at(info, 0)));
}

Napi::Value boot_time_ms(const Info& info) { return Napi::Number::New(info.Env(), process::boot_time_ms()); }

Napi::Value signal_descendant(const Info& info) {
  return integer(info.Env(), process::signal_descendant(int_at(info, 0), int_at(info, 1), int_at(info, 2)));
}

Napi::Value isolate_umask(const Info& info) { return done_or_throw(info, process::isolate_umask()); }

template <typename T>
std::optional<std::vector<T>> numbers_of(const Napi::Value& value) {
  if (!value.IsArray()) return std::nullopt;
  const auto array = value.As<Napi::Array>();
  std::vector<T> numbers;
  numbers.reserve(array.Length());
  for (uint32_t at = 0; at < array.Length(); at++) {
    const Napi::Value element = array[at];
    if (!element.IsNumber()) return std::nullopt;
    numbers.push_back(static_cast<T>(element.As<Napi::Number>().Int64Value()));
  }
  return numbers;
}

std::optional<process::User> user_of(const Napi::Value& value) {
  if (!value.IsObject()) return std::nullopt;
  const auto object = value.As<Napi::Object>();
  const Napi::Value uid = object.Get("uid");
  const Napi::Value gid = object.Get("gid");
  std::optional<std::vector<gid_t>> groups = numbers_of<gid_t>(object.Get("groups"));
  if (!uid.IsNumber() || !gid.IsNumber() || !groups.has_value()) return std::nullopt;
  return process::User{static_cast<uid_t>(uid.As<Napi::Number>().Int64Value()),
                       static_cast<gid_t>(gid.As<Napi::Number>().Int64Value()), std::move(*groups)};
}

Napi::Value lower_authority(const Info& info) {
  const std::optional<process::User> user = user_of(info[0]);
  const std::optional<std::vector<int>> keep = numbers_of<int>(info[1]);
  // Anything that is not a whole user must not pass for "no user": the effect would run as the broker's.
  if ((!user.has_value() && !info[0].IsNull()) || !keep.has_value()) {
    throw_type_error(info.Env(), "lowerAuthority(user, keep)");
    return info.Env().Undefined();
  }
  return done_or_throw(info, static_cast<process::Authority*>(info.Data())->lower(user, *keep));
}

Napi::Value raise_authority(const Info& info) {
  return done_or_throw(info, static_cast<process::Authority*>(info.Data())->raise());
}

Napi::Value open_pty(const Info& info) {
  const Napi::Env env = info.Env();
  base::Result<process::Pty> opened = process::open_pty();
  if (!opened.ok()) {
    throw_failure(env, opened.failure());
    return env.Undefined();
  }
  process::Pty& pty = opened.value();
  Napi::Array ends = Napi::Array::New(env, 3);
  ends.Set(0U, integer(env, pty.master.release()));
  ends.Set(1U, integer(env, pty.slave.release()));
  ends.Set(2U, Napi::String::New(env, pty.slave_name));
  return ends;
}

Napi::Value set_window_size(const Info& info) {
  const process::WindowSize size{static_cast<unsigned short>(unsigned_at(info, 1)),
                                 static_cast<unsigned short>(unsigned_at(info, 2))};
  return done_or_throw(info, process::set_window_size(int_at(info, 0), size));
}

Napi::Value make_raw(const Info& info) {
  base::Result<termios> before = process::make_raw(int_at(info, 0));
  if (!before.ok()) {
    throw_failure(info.Env(), before.failure());
    return {};
  }
  Napi::Uint8Array settings = Napi::Uint8Array::New(info.Env(), sizeof(termios));
  std::memcpy(settings.Data(), &before.value(), sizeof(termios));
  return settings;
}

Napi::Value restore_terminal(const Info& info) {
  Napi::Value given = info[1];
  if (!given.IsTypedArray() || given.As<Napi::TypedArray>().ByteLength() != sizeof(termios)) {
    throw_type_error(info.Env(), "expected what makeRaw gave");
    return {};
  }
  termios settings{};
  std::memcpy(&settings, given.As<Napi::Uint8Array>().Data(), sizeof settings);
  base::Result<base::Done> restored = process::restore_terminal(int_at(info, 0), settings);
  if (!restored.ok()) throw_failure(info.Env(), restored.failure());
  return {};
}

Napi::Value get_window_size(const Info& info) {
  const Napi::Env env = info.Env();
  base::Result<process::WindowSize> size = process::get_window_size(int_at(info, 0));
  if (!size.ok()) {
    throw_failure(env, size.failure());
    return env.Undefined();
  }
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0U, integer(env, size.value().rows));
  pair.Set(1U, integer(env, size.value().columns));
  return pair;
}

Napi::Value map_shared(const Info& info) {
  const Napi::Env env = info.Env();
  const auto bytes = static_cast<size_t>(long_at(info, 1));
  base::Result<void*> mapped = fs::map_shared(int_at(info, 0), bytes);
  if (!mapped.ok()) {
    throw_failure(env, mapped.failure());
    return env.Undefined();
  }
  napi_value buffer;
  const auto finalize = [](napi_env, void* address, void* size) {
    fs::unmap(address, reinterpret_cast<uintptr_t>(size));
  };
  void* const hint = reinterpret_cast<void*>(bytes);  // NOLINT(performance-no-int-to-ptr)
  if (napi_create_external_arraybuffer(env, mapped.value(), bytes, finalize, hint, &buffer) != napi_ok) {
    fs::unmap(mapped.value(), bytes);
    // A runtime with pointer compression or a memory cage refuses memory that is not its own.
    throw_failure(env, {"napi_create_external_arraybuffer", ENOTSUP});
    return env.Undefined();
  }
  return {env, buffer};
}

}  // namespace

void register_process(Napi::Env env, Napi::Object exports) {
  auto* authority = new process::Authority();
  env.AddCleanupHook([](process::Authority* ended) { delete ended; }, authority);
  auto* umasks = new process::Umasks();
  env.AddCleanupHook([](process::Umasks* ended) { delete ended; }, umasks);
  exports.Set("processUmask", Napi::Function::New<process_umask>(env, "processUmask", umasks));
  export_function<process_terminal>(env, exports, "processTerminal");
  export_function<process_parent>(env, exports, "processParent");
  export_function<process_identity>(env, exports, "processIdentity");
  export_function<boot_time_ms>(env, exports, "bootTimeMs");
  export_function<signal_descendant>(env, exports, "signalDescendant");
  export_function<isolate_umask>(env, exports, "isolateUmask");
  exports.Set("lowerAuthority", Napi::Function::New<lower_authority>(env, "lowerAuthority", authority));
  exports.Set("raiseAuthority", Napi::Function::New<raise_authority>(env, "raiseAuthority", authority));
  export_function<open_pty>(env, exports, "openPty");
  export_function<set_window_size>(env, exports, "setWindowSize");
  export_function<get_window_size>(env, exports, "getWindowSize");
  export_function<make_raw>(env, exports, "makeRaw");
  export_function<restore_terminal>(env, exports, "restoreTerminal");
  export_function<map_shared>(env, exports, "mapShared");
}

}  // namespace binding
