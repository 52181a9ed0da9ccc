#include "linux/fs/stage.h"

#include <sys/stat.h>

#include <vector>

#include "binding/binding.h"
#include "binding/values.h"
#include "linux/fs/look.h"

namespace binding {

namespace {

using Info = Napi::CallbackInfo;

constexpr size_t kLookFields = 15;  // LOOK of platform/binding.ts
constexpr double kMinors = 1048576;

int fill_look(const Info& info, size_t at, const struct statx& found) {
  Napi::Value given = info[at];
  if (!given.IsTypedArray() || given.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array ||
      given.As<Napi::TypedArray>().ElementLength() < kLookFields) {
    throw_type_error(info.Env(), "expected a Float64Array(16)");
    return -EINVAL;
  }
  double* out = given.As<Napi::Float64Array>().Data();
  const bool is_born = (found.stx_mask & STATX_BTIME) != 0;
  const double fields[kLookFields] = {static_cast<double>(found.stx_mode),
                                      static_cast<double>(found.stx_uid),
                                      static_cast<double>(found.stx_gid),
                                      static_cast<double>(found.stx_size),
                                      static_cast<double>(found.stx_nlink),
                                      static_cast<double>(found.stx_ino),
                                      found.stx_dev_major * kMinors + found.stx_dev_minor,
                                      is_born ? static_cast<double>(found.stx_btime.tv_sec) : 0,
                                      is_born ? static_cast<double>(found.stx_btime.tv_nsec) : 0,
                                      static_cast<double>(found.stx_mtime.tv_sec),
                                      static_cast<double>(found.stx_mtime.tv_nsec),
                                      static_cast<double>(found.stx_ctime.tv_sec),
                                      static_cast<double>(found.stx_ctime.tv_nsec),
                                      static_cast<double>(found.stx_atime.tv_sec),
                                      static_cast<double>(found.stx_atime.tv_nsec)};
  for (size_t field = 0; field < kLookFields; field++) out[field] = fields[field];
  return 0;
}

// Calls `operation` with argument 0 as a path or as a descriptor.
template <typename Operation>
int on_target(const Info& info, Operation operation) {
  if (info[0].IsNumber()) return operation(fs::Target{nullptr, int_at(info, 0)});
  const PathText path(info[0]);
  return path.error() != 0 ? path.error() : operation(fs::Target{path.c_str(), -1});
}

Napi::Value fs_look(const Info& info) {
  return integer(info.Env(), on_target(info, [&](const fs::Target& target) {
                   struct statx found;
                   const int failed = fs::look(target, found);
                   return failed < 0 ? failed : fill_look(info, 1, found);
                 }));
}

Napi::Value store_look(const Info& info) {
  const PathText name(info[1]);
  if (name.error() != 0) return integer(info.Env(), name.error());
  struct statx found;
  const int failed = fs::look_in(int_at(info, 0), name.c_str(), found);
  return integer(info.Env(), failed < 0 ? failed : fill_look(info, 2, found));
}

Napi::Value fs_attributes(const Info& info) {
  std::vector<fs::Attribute> attributes;
  const int failed =
      on_target(info, [&](const fs::Target& target) { return fs::attributes_of(target, attributes); });
  if (failed < 0) return integer(info.Env(), failed);
  Napi::Array list = Napi::Array::New(info.Env(), attributes.size());
  for (uint32_t at = 0; at < attributes.size(); at++) {
    const auto& [name, value] = attributes[at];
    Napi::Array pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0U, Napi::Value(info.Env(), string_of(info.Env(), name)));
    pair.Set(1U, Napi::Buffer<char>::Copy(info.Env(), value.data(), value.size()));
    list.Set(at, pair);
  }
  return list;
}

// Calls `operation` with the path and the name in the store that the arguments at these places are.
template <typename Operation>
Napi::Value with_path_and_name(const Info& info, size_t path_at, size_t name_at, Operation operation) {
  const PathText path(info[path_at]);
  const PathText name(info[name_at]);
  if (path.error() != 0) return integer(info.Env(), path.error());
  return integer(info.Env(), name.error() != 0 ? name.error() : operation(path.c_str(), name.c_str()));
}

Napi::Value stage_replacement(const Info& info) {
  const PathText name(info[3]);
  if (name.error() != 0) return integer(info.Env(), name.error());
  return integer(info.Env(),
                 fs::stage_replacement(int_at(info, 0), int_at(info, 1), int_at(info, 2), name.c_str()));
}

Napi::Value store_exchange(const Info& info) {
  return with_path_and_name(info, 0, 2, [&](const char* path, const char* name) {
    return fs::exchange_with_store(path, int_at(info, 1), name, static_cast<ino_t>(long_at(info, 3)));
  });
}

Napi::Value store_move_in(const Info& info) {
  return with_path_and_name(info, 0, 2, [&](const char* path, const char* name) {
    return fs::move_to_store(path, int_at(info, 1), name, static_cast<ino_t>(long_at(info, 3)));
  });
}

Napi::Value store_link_in(const Info& info) {
  return with_path_and_name(info, 0, 2, [&](const char* path, const char* name) {
    return fs::link_to_store(path, int_at(info, 1), name);
  });
}

Napi::Value store_move_out(const Info& info) {
  return with_path_and_name(info, 2, 1, [&](const char* path, const char* name) {
    return fs::move_from_store(int_at(info, 0), name, path);
  });
}

Napi::Value store_link_out(const Info& info) {
  return with_path_and_name(info, 2, 1, [&](const char* path, const char* name) {
    return fs::link_from_store(int_at(info, 0), name, path);
  });
}

Napi::Value store_open(const Info& info) {
  const PathText name(info[1]);
  if (name.error() != 0) return integer(info.Env(), name.error());
  return integer(info.Env(), fs::open_in_store(int_at(info, 0), name.c_str(), int_at(info, 2),
                                               static_cast<mode_t>(unsigned_at(info, 3))));
}

Napi::Value store_remove(const Info& info) {
  const PathText name(info[1]);
  if (name.error() != 0) return integer(info.Env(), name.error());
  return integer(info.Env(), fs::remove_from_store(int_at(info, 0), name.c_str()));
}

Napi::Value fd_share(const Info& info) {
  return integer(info.Env(), fs::share_content(int_at(info, 0), int_at(info, 1)));
}

Napi::Value fd_is_held_alone(const Info& info) {
  return integer(info.Env(), fs::held_by_us_alone(int_at(info, 0)));
}

Napi::Value fd_copy(const Info& info) {
  return integer(info.Env(),
                 fs::copy_content(int_at(info, 0), int_at(info, 1), long_at(info, 2), long_at(info, 3)));
}

Napi::Value fd_pack(const Info& info) {
  return integer(info.Env(), fs::pack_content(int_at(info, 0), long_at(info, 1), int_at(info, 2),
                                              static_cast<size_t>(long_at(info, 3)),
                                              static_cast<size_t>(long_at(info, 4))));
}

}  // namespace

void register_stage(Napi::Env env, Napi::Object exports) {
  export_function<fs_look>(env, exports, "fsLook");
  export_function<store_look>(env, exports, "storeLook");
  export_function<fs_attributes>(env, exports, "fsAttributes");
  export_function<stage_replacement>(env, exports, "stageReplacement");
  export_function<store_exchange>(env, exports, "storeExchange");
  export_function<store_move_in>(env, exports, "storeMoveIn");
  export_function<store_link_in>(env, exports, "storeLinkIn");
  export_function<store_move_out>(env, exports, "storeMoveOut");
  export_function<store_link_out>(env, exports, "storeLinkOut");
  export_function<store_open>(env, exports, "storeOpen");
  export_function<store_remove>(env, exports, "storeRemove");
  export_function<fd_share>(env, exports, "fdShare");
  export_function<fd_is_held_alone>(env, exports, "fdIsHeldAlone");
  export_function<fd_copy>(env, exports, "fdCopy");
  export_function<fd_pack>(env, exports, "fdPack");
}

}  // namespace binding
