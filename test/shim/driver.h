// What a driver of the conformance suite needs: words of a script line, and JSON of what came of it.
//
// A script has a line for each call: an operation of docs/protocol.md and its fields, tab-separated, in their
// places on the wire. Text is percent-encoded. Numbers and words are decimal; flags are those of the wire; a
// time is "now", "keep" or nanoseconds; binary is hex; a list is its count, ":" and its entries with ","
// between them; cells are rows with ";" between them, of cells with "," between them: "e" empty, "n" and a
// number, "s" and a text, "b" and 0 or 1. For each line the driver connects, makes the call, prints one line
// of JSON and closes:
//   {"ok":true,"value":null | {stat} | [names] | {"pid":n} | {"transaction":n},"descriptor":true | false}
//   {"ok":false,"code":"…","errno":n,"message":"…","denial":null | {op, path, rule, reason, nextSteps, …}}
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sallyport.h"

enum { MAX_LINE = 1 << 20, MAX_FIELDS = 8, MAX_LIST = 2048 };

/// One line, decoded in place.
typedef struct call {
  const char* op;
  char* fields[MAX_FIELDS];
  int count;
} call;

bool next_call(char* line, call* found);
char* text_field(call* from, int at);
long long number_field(call* from, int at);
struct timespec time_field(call* from, int at);
/// A list that ends with NULL, and its strings.
const char* const* list_field(call* from, int at);
/// Until it is asked for the next time.
sp_cells cells_field(call* from, int at);
size_t binary_field(call* from, int at, uint8_t** bytes);

void print_failure(const sp_failure* failure);
void print_status(const sp_status* status);
void print_names(const sp_texts* names);
void print_number(const char* name, long long number, int descriptor);
void print_challenge(const sp_challenge_parts* challenge);
void print_cells(const sp_cells* cells);
void print_done(int descriptor);
