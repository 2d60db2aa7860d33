package toolchain

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// WaliCall is one line of guest/musl/wali.list: a system call that a program can import.
type WaliCall struct {
	Num  int
	Name string // imported as wali.SYS_<Name>
	Sig  string // parameters ':' result; i = i32, l = i64
}

// ParseWaliList reads the list; '#' begins a comment.
func ParseWaliList(text []byte) ([]WaliCall, error) {
	var calls []WaliCall
	seen := map[string]int{}
	sc := bufio.NewScanner(bytes.NewReader(text))
	for line := 1; sc.Scan(); line++ {
		content, _, _ := strings.Cut(sc.Text(), "#")
		f := strings.Fields(content)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 {
			return nil, fmt.Errorf("line %d: %q: want number, name, signature", line, content)
		}
		num, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: %q is no number", line, f[0])
		}
		params, result, ok := strings.Cut(f[2], ":")
		if !ok || result != "l" || strings.Trim(params, "il") != "" || len(params) > 6 {
			return nil, fmt.Errorf("line %d: signature %q: want up to 6 of i and l, then \":l\"", line, f[2])
		}
		for _, key := range []string{f[0], f[1]} {
			if at := seen[key]; at != 0 {
				return nil, fmt.Errorf("line %d: %s is already in line %d", line, key, at)
			}
			seen[key] = line
		}
		calls = append(calls, WaliCall{num, f[1], f[2]})
	}
	return calls, sc.Err()
}

// waliHeader writes bits/wali.h: a declaration of each import, and one macro that calls the
// import of a number. Where the number is a constant, one call remains of the switch.
func waliHeader(calls []WaliCall) []byte {
	var b bytes.Buffer
	b.WriteString("/* Made from wali.list: the system calls as imports. */\n" +
		"#ifndef _BITS_WALI_H\n#define _BITS_WALI_H\n\n" +
		"#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n" +
		"#define __WALI(name, ...) __attribute__((__import_module__(\"wali\"), __import_name__(name), ##__VA_ARGS__))\n\n")
	types := map[rune]string{'i': "int", 'l': "long long"}
	for _, c := range calls {
		params, _, _ := strings.Cut(c.Sig, ":")
		list := []string{}
		for _, p := range params {
			list = append(list, types[p])
		}
		if len(list) == 0 {
			list = []string{"void"}
		}
		attribute := ""
		if c.Name == "vfork" {
			attribute = ", __returns_twice__"
		}
		fmt.Fprintf(&b, "__WALI(\"SYS_%s\"%s) long long __wali_%s(%s);\n", c.Name, attribute, c.Name, strings.Join(list, ", "))
	}
	b.WriteString("\n#ifdef __cplusplus\n}\n#endif\n\n#define __WALI_SWITCH(r, n, a, b, c, d, e, f) switch (n) { \\\n")
	for _, c := range calls {
		params, _, _ := strings.Cut(c.Sig, ":")
		list := []string{}
		for i, p := range params {
			arg := string("abcdef"[i])
			if p == 'i' {
				arg = "(int)" + arg
			}
			list = append(list, arg)
		}
		fmt.Fprintf(&b, "case %d: r = __wali_%s(%s); break; \\\n", c.Num, c.Name, strings.Join(list, ", "))
	}
	b.WriteString("default: r = -38; }\n\n#endif\n")
	return b.Bytes()
}
