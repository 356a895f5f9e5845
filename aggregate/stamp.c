#include "aggregate/stamp.h"

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "common/buf.h"

enum { DEPTH_MAX = 16 };

/* Order does not matter: the sum of what each file is. */
static uint64_t add_folder(struct buf *path, int depth)
{
	DIR *folder = opendir(buf_text(path));
	size_t len = path->len;
	uint64_t sum = 0;
	struct dirent *entry;
	struct stat st;

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		path->len = len;
		buf_format(path, "/%s", entry->d_name);
		if (stat(buf_text(path), &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			sum += add_folder(path, depth + 1);
			continue;
		}
		buf_format(path, " %" PRIdMAX " %" PRIdMAX " %" PRIdMAX " %ld",
			   (intmax_t)st.st_size, (intmax_t)st.st_ino,
			   (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
		sum += XXH3_64bits(path->data, path->len);
	}
	if (folder)
		closedir(folder);
	return sum;
}

uint64_t stamp_of(const char *folder)
{
	struct buf path = BUF_INIT;
	uint64_t sum;

	buf_add_text(&path, folder);
	sum = add_folder(&path, 0);
	buf_release(&path);
	return sum;
}
