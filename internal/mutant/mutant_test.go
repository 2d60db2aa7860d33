package mutant

import (
	"os"
	"os/exec"
	"testing"
)

// TestOff runs itself again with a check switched off: only a tagged build may notice.
func TestOff(t *testing.T) {
	if os.Getenv("VKERNEL_MUTANT_CHILD") != "" {
		if Off("test.a") != Compiled || Off("test.b") != Compiled || Off("test.c") || Off("") {
			t.Fatalf("tagged build %v: Off gives a %v, b %v, c %v, none %v", Compiled, Off("test.a"), Off("test.b"), Off("test.c"), Off(""))
		}
		return
	}
	if Off("test.a") {
		t.Fatal("a check is off although nothing switched it off")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOff$")
	cmd.Env = append(os.Environ(), "VKERNEL_MUTANT_CHILD=1", "VKERNEL_MUTANT=test.a,,test.b")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
