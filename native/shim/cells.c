// Cells of workbooks.
#include <stddef.h>

#include "shim/client.h"
#include "shim/path.h"

int sp_read_cells(sp_client* client, const char* path, const char* sheet, const sp_cell_range* range,
                  sp_cells* cells, sp_failure* failure) {
  char absolute[SPI_PATH_ROOM];
  int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  const uint32_t ends[4] = {range->from_column, range->from_row, range->to_column, range->to_row};
  const spi_field fields[] = {{.text = absolute}, {.text = sheet}, {.integers = {ends, 4}}};
  spi_answer answer;
  wrong = spi_ask(client, SPI_READ_CELLS, fields, NULL, 0, &answer, failure);
  if (wrong != 0) return wrong;
  *cells = answer.reply->cells;
  cells->storage = answer.reply;
  return 0;
}

void sp_cells_clear(sp_cells* cells) {
  spi_reply_free(cells->storage);
  *cells = (sp_cells)SP_CELLS_INIT;
}

int sp_write_cells(sp_client* client, const char* path, const char* sheet, uint32_t column, uint32_t row,
                   const sp_cells* cells, sp_failure* failure) {
  char absolute[SPI_PATH_ROOM];
  const int wrong = spi_path(path, absolute, failure);
  if (wrong != 0) return wrong;
  const uint32_t place[2] = {column, row};
  const spi_field fields[] = {
      {.text = absolute}, {.text = sheet}, {.integers = {place, 2}}, {.cells = cells}};
  return spi_ask_plainly(client, SPI_WRITE_CELLS, fields, failure);
}
