package proc

import (
	"testing"

	"vkernel/internal/linux"
)

const (
	restrict = linux.SECBIT_EXEC_RESTRICT_FILE
	deny     = linux.SECBIT_EXEC_DENY_INTERACTIVE
)

func TestSecurebitsSet(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new uint32
		super    bool
		e        linux.Errno
	}{
		{"a user sets one", 0, restrict, false, 0},
		{"a user sets both and locks them", 0, restrict | restrict<<1 | deny | deny<<1, false, 0},
		{"a user locks a bit that is not set", 0, deny << 1, false, 0},
		{"a user clears one", restrict, 0, false, 0},
		{"a user changes nothing", restrict, restrict, false, linux.EPERM},
		{"root changes nothing", restrict, restrict, true, 0},
		{"a user sets another", 0, linux.SECBIT_KEEP_CAPS, false, linux.EPERM},
		{"root sets another", 0, linux.SECBIT_KEEP_CAPS, true, 0},
		{"a locked bit is cleared", restrict | restrict<<1, restrict << 1, true, linux.EPERM},
		{"a locked bit is set", restrict << 1, restrict | restrict<<1, true, linux.EPERM},
		{"a lock is opened", restrict | restrict<<1, restrict, true, linux.EPERM},
		{"beside a lock", restrict | restrict<<1, restrict | restrict<<1 | deny, false, 0},
		{"a bit that does not exist", 0, 1 << 12, true, linux.EPERM},
		{"a bit without effect here", 0, linux.SECBIT_NOROOT, true, linux.EPERM},
	} {
		var s Securebits
		s.bits.Store(tt.old)
		e := s.Set(tt.new, tt.super)
		want := tt.new
		if tt.e != 0 {
			want = tt.old
		}
		if e != tt.e || s.Get() != want {
			t.Errorf("%s: %v, %#x; want %v, %#x", tt.name, e, s.Get(), tt.e, want)
		}
	}
}

func TestSecurebitsExec(t *testing.T) {
	var s Securebits
	s.Set(restrict|linux.SECBIT_KEEP_CAPS, true)
	s.exec(deny)
	if s.Get() != restrict|deny|deny<<1 {
		t.Errorf("%#x", s.Get())
	}
	if e := s.Set(restrict, false); e != linux.EPERM {
		t.Errorf("what the manifest has set is cleared: %v", e)
	}
}

func TestKeepCapsIsABit(t *testing.T) {
	var s Securebits
	if s.KeepCaps(true); s.Get() != linux.SECBIT_KEEP_CAPS {
		t.Errorf("%#x", s.Get())
	}
	s.Set(linux.SECBIT_KEEP_CAPS<<1, true)
	if e := s.KeepCaps(true); e != linux.EPERM || s.Get() != linux.SECBIT_KEEP_CAPS<<1 {
		t.Errorf("locked: %v, %#x", e, s.Get())
	}
}
