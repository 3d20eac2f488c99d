#include "CWebPage.h"
const struct primer_page_file *primer_page_files(void) { return 0; }
size_t primer_page_file_count(void) { return 0; }
