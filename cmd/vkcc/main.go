// Command vkcc is the C compiler for vkernel's guests; vkcc --help teaches it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

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
	d := &toolchain.Driver{Toolchain: t, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(d.Main(ctx, os.Args[1:]))
}
