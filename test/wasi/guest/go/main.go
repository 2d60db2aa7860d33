// Command gotool does what Go programs do: files, walks, JSON, compression, timers, panics.
package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var commands = map[string]func(args []string) error{
	"hello": hello, "walk": walk, "upper": upper, "gzip": compress, "gunzip": decompress,
	"exit": exit, "panic": fail, "timer": timer, "write": write, "sort": alloc,
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "gotool: which command?")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "gotool:", err)
		os.Exit(1)
	}
}

func hello(args []string) error {
	wd, err := os.Getwd()
	fmt.Printf("hello from Go in %s, %q, GREETING=%s\n", wd, args, os.Getenv("GREETING"))
	return err
}

// walk lists a tree as JSON.
func walk(args []string) error {
	type file struct {
		Path string `json:"path"`
		Size int64  `json:"size"`
	}
	files := []file{}
	err := filepath.WalkDir(args[0], func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files = append(files, file{path, info.Size()})
		}
		return err
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(files)
}

func upper([]string) error {
	text, err := io.ReadAll(os.Stdin)
	if err == nil {
		_, err = os.Stdout.WriteString(strings.ToUpper(string(text)))
	}
	return err
}

func compress([]string) error {
	w := gzip.NewWriter(os.Stdout)
	if _, err := io.Copy(w, os.Stdin); err != nil {
		return err
	}
	return w.Close()
}

func decompress([]string) error {
	r, err := gzip.NewReader(os.Stdin)
	if err == nil {
		_, err = io.Copy(os.Stdout, r)
	}
	return err
}

func exit(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err == nil {
		os.Exit(n)
	}
	return err
}

func fail([]string) error { panic("on purpose") }

// timer sleeps in several goroutines at once.
func timer([]string) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	done := make(chan int, 3)
	for i := range 3 {
		time.AfterFunc(time.Duration(3-i)*10*time.Millisecond, func() { done <- i })
	}
	fmt.Println(<-done, <-done, <-done)
	<-ctx.Done()
	if took := time.Since(start); took < 50*time.Millisecond || took > 5*time.Second {
		return fmt.Errorf("50 ms took %v", took)
	}
	return nil
}

// write makes, renames, links and removes files below a directory.
func write(args []string) error {
	dir, err := os.MkdirTemp(args[0], "gotool-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "sub", "b")
	if err := errors.Join(os.WriteFile(a, []byte("text"), 0o600), os.Mkdir(filepath.Dir(b), 0o700), os.Rename(a, b),
		os.Symlink("sub/b", a), os.Truncate(b, 2), os.Chtimes(b, time.Unix(1, 0), time.Unix(2, 0))); err != nil {
		return err
	}
	text, err := os.ReadFile(a)
	if err != nil {
		return err
	}
	info, err := os.Stat(a)
	if err != nil {
		return err
	}
	_, missing := os.Open(filepath.Join(dir, "none"))
	fmt.Printf("%q %d %v %v\n", text, info.ModTime().Unix(), info.Mode(), errors.Is(missing, fs.ErrNotExist))
	return nil
}

// alloc keeps the garbage collector busy.
func alloc([]string) error {
	m := map[int]string{}
	for i := range 300000 {
		m[i%5000] = strings.Repeat("x", i%100)
	}
	fmt.Println(len(m))
	return nil
}
