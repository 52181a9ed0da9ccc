// Opens paths for reading, for writing and for both, and without any access. open_paths PATH...
#include "victim.h"

int main(int argc, char** argv) {
  argument(argc, argv, 1);
  for (int at = 1; at < argc; at++) {
    attempt("O_RDONLY", open(argv[at], O_RDONLY | O_NOCTTY | O_NONBLOCK));
    attempt("O_WRONLY", open(argv[at], O_WRONLY | O_NOCTTY | O_NONBLOCK));
    attempt("O_RDWR", open(argv[at], O_RDWR | O_NOCTTY | O_NONBLOCK));
    attempt("O_APPEND", open(argv[at], O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK));
  }
  verdict();
}
