package verify

import (
	"strings"
	"testing"
)

// TestLateArguments: that a function takes arguments on the stack may show only when it is verified again, as
// what it calls takes more than was known. Whoever calls it must hear of that.
func TestLateArguments(t *testing.T) {
	const late = `sub $24, %rsp; movl $1, (%rsp); call bad2; cmpl $1, (%rsp); je 1f; movq $0, 40(%rsp); 1: add $24, %rsp; ret`
	const takes = "movl 8(%rsp), %eax; movl $0, 16(%rsp); ret"
	for _, c := range []struct{ name, caller, reason string }{
		{"with a saved register in its way", "push %rbx; push %rbx; xor %ebx, %ebx; call bad0; pop %rbx; pop %rbx; ret", "not restored"},
		{"with room", "push %rbx; sub $16, %rsp; xor %ebx, %ebx; call bad0; add $16, %rsp; pop %rbx; ret", ""},
		{"one further away", "push %rbx; push %rbx; xor %ebx, %ebx; call bad3; pop %rbx; pop %rbx; ret", "not restored"},
	} {
		code, _ := assembleCorpus(t, []badCase{
			{"late", late, ""}, {"caller", c.caller, ""}, {"takes", takes, ""}, {"by a tail call", "jmp bad0", ""},
		})
		switch _, err := Text(code); {
		case c.reason == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason)):
			t.Errorf("%s: %v, expected %q", c.name, err, c.reason)
		}
	}
}
