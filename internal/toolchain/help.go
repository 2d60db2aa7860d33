package toolchain

// helpText is what vkcc --help prints.
const helpText = `vkcc compiles C and C++ for vkernel: to WebAssembly programs that call the kernel through the
imports of module wali. It takes gcc's arguments and runs clang-19 and wasm-ld-19.

  vkcc -O2 hello.c -o hello.wasm          compile and link
  vkcc -c a.c && vkcc a.o -lm -o a.wasm   in two steps
  CC=vkcc ./configure --host=wasm32-linux-musl --disable-shared && make
  vkc++ -O2 hello.cc -o hello.wasm        C++: vkcc under a name that ends in ++

The C library is musl. It is built on first use and kept in $VK_CACHE, or in vkernel in the
user's cache directory (~/.cache/vkernel); a program's own flags do not change it.

C++ has exceptions (-fno-exceptions turns them off), threads and std::filesystem. The library is
LLVM's libc++; it is built on first use from Debian's source of llvm-toolchain-19 (157 MiB are
fetched once). With vkcc itself, link C++ by -lstdc++ or -lc++.

setjmp and longjmp are the engine's. Objects that were compiled with -mllvm -wasm-enable-sjlj, for
which they are exceptions, link as well.

Programs that take tools by name find LLVM's in the directory that this prints:
  dirname "$(vkcc -print-prog-name=ar)"
with names like wasm32-linux-musl-ar; or set AR=llvm-ar-19 NM=llvm-nm-19 RANLIB=llvm-ranlib-19
STRIP=llvm-strip-19.

Common flags
  -c -S -E -M -MM -MD          stop after compiling, generating assembly, preprocessing
  -o FILE                      name of the output
  -I -D -U -l -L -include      as usual
  -O0 ... -O3 -Os -g           optimisation, debug information
  -s                           drop debug information; function names stay
  -Wl,-z,stack-size=BYTES      stack of the main thread (1 MiB)
  -pthread                     accepted; a program that starts threads gets a shared memory
  -r                           combine objects into one
  -v, -###                     show the commands; only show them
  -dumpmachine, -print-sysroot, -print-file-name=FILE, -print-prog-name=TOOL, --version

Accepted and without effect: -fPIC -fpie -static -rdynamic -march= -mtune= -fstack-protector
and flags of the GNU linker that wasm-ld does not know. An error: -shared (there is no dynamic
linking; link archives).

If configure says "machine wasm32 not recognized", its config.sub is older than 2017: copy
/usr/share/misc/config.sub of Debian's autotools-dev over it.

To build upstream programs by recipe, see vkport.
`
