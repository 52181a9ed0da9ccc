#include <sallyport.h>
#include <stdio.h>
#include <unistd.h>
int main(int c, char** v) {
  sp_failure f = SP_FAILURE_INIT;
  sp_client* k;
  int r = sp_connect(&k, &f);
  printf("connect %d %s %s\n", r, sp_code_name(f.code), f.message);
  if (r) return 1;
  printf("%s %s\n", sp_run_id(k), sp_profile_name(k));
  r = sp_open(k, "made", SP_OPEN_WRITE | SP_OPEN_CREATE, 0644, &f);
  printf("open %d\n", r);
  write(r, "hi\n", 3);
  r = sp_open(k, "../outside/file", SP_OPEN_WRITE, 0, &f);
  printf("open %d %s %s\n", r, f.message, f.denial ? f.denial->rule : "-");
  sp_names n = SP_NAMES_INIT;
  r = sp_list(k, ".", &n, &f);
  for (size_t i = 0; i < n.names.count; i++) printf("%s ", n.names.entries[i]);
  printf("%d\n", r);
  sp_names_clear(&n);
  sp_status s;
  r = sp_stat(k, "made", SP_FOLLOW, &s, &f);
  printf("%d %o %ld %f\n", r, s.mode, (long)s.size_bytes, s.modified_ms);
  if (!fork()) {
    r = sp_unlink(k, "made", SP_NAME_FILE, &f);
    printf("child %d %s\n", r, f.message);
    fflush(stdout);
    _exit(0);
  }
  sleep(1);
  sp_failure_clear(&f);
  sp_close(k);
}
