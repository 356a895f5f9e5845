/*
 * home.h - where the project lies
 *
 * The project is the folder that holds sql/ (streams and models) and config/:
 * the working folder if there is a sql/ in it, else the checkout that the
 * program was built in or PREFIX/share/millrace beside the PREFIX/bin that it
 * was installed in, else the working folder all the same.
 */
#ifndef COMMON_HOME_H
#define COMMON_HOME_H

#include <stdbool.h>

struct buf;

/* Adds the project's folder to out: what the environment variable says, if it
 * is set to anything, else "." or an absolute path. */
void home_find(struct buf *out, const char *variable);

/* Whether the folder is that of an installation: nothing may be kept there. */
bool home_is_installed(const char *home);

#endif
