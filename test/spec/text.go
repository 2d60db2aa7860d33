package main

import (
	"bytes"
	"os/exec"
	"path"
	"runtime"
	"sync"

	"vkernel/internal/wasm/wasmtest"
)

// texts has wabt's wat2wasm judge the malformed texts. vkernel has no reader of the text
// format, so this says nothing of it; it makes sure that no command of the suite is lost.
func (r *runner) texts(plans []*script) {
	tool, err := exec.LookPath("wat2wasm")
	if err != nil {
		r.log("wat2wasm is not installed: malformed texts are not judged")
		return
	}
	type text struct {
		folder string
		data   []byte
	}
	work := make(chan text)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range runtime.NumCPU() {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for t := range work {
				v := textJudged
				if accepts(tool, t.data) {
					v = textAccepted
				}
				mu.Lock()
				r.counts.add(t.folder, "text", v)
				mu.Unlock()
			}
		}()
	}
	for _, p := range plans {
		for _, c := range p.Commands {
			if data, ok := p.text(c); ok {
				work <- text{p.Folder, data}
			}
		}
	}
	close(work)
	wg.Wait()
}

// text gives the text of a command that has one.
func (p *script) text(c wasmtest.Command) ([]byte, bool) {
	if path.Ext(c.Filename) != ".wat" {
		return nil, false
	}
	data, err := p.Text(c.Filename)
	return data, err == nil
}

func accepts(tool string, text []byte) bool {
	cmd := exec.Command(tool, "--enable-all", "-o", "/dev/null", "-")
	cmd.Stdin = bytes.NewReader(text)
	return cmd.Run() == nil
}
