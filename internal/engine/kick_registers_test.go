package engine

import (
	"bytes"
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"vkernel/internal/engine/layout"
)

// TestKickVectors preempts code that has a value in every vector register and in every flag, while
// the host uses the same registers, their upper halves too, between preemptions.
func TestKickVectors(t *testing.T) {
	c := loadGuest(t)
	var wg sync.WaitGroup
	list := []*Instance{newGuest(t, c), newGuest(t, c)}
	list = append(list, thread(t, list[1]))
	end := time.Now().Add(700 * time.Millisecond)
	for _, i := range list {
		start(t, i, "x_vectors")
		wg.Add(1)
		go func() {
			defer wg.Done()
			a, b := make([]byte, 1<<16+63), make([]byte, 1<<16+63)
			for n := 0; ; n++ {
				switch x := i.Resume(0); x {
				case layout.ExitPreempt:
					a[n%len(a)]++
					copy(b, a) // Go's copying and digests use what the processor has
					if sum := sha256.Sum256(b[:1000]); sum != sha256.Sum256(bytes.Clone(a[:1000])) || !bytes.Equal(a, b) {
						t.Error("the host computes wrongly")
					}
					if time.Now().After(end) {
						*pointByte(i, stopByte) = 1
					}
				case layout.ExitReturn:
					if i.Results()[0][0] != 0 {
						t.Errorf("a register or a flag was lost in round %d", *i.u64(counter))
					}
					t.Logf("%d preemptions, %d rounds", n, *i.u64(counter))
					return
				default:
					t.Errorf("exit %d, %+v", x, i.Trap())
					return
				}
			}
		}()
	}
	stop := kickAll(list)
	wg.Wait()
	stop()
	for _, i := range list {
		i.Free()
	}
}
