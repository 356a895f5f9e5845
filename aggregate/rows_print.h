/*
 * rows_print.h - a few rows, as a person reads them
 */
#ifndef AGGREGATE_ROWS_PRINT_H
#define AGGREGATE_ROWS_PRINT_H

#include <stdint.h>
#include <stdio.h>

/* Prints a JSON array of rows as a table, indented, and how many more than
 * these there are of `total`.  Another text is printed as it is. */
void rows_print(FILE *out, const char *text, int64_t total);

#endif
