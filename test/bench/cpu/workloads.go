package main

// workload is one row: a kernel of guest/*.c, or a program with its arguments, in which DATA
// stands for the directory of data.
type workload struct {
	name    string
	samples int // a round
	program []string
}

func (w *workload) kernel() bool { return w.program == nil }

var workloads = []workload{
	{name: "sieve", samples: 10},
	{name: "matmul", samples: 20},
	{name: "sha256", samples: 20},
	{name: "sort", samples: 5},
	{name: "interp", samples: 10},
	{name: "hash", samples: 20},
	{name: "nbody", samples: 10},
	{name: "fannkuch", samples: 5},
	{name: "mandelbrot", samples: 5},
	{name: "trees", samples: 5},
	{name: "distance", samples: 20},
	{name: "lz", samples: 5},
	{name: "lua", samples: 2, program: []string{"/usr/bin/lua5.4", "DATA/bench.lua", "6"}},
	{name: "sqlite", samples: 2, program: []string{"/usr/libexec/speedtest1", "--size", "20"}},
	{name: "gzip", samples: 1, program: []string{"/usr/bin/gzip", "-nc", "DATA/text"}},
	{name: "gawk", samples: 2, program: []string{"/usr/bin/gawk", "-f", "DATA/bench.awk", "DATA/text.part"}},
}
