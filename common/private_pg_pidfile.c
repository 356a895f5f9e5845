/* private_pg_pidfile.c - whether the private server runs */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/private_pg_internal.h"

/* The lines of postmaster.pid, from PostgreSQL's src/include/utils/pidfile.h:
 * pid, data folder, start time, port, socket folder, address, shared memory,
 * status. */
enum { PID, DATA, START, PORT, SOCKET, ADDRESS, SHARED, STATUS, LINES };

bool pidfile_read(struct pidfile *pidfile, const char *data)
{
	char line[LINES][sizeof pidfile->data] = {{0}};
	char path[4200];
	FILE *in;
	int count;

	snprintf(path, sizeof path, "%s/postmaster.pid", data);
	in = fopen(path, "re");
	if (!in)
		return false;
	for (count = 0; count < LINES; count++) {
		if (!fgets(line[count], sizeof line[count], in))
			break;
		line[count][strcspn(line[count], "\n")] = '\0';
	}
	fclose(in);
	pidfile->pid = (pid_t)strtol(line[PID], NULL, 10);
	pidfile->port = (int)strtol(line[PORT], NULL, 10);
	memcpy(pidfile->data, line[DATA], sizeof pidfile->data);
	memcpy(pidfile->socket, line[SOCKET], sizeof pidfile->socket);
	pidfile->ready = strncmp(line[STATUS], "ready", 5) == 0;
	return pidfile->pid > 1;
}

/* The socket tells who listens there, so neither a pid that another process
 * has got since nor an old socket file can deceive. */
bool pidfile_is_answering(const struct pidfile *pidfile)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t size = sizeof peer;
	bool answers;
	int len, fd;

	if (!pidfile->ready)
		return false;
	len = snprintf(address.sun_path, sizeof address.sun_path,
		       "%s/.s.PGSQL.%d", pidfile->socket, pidfile->port);
	if (len < 0 || (size_t)len >= sizeof address.sun_path)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	answers = connect(fd, (const struct sockaddr *)&address,
			  sizeof address) == 0 &&
		  getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
		  peer.pid == pidfile->pid;
	close(fd);
	return answers;
}

bool pidfile_is_alive(const struct pidfile *pidfile, const char *data)
{
	struct stat here, there;
	char path[64];

	if (kill(pidfile->pid, 0) != 0)
		return false;
	snprintf(path, sizeof path, "/proc/%d/cwd", (int)pidfile->pid);
	return stat(path, &there) == 0 && stat(data, &here) == 0 &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}
