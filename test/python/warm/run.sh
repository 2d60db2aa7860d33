# Runs all commands of /mnt/commands: each in a copy of the folder that setup.sh makes, and prints what came of it.
umask 022
export PATH=/usr/bin:/bin
if [ "$1" = cold ]; then
	echo 'raise SystemExit("no image is to be made")' >/etc/python3/warm.py
else
	until python3 -c 'import gc, sys; sys.exit(not gc.get_freeze_count())'; do :; done
fi
rm -rf /tmp/base && mkdir /tmp/base && cd /tmp/base && . /mnt/setup.sh
for n in $(ls /mnt/commands | sort -n); do
	cd /tmp && rm -rf case p pp u && cp -R base case && cd case
	sh /mnt/commands/$n >/tmp/out 2>/tmp/err </dev/null
	echo "== $n $?"
	cat /tmp/out
	echo "-- errors"
	cat /tmp/err
	echo
done
echo "== end"
