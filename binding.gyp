{
  "variables": {
    "strict_flags": [
      "-std=c++20", "-fno-exceptions", "-fno-rtti", "-fvisibility=hidden", "-fstack-protector-strong",
      "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wnull-dereference", "-Wimplicit-fallthrough",
      "-Werror=switch", "-Werror=return-type", "-Werror=unused-result", "-Werror=format"
    ],
    "shim_flags": [
      "-std=c11", "-fvisibility=hidden", "-fstack-protector-strong",
      "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wnull-dereference", "-Wimplicit-fallthrough",
      "-Werror=switch", "-Werror=return-type", "-Werror=unused-result", "-Werror=format"
    ],
    "shim_sources": ["<!@(node -p \"require('fs').readFileSync('native/sources.shim.txt','utf8').trim().split(/\\s+/).map(f=>'native/'+f).join(' ')\")"],
    "preload_sources": ["<!@(node -p \"require('fs').readFileSync('native/sources.preload.txt','utf8').trim().split(/\\s+/).map(f=>'native/'+f).join(' ')\")"]
  },
  "target_defaults": {
    "include_dirs": ["native"],
    "cflags!": ["-fno-omit-frame-pointer"],
    "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20", "-fno-rtti"],
    "cflags_cc": ["<@(strict_flags)"],
    "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED", "_FORTIFY_SOURCE=2"],
    "ldflags": ["-Wl,-z,relro,-z,now", "-Wl,--exclude-libs,ALL"]
  },
  "targets": [
    {
      "target_name": "sallyport",
      "cflags_cc": ["-isystem", "<!(node -p \"require('path').resolve(require('node-addon-api').include_dir)\")"],
      "sources": ["<!@(node -p \"require('fs').readFileSync('native/sources.linux.txt','utf8').trim().split(/\\s+/).map(f=>'native/'+f).join(' ')\")"]
    },
    {
      "target_name": "sallyport-launcher",
      "type": "executable",
      "cflags_cc!": ["-fPIC"],
      "sources": ["<!@(node -p \"require('fs').readFileSync('native/sources.launcher.txt','utf8').trim().split(/\\s+/).map(f=>'native/'+f).join(' ')\")"],
      "ldflags": ["<!@(sh -c 'test -f \"$(${CXX:-c++} -print-file-name=libc.a)\" && echo -static || echo -static-libstdc++ -static-libgcc')"]
    },
    {
      "target_name": "libsallyport",
      "type": "shared_library",
      "product_prefix": "lib",
      "product_name": "sallyport",
      "product_dir": "<(PRODUCT_DIR)",
      "cflags_c": ["<@(shim_flags)"],
      "sources": ["<@(shim_sources)"]
    },
    {
      "target_name": "libsallyport-static",
      "type": "static_library",
      "standalone_static_library": 1,
      "product_prefix": "lib",
      "product_name": "sallyport",
      "cflags_c": ["<@(shim_flags)"],
      "sources": ["<@(shim_sources)"]
    },
    {
      "target_name": "libsallyport-preload",
      "type": "shared_library",
      "product_prefix": "lib",
      "product_name": "sallyport-preload",
      "product_dir": "<(PRODUCT_DIR)",
      "cflags_c": ["<@(shim_flags)", "-Wno-attributes"],
      # It makes one of two names that are both exported here.
      "defines!": ["_FILE_OFFSET_BITS=64", "_LARGEFILE_SOURCE"],
      "sources": ["<@(shim_sources)", "<@(preload_sources)"]
    }
  ]
}
