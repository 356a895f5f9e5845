#!/bin/bash
# Boots systemd as process 1 of a root file system, in namespaces and a cgroup
# of its own:  systemd_root.sh ROOT SHARED LOG
#
# SHARED, a folder of this machine, is /pg there.  The network is this
# machine's.  Prints the process's number, here, once it is up.  Ends with it:
# kill it with SIGRTMIN+4 for a shutdown, or KILL.  Needs root and cgroup2.
set -eu
root=$1 shared=$2 log=$3
where=$(findmnt -rn -t cgroup2 -o TARGET | head -n 1)
[ -n "$where" ] || { echo "systemd_root.sh: no cgroup2 is mounted" >&2; exit 1; }
group=$where/millrace-test-$$
mkdir "$group"

# shellcheck disable=SC2016 # expanded inside
sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' in "$group" \
	unshare --mount --uts --ipc --pid --cgroup --fork --kill-child=KILL \
	bash -c '
	set -eu
	root=$1 shared=$2
	mount --make-rprivate /
	mount --bind "$root" "$root"
	mkdir -p "$root/pg" "$root/mnt"
	mount -t proc proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for name in null zero full random urandom tty; do
		touch "$root/dev/$name"
		mount --bind "/dev/$name" "$root/dev/$name"
	done
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount --bind "$shared" "$root/pg"
	cd "$root"
	pivot_root . mnt
	umount -l /mnt
	exec env -i container=millrace PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		/lib/systemd/systemd --log-target=console --show-status=0' \
	in "$root" "$shared" </dev/null >"$log" 2>&1 &
unsharer=$!

up() { init=$(ps -o pid= --ppid "$unsharer" | tr -d ' ') && [ -n "$init" ] &&
	case $(nsenter -t "$init" -a -r -w systemctl is-system-running 2>/dev/null) in running | degraded) ;; *) false ;; esac; }
end=$((SECONDS + 60))
until up; do
	if [ $SECONDS -ge $end ] || ! kill -0 "$unsharer" 2>/dev/null; then
		echo "systemd_root.sh: systemd does not come up:" >&2
		tail -n 20 "$log" >&2
		kill -KILL "$unsharer" 2>/dev/null || true
		exit 1
	fi
	sleep 0.1
done
echo "$init"
