/*
 * version.h - which Millrace this is
 */
#ifndef COMMON_VERSION_H
#define COMMON_VERSION_H

/* "0.1.0": shown to people and written to the ledger. */
const char *version_string(void);

#endif
