/*
 * cases.h - tests that are folders: each entry of one is a case
 */
#ifndef TESTS_UNIT_CASES_H
#define TESTS_UNIT_CASES_H

#include <dirent.h>
#include <stdlib.h>

/* Checks them all, in order; their number. */
static inline int check_cases(const char *folder,
			      void (*check)(const char *name))
{
	struct dirent **name;
	int count = scandir(folder, &name, NULL, alphasort);
	int checked = 0;

	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		if (name[i]->d_name[0] != '.') {
			check(name[i]->d_name);
			checked++;
		}
		free(name[i]);
	}
	free(name);
	return checked;
}

#endif
