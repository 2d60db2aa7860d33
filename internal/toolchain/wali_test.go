package toolchain

import (
	"strings"
	"testing"
)

func TestWaliList(t *testing.T) {
	calls, err := ParseWaliList([]byte("# x\n0 read iii:l # y\n8 lseek ili:l\n39 getpid :l\n58 vfork :l\n"))
	if err != nil || len(calls) != 4 || calls[1] != (WaliCall{8, "lseek", "ili:l"}) {
		t.Fatalf("%v, %v", calls, err)
	}
	header := string(waliHeader(calls))
	for _, want := range []string{
		`__WALI("SYS_read") long long __wali_read(int, int, int);`,
		`__WALI("SYS_lseek") long long __wali_lseek(int, long long, int);`,
		`__WALI("SYS_getpid") long long __wali_getpid(void);`,
		`__WALI("SYS_vfork", __returns_twice__) long long __wali_vfork(void);`,
		"case 8: r = __wali_lseek((int)a, b, (int)c); break;",
		"case 39: r = __wali_getpid(); break;",
	} {
		if !strings.Contains(header, want) {
			t.Errorf("header without %q:\n%s", want, header)
		}
	}
}

func TestBadWaliList(t *testing.T) {
	for text, want := range map[string]string{
		"0 read":                     "want number, name, signature",
		"x read iii:l":               "is no number",
		"0 read iii":                 "signature",
		"0 read iif:l":               "signature",
		"0 read iii:i":               "signature",
		"0 read iiiiiii:l":           "signature",
		"0 read iii:l\n0 write i:l":  "already in line 1",
		"0 read iii:l\n1 read iii:l": "already in line 1",
	} {
		if _, err := ParseWaliList([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
