// The page's files, in the binary, so that the service needs nothing beside itself.
#pragma once
#include <stddef.h>

/// One file of the page. `bytes` is empty where the build had no such library.
struct primer_page_file {
  const char *path;
  const char *type;
  const unsigned char *bytes;
  size_t length;
};

const struct primer_page_file *primer_page_files(void);
size_t primer_page_file_count(void);
