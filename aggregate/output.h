/*
 * output.h - the forms in which lists are printed
 */
#ifndef AGGREGATE_OUTPUT_H
#define AGGREGATE_OUTPUT_H

enum output {
	OUTPUT_TEXT, /* a table for people */
	OUTPUT_NAME, /* one name a line, for scripts */
	OUTPUT_JSON, /* one object a line */
};

#endif
