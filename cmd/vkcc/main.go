// Command vkcc is the C compiler for vkernel's guests; vkcc --help teaches it. Under a name that
// ends in ++, such as vkc++, it is the C++ compiler.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"vkernel/guest"
	"vkernel/internal/toolchain"
)

func main() {
	t, err := toolchain.New(guest.FS)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vkcc:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d := &toolchain.Driver{Toolchain: t, CXX: strings.HasSuffix(os.Args[0], "++"), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(d.Main(ctx, os.Args[1:]))
}
