#include "common/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/mem.h"

static bool write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return true;
}

bool write_file(const char *path, const char *bytes, size_t len)
{
	char *part = mem_format("%s.%d.part", path, (int)getpid());
	int code = 0;
	bool ok;
	int fd;

	/* the name can be guessed: what lies there is not written to */
	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0644);
	ok = fd >= 0 && write_all(fd, bytes, len);
	if (!ok)
		code = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		code = errno;
		ok = false;
	}
	if (ok && rename(part, path) != 0) {
		code = errno;
		ok = false;
	}
	if (!ok)
		unlink(part);
	free(part);
	errno = code;
	return ok;
}
