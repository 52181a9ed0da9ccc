#pragma once

#include <napi.h>

#include "base/result.h"

// The only folder that includes napi.h: converts and type-checks values, and calls the facilities. Each file
// registers its functions; all of them run on the event-loop thread of the environment that loaded the addon.
namespace binding {

void register_probe(Napi::Env env, Napi::Object exports);
void register_landlock(Napi::Env env, Napi::Object exports);
void register_launch(Napi::Env env, Napi::Object exports);
void register_notify(Napi::Env env, Napi::Object exports);
void register_channel(Napi::Env env, Napi::Object exports);
void register_message(Napi::Env env, Napi::Object exports);
void register_fs(Napi::Env env, Napi::Object exports);
void register_layer(Napi::Env env, Napi::Object exports);
void register_process(Napi::Env env, Napi::Object exports);
void register_socket(Napi::Env env, Napi::Object exports);
void register_stream(Napi::Env env, Napi::Object exports);
void register_relay(Napi::Env env, Napi::Object exports);
void register_merkle(Napi::Env env, Napi::Object exports);
void register_stage(Napi::Env env, Napi::Object exports);
void register_watch(Napi::Env env, Napi::Object exports);

// Throws an Error with `syscall`, `errno` (positive) and `code` ("EPERM"), as libuv does. The caller returns
// at once.
void throw_failure(Napi::Env env, const base::Failure& failure);
// Throws a TypeError; for a caller that broke the contract of platform/binding.ts.
void throw_type_error(Napi::Env env, const char* what);

}  // namespace binding
