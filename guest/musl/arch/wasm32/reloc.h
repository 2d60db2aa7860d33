/* There is no dynamic linker; the names are needed to compile src/ldso. */
#define LDSO_ARCH "wasm32"
#define REL_SYMBOLIC 0
#define REL_OFFSET 0
#define REL_GOT 0
#define REL_PLT 0
#define REL_RELATIVE 0
#define REL_COPY 0
#define REL_DTPMOD 0
#define REL_DTPOFF 0
#define REL_TPOFF 0
#define CRTJMP(pc,sp) __builtin_trap()
#define GETFUNCSYM(fp, sym, got) (*(fp) = (sym))
