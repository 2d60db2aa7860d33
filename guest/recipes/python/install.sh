# install.sh: installs what configure.sh configured and make built into the directory dest: the program, the
# library without its tests, headers, and byte code that does not depend on time stamps.
set -eu
build=$PWD dest=$PWD/dest
rm -rf dest
rm -f pybuilddir.txt
make pybuilddir.txt >/dev/null
make libinstall inclinstall DESTDIR="$dest" COMPILEALL_OPTS=-j1 PYTHON_FOR_BUILD=: >/dev/null
lib=$dest/usr/lib/python3.11
cp "$(cat pybuilddir.txt)"/_sysconfigdata_*.py "$lib/"
rm -rf "$lib"/test "$lib"/*/test "$lib"/*/tests "$lib"/idlelib "$lib"/tkinter "$lib"/turtle* "$lib"/ctypes/test "$lib"/ensurepip/_bundled "$lib"/config-* "$lib"/lib2to3/tests "$dest"/usr/bin

# modules that say why they are not there
cp "$RECIPE"/_ctypes.py "$lib/"

# what a warm image has ready
mkdir -p "$dest/etc/python3"
cp "$RECIPE/warm.py" "$dest/etc/python3/"

# a script whose interpreter is elsewhere
sed -i '1s:^#! */usr/local/bin/python:#!/usr/bin/python3:' "$lib/cgi.py"

# where it was built is nobody's business
for f in "$lib"/_sysconfigdata_*.py; do
	sed -i -e "s:$CC:vkcc:g" -e "s:-[IL]$DEPS[^ ']*::g" -e "s:$DEPS::g" -e "s:$build:/usr/src/python3.11:g" "$f"
done
cp pyconfig.h "$dest"/usr/include/python3.11/
mkdir -p "$lib"/lib-dynload
touch "$lib"/lib-dynload/empty # getpath looks for the folder
# what the libraries look for, and Debian's pip and setuptools, which ensurepip installs
mkdir -p "$dest/usr/share" "$dest/etc/ssl"
cp -R "$DEPS/usr/share/terminfo" "$dest/usr/share/"
cp "$DEPS/etc/ssl/openssl.cnf" "$dest/etc/ssl/"
mkdir "$dest/usr/share/python-wheels"
cp /usr/share/python-wheels/pip-*.whl /usr/share/python-wheels/setuptools-*.whl "$dest/usr/share/python-wheels/"
find "$dest" -name __pycache__ -prune -exec rm -rf {} +
/usr/bin/python3.11 -I -m compileall -q -j "$JOBS" --invalidation-mode unchecked-hash -s "$dest" -p / "$lib"
