// Makes its memory unreadable, in the hope that who cannot read an argument lets it pass. not_dumpable
// OUTSIDE_FILE
#include <sys/prctl.h>

#include "victim.h"

int main(int argc, char** argv) {
  const char* outside = argument(argc, argv, 1);
  need("PR_SET_DUMPABLE", prctl(PR_SET_DUMPABLE, 0));
  attempt("open", open(outside, O_WRONLY));
  attempt("chmod", chmod(outside, 0666));
  verdict();
}
