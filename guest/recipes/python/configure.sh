# configure.sh: configures CPython in the working directory, with all its modules linked in.
set -eu
case $KIND in wasm) stack=-Wl,-z,stack-size=8388608 ;; *) stack= ;; esac
export CONFIG_SITE="$RECIPE/config.site" PKG_CONFIG=false
lib="-L$DEPS/usr/lib" inc="-I$DEPS/usr/include"
# tests of what the libraries have are links against them
./configure --host="$HOST" --build=x86_64-linux-gnu --with-build-python=/usr/bin/python3.11 --prefix=/usr \
	--disable-shared --enable-ipv6 --without-ensurepip --without-computed-gotos --with-openssl="$DEPS/usr" \
	--with-readline=editline --with-wheel-pkg-dir=/usr/share/python-wheels --with-tzpath=/usr/share/zoneinfo \
	CC="$CC" AR="$AR" RANLIB="$RANLIB" READELF=true OPT='-O2 -DNDEBUG' CFLAGS="-fwrapv -DWARM_SQLITE -DTHREAD_STACK_SIZE=0x100000" CPPFLAGS="$inc -I$DEPS/usr/include/ncursesw" \
	LDFLAGS="$lib $stack" \
	ZLIB_CFLAGS="$inc" ZLIB_LIBS="$lib -lz" BZIP2_CFLAGS="$inc" BZIP2_LIBS="$lib -lbz2" \
	LIBLZMA_CFLAGS="$inc" LIBLZMA_LIBS="$lib -llzma" LIBSQLITE3_CFLAGS="$inc" LIBSQLITE3_LIBS="$lib -lsqlite3" \
	py_cv_module__uuid=n/a py_cv_module_nis=n/a py_cv_module_ossaudiodev=n/a py_cv_module__tkinter=n/a \
	py_cv_module__ctypes=n/a py_cv_module__ctypes_test=n/a py_cv_module__gdbm=n/a py_cv_module__dbm=n/a

# Setup.stdlib has most modules; setup.py would build these
sed -e 's/^\*shared\*$/*static*/' -e '/^\(_testimportmultiple\|_testmultiphase\|xxlimited\|xxlimited_35\|_ctypes_test\|nis\|ossaudiodev\|_uuid\|_tkinter\|_gdbm\|_xxtestfuzz\|_testclinic\) /d' Modules/Setup.stdlib >Modules/Setup.local
cat >>Modules/Setup.local <<END
readline readline.c $inc $lib -ledit -lncursesw
_curses _cursesmodule.c $inc $lib -lncursesw
_curses_panel _curses_panel.c $inc $lib -lpanelw -lncursesw
END
