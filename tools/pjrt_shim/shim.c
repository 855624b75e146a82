// A PJRT plug-in that loads another one and takes the options off the creation of a
// client.
//
// go-xla always passes options that only CUDA plug-ins know; XLA's own CPU plug-in, as
// it is built for JAX, refuses them. To use such a plug-in:
//
//   cc -shared -fPIC -O1 -I DIR shim.c -o pjrt_c_api_cpu_plugin.so -ldl
//   PJRT_REAL=/path/of/the/real/plugin.so train --backend=xla:$PWD/pjrt_c_api_cpu_plugin.so
//
// where DIR holds XLA's pjrt_c_api.h: go list -m -f '{{.Dir}}' github.com/gomlx/go-xla
// says where, in its folder pjrt.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pjrt_c_api.h"

static PJRT_Api api;
static PJRT_Client_Create* real_create;

static PJRT_Error* create(PJRT_Client_Create_Args* args) {
  args->num_options = 0;
  return real_create(args);
}

const PJRT_Api* GetPjrtApi(void) {
  const char* path = getenv("PJRT_REAL");
  void* plugin = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!plugin) {
    fprintf(stderr, "pjrt_shim: PJRT_REAL: %s\n", path ? dlerror() : "not set");
    return NULL;
  }
  const PJRT_Api* (*get)(void) = (const PJRT_Api* (*)(void))dlsym(plugin, "GetPjrtApi");
  if (!get) {
    fprintf(stderr, "pjrt_shim: %s\n", dlerror());
    return NULL;
  }
  const PJRT_Api* real = get();
  memcpy(&api, real, real->struct_size < sizeof(api) ? real->struct_size : sizeof(api));
  real_create = api.PJRT_Client_Create;
  api.PJRT_Client_Create = create;
  return &api;
}
