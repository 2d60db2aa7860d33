package aot

import "testing"

// TestAppendRenamed holds that what modules have in common is renamed, and nothing else.
func TestAppendRenamed(t *testing.T) {
	text := "u32 fn7(u32 l0) VK_NAME(f7);\nextern const u8 d3[] VK_NAME(d3);\nvoid start(void) VK_NAME(start);\n" +
		"void x0(void) { fn7(0x1p3f + 7u + t1 + b2_0); goto L12; } memory_init(d3, -48, xfn7, fn, d, x)"
	want := "u32 fn7_5(u32 l0) VK_NAME(f7);\nextern const u8 d3_5[] VK_NAME(d3);\nvoid start_5(void) VK_NAME(start);\n" +
		"void x0_5(void) { fn7_5(0x1p3f + 7u + t1 + b2_0); goto L12; } memory_init(d3_5, -48, xfn7, fn, d, x)"
	if got := string(appendRenamed(nil, []byte(text), "_5")); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
