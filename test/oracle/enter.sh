# enter.sh ROOT TMP DIR [HOST:GUEST]... -- COMMAND...
#
# Run by the native busybox, as root, in fresh namespaces of mounts, processes, network and
# host name: makes a root file system in memory out of the directory ROOT and starts
# COMMAND in it, with DIR as the working directory. What it mounts ends with its namespaces.
set -e
root=$1 new=$2 dir=$3
shift 3

hostname vkernel
mount --make-rprivate /
mount -t tmpfs -o mode=755 vkernel "$new"
cp -a "$root/." "$new/"
mkdir -p "$new/proc" "$new/dev" "$new/tmp"
chmod 1777 "$new/tmp"
mount -t proc proc "$new/proc"
for device in null zero full random urandom tty; do
	: >"$new/dev/$device"
	mount --bind "/dev/$device" "$new/dev/$device"
done
ln -s /proc/self/fd "$new/dev/fd"
for n in 0:stdin 1:stdout 2:stderr; do
	ln -s "/proc/self/fd/${n%:*}" "$new/dev/${n#*:}"
done

while [ "$1" != -- ]; do
	host=${1%%:*} guest=$new${1#*:}
	mkdir -p "$guest"
	mount --bind "$host" "$guest"
	mount -o remount,bind,ro "$guest"
	shift
done
shift

exec chroot "$new" /bin/busybox sh -c 'cd "$0" && exec "$@"' "$dir" "$@"
