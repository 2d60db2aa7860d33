package verify

import "math/bits"

// kind says what is known of a value.
type kind uint8

const (
	kRange    kind = iota // an integer, signed: lo to hi
	kEntry                // what callee-saved register lo held when the function was entered
	kRecords              // the word Records as it was when the function was entered
	kRodata               // the address lo to hi, as linked, in read-only data
	kCode                 // the address lo, as linked, in the text
	kJump                 // an entry of the jump table of hi entries at lo
	kWord                 // lo or hi, which are offsets of words of the instance
	kStack                // the address lo from where the return address lies
	kTarget               // that, plus the table's base, which lies base above the start of read-only data
	kElem                 // an entry of a function table, loaded at instruction id
	kElemHigh             // its type id
	kElemTop              // its type id in its place, the rest zero
	kElemLow              // its code offset
	kCallee               // the address of its code
)

// value is what is known of a register or of a place on the stack. The zero value is the
// number 0; use unknown for "anything".
type value struct {
	lo, hi int64
	meta   uint64 // kind and more, see below: four words are what the compiler keeps in registers
	lows   uint64 // see width; of kElem and its like: the index of the type that was found, plus 1
}

const (
	tzShift    = 8
	widthShift = 16
	idShift    = 32
)

func (v value) kind() kind { return kind(v.meta) }

// tz tells that at least so many low bits are zero.
func (v value) tz() uint8 { return uint8(v.meta >> tzShift) }

// width tells that the low width bytes, if not 0, are from nlo to nhi.
func (v value) width() uint16 { return uint16(v.meta >> widthShift) }
func (v value) nlo() uint32   { return uint32(v.lows) }
func (v value) nhi() uint32   { return uint32(v.lows >> 32) }

// id is a number: of kRange, equal ids, but 0, mean equal low halves; of kElem, see there; of kTarget, it is the base.
func (v value) id() uint32 { return uint32(v.meta >> idShift) }

func (v *value) setKind(k kind) { v.meta = v.meta&^0xff | uint64(k) }
func (v *value) setTZ(n uint8)  { v.meta = v.meta&^(0xff<<tzShift) | uint64(n)<<tzShift }
func (v *value) setID(n uint32) { v.meta = v.meta&max32 | uint64(n)<<idShift }

func (v *value) setLow(width uint16, lo, hi uint32) {
	v.meta = v.meta&^(0xffff<<widthShift) | uint64(width)<<widthShift
	v.lows = uint64(lo) | uint64(hi)<<32
}

// isPlain tells whether a value is a number of which nothing but bounds and zero bits is known.
func (v value) isPlain() bool { return v.meta&(0xffff<<widthShift|0xff) == 0 }

const (
	minInt = -1 << 63
	maxInt = 1<<63 - 1
	max32  = 1<<32 - 1
)

var (
	unknown   = value{lo: minInt, hi: maxInt}
	unknown32 = value{lo: 0, hi: max32}
)

// between is an integer from lo to hi.
func between(lo, hi int64) value {
	if lo == hi {
		return constant(lo)
	}
	return value{lo: lo, hi: hi}
}

func constant(n int64) value {
	if n == 0 {
		return value{meta: 63 << tzShift}
	}
	return value{lo: n, hi: n, meta: uint64(bits.TrailingZeros64(uint64(n))) << tzShift}
}

// typ is the type of kElem and its like, 0 if it was not compared.
func (v value) typ() uint16 { return uint16(v.nlo()) }

// is32 tells whether a value is an integer that a 32-bit operation leaves as it is.
func (v value) is32() bool { return v.kind() == kRange && v.lo >= 0 && v.hi <= max32 }

func (v value) isConst() bool { return v.kind() == kRange && v.lo == v.hi }

// anything is what is known of size bytes, extended with zeros, if nothing is.
func anything(size uint8) value {
	if size >= 8 {
		return unknown
	}
	return value{lo: 0, hi: 1<<(8*size) - 1}
}

// isAnything tells whether nothing is known of size bytes, but what they may be equal to.
func (v value) isAnything(size uint8) bool {
	w := anything(size)
	return v.kind() == kRange && v.lo <= w.lo && v.hi >= w.hi && v.width() == 0 && v.tz() == 0
}

// low is the value of the low size bytes, extended with zeros.
func (v *value) low(size uint8) value {
	most := int64(1)<<(8*size) - 1
	switch {
	case size == 8 || v.kind() == kRange && v.lo >= 0 && v.hi <= most:
		return *v
	case v.kind() != kRange:
		return v.lowOther(size)
	}
	meta := uint64(min(v.tz(), 8*size)) << tzShift
	if size == 4 {
		meta |= v.meta &^ 0xffff // id and width, too
	}
	if uint8(v.width()) == size {
		r := between(int64(v.nlo()), int64(v.nhi()))
		if size == 4 {
			r.meta |= v.meta &^ max32
		}
		return r
	}
	if size == 4 {
		return value{lo: 0, hi: most, meta: meta, lows: v.lows}
	}
	return value{lo: 0, hi: most, meta: meta}
}

// lowOther is low of what may be no integer.
func (v *value) lowOther(size uint8) value {
	switch {
	case v.kind() == kElem && size == 4:
		r := *v
		r.setKind(kElemLow)
		return r
	case (v.kind() == kRecords || v.kind() == kElemLow || v.kind() == kElemHigh) && size == 4:
		return *v
	}
	return between(0, int64(1)<<(8*size)-1)
}

// sext is the value of the low size bytes, extended with its sign.
func (v *value) sext(size uint8) value {
	l := v.low(size)
	most := int64(1)<<(8*size-1) - 1
	switch {
	case l.kind() == kRange && l.hi <= most:
		return l
	case l.kind() == kRange && l.lo > most: // all negative
		n := 2 * (most + 1)
		return result(8, l.lo-n, l.hi-n, l.tz())
	}
	return value{meta: uint64(l.tz()) << tzShift, lo: -most - 1, hi: most}
}

// as32 brings the exact result of a 32-bit operation into its range.
func as32(lo, hi int64, tz uint8) value {
	const n = 1 << 32
	switch {
	case lo >= 0 && hi < n:
	case lo >= n && hi < 2*n:
		lo, hi = lo-n, hi-n
	case lo >= -n && hi < 0:
		lo, hi = lo+n, hi+n
	default:
		return value{meta: uint64(min(tz, 32)) << tzShift, lo: 0, hi: max32}
	}
	if lo == hi {
		return constant(lo)
	}
	return value{meta: uint64(tz) << tzShift, lo: lo, hi: hi}
}

// result is the exact result of an operation of a size of 4 or 8 bytes.
func result(size uint8, lo, hi int64, tz uint8) value {
	if size == 4 {
		return as32(lo, hi, tz)
	}
	if lo == hi {
		return constant(lo)
	}
	return value{meta: uint64(tz) << tzShift, lo: lo, hi: hi}
}

// addInt adds with saturation; ok is false if it would wrap.
func addInt(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0)
}

func add(size uint8, a, b *value) value {
	lo, ok1 := addInt(a.lo, b.lo)
	hi, ok2 := addInt(a.hi, b.hi)
	tz := min(a.tz(), b.tz())
	if !ok1 || !ok2 {
		return multiple(size, tz)
	}
	return result(size, lo, hi, tz)
}

func sub(size uint8, a, b *value) value {
	tz := min(a.tz(), b.tz())
	if b.lo == minInt {
		return multiple(size, tz)
	}
	lo, ok1 := addInt(a.lo, -b.hi)
	hi, ok2 := addInt(a.hi, -b.lo)
	if !ok1 || !ok2 {
		return multiple(size, tz)
	}
	return result(size, lo, hi, tz)
}

// multiple is an unknown result with some zero bits.
func multiple(size, tz uint8) value {
	v := anything(size)
	v.meta = uint64(min(tz, 8*size)) << tzShift
	return v
}

func and(size uint8, a, b *value) value {
	tz := max(a.tz(), b.tz())
	switch {
	case a.lo >= 0 && b.lo >= 0:
		return value{meta: uint64(tz) << tzShift, lo: 0, hi: min(a.hi, b.hi)}
	case a.lo >= 0:
		return value{meta: uint64(tz) << tzShift, lo: 0, hi: a.hi}
	case b.lo >= 0:
		return value{meta: uint64(tz) << tzShift, lo: 0, hi: b.hi}
	}
	return multiple(size, tz)
}

// or is also an upper bound of xor.
func or(size uint8, a, b *value) value {
	tz := min(a.tz(), b.tz())
	if a.lo < 0 {
		a, b = b, a
	}
	if a.lo >= 0 && a.hi < 1<<62 && b.isConst() && b.lo < 0 {
		// Only these bits may change, of a constant; or only sets them.
		may := int64(1)<<bits.Len64(uint64(a.hi)) - 1
		if a.tz() < 63 {
			may &^= 1<<a.tz() - 1
		}
		return value{meta: uint64(tz) << tzShift, lo: b.lo &^ may, hi: b.lo | may}
	}
	if a.lo < 0 || b.lo < 0 {
		return multiple(size, tz)
	}
	n := bits.Len64(uint64(a.hi | b.hi))
	return value{meta: uint64(tz) << tzShift, lo: 0, hi: int64(uint64(1)<<n - 1)}
}

func shl(size uint8, a *value, n uint) value {
	n &= uint(size)*8 - 1
	tz := uint8(min(uint(a.tz())+n, 63))
	if n > 40 || a.lo < -(1<<22) || a.hi > int64(1)<<(62-n) {
		return multiple(size, tz)
	}
	return result(size, a.lo<<n, a.hi<<n, tz)
}

func shr(size uint8, a *value, n uint) value {
	n &= uint(size)*8 - 1
	if n == 0 {
		return *a
	}
	if a.lo < 0 {
		return value{lo: 0, hi: int64(^uint64(0) >> n)}
	}
	tz := uint8(0)
	if uint(a.tz()) > n {
		tz = a.tz() - uint8(n)
	}
	return result(size, a.lo>>n, a.hi>>n, tz)
}

func sar(size uint8, a *value, n uint) value {
	n &= uint(size)*8 - 1
	if size == 4 && a.hi >= 1<<31 {
		return unknown32
	}
	return result(size, a.lo>>n, a.hi>>n, 0)
}

func mul(size uint8, a, b *value) value {
	const most = 1 << 31
	tz := uint8(min(int(a.tz())+int(b.tz()), 63))
	if a.lo < 0 || b.lo < 0 || a.hi >= most || b.hi > most {
		return multiple(size, tz)
	}
	return result(size, a.lo*b.lo, a.hi*b.hi, tz)
}

// joining says how two values are joined: on the way back of a loop, bounds that still move go to the
// next of a few steps, or as far as wide lets them, so that this ends.
type joining uint8

const (
	exactly joining = iota
	inSteps
	atOnce
)

// join is what is known if it is one value or the other.
func join(a, b *value, how joining) value {
	if *a == *b || a.covers(b) {
		return *a
	}
	if a.lo < 0 || b.lo < 0 {
		if v, ok := joinWords(a, b); ok {
			return v
		}
	}
	if a.kind() != b.kind() || a.kind() != kRange {
		if a.kind() == b.kind() && a.kind() == kRodata {
			return joinRodata(a, b, how)
		}
		if a.kind() == b.kind() && a.typ() == b.typ() && a.typ() != 0 && a.id() != b.id() { // the type is known: whose it is no longer matters
			r := *a
			r.setID(0)
			if o := *b; o.withId(0) == r {
				return r
			}
		}
		x, y := a.plain(), b.plain()
		return join(&x, &y, how)
	}
	r := value{meta: uint64(min(a.tz(), b.tz())) << tzShift, lo: min(a.lo, b.lo), hi: max(a.hi, b.hi)}
	if a.id() == b.id() {
		r.setID(a.id())
	}
	if width := max(a.width(), b.width()); width != 0 && width != 8 {
		x, y := a.low(uint8(width)), b.low(uint8(width))
		if most := int64(1)<<(8*width) - 1; (x.hi < most || y.hi < most) && how == exactly && x.kind() == kRange && y.kind() == kRange {
			r.setLow(width, uint32(min(x.lo, y.lo)), uint32(max(x.hi, y.hi)))
		}
	}
	switch {
	case how == atOnce && (r.lo != a.lo || r.hi != a.hi):
		return r.wide()
	case how != exactly:
		if r.lo != a.lo {
			r.lo = stepDown(r.lo)
		}
		if r.hi != a.hi {
			r.hi = stepUp(r.hi)
		}
		if r.tz() != a.tz() {
			r.setTZ(0)
		}
		if a.width() != 0 && a.width() == b.width() && a.nlo() <= b.nlo() && a.nhi() >= b.nhi() {
			r.setLow(a.width(), a.nlo(), a.nhi())
		}
	}
	return r
}

// covers tells whether b is one of the numbers that a may be, with nothing more known of a.
func (a *value) covers(b *value) bool {
	return a.kind() == kRange && b.kind() == kRange && a.lo <= b.lo && a.hi >= b.hi && a.width()|b.width() == 0 && a.tz() <= b.tz() && (a.id() == 0 || a.id() == b.id())
}

// joinWords joins two constants that may be offsets of words of the instance.
func joinWords(a, b *value) (value, bool) {
	const low, high, align = -1 << 20, -32, 8
	if a.kind() == kWord && b.isConst() && (b.lo == a.lo || b.lo == a.hi) {
		return *a, true
	}
	if b.kind() == kWord {
		a, b = b, a
		if b.isConst() && (b.lo == a.lo || b.lo == a.hi) {
			return *a, true
		}
		return value{}, false
	}
	if !a.isConst() || !b.isConst() || max(a.lo, b.lo) > high || min(a.lo, b.lo) < low || (a.lo|b.lo)%align != 0 {
		return value{}, false
	}
	return value{meta: uint64(kWord), lo: min(a.lo, b.lo), hi: max(a.lo, b.lo)}, true
}

func joinRodata(a, b *value, how joining) value {
	if how != exactly {
		return unknown
	}
	return value{meta: uint64(kRodata), lo: min(a.lo, b.lo), hi: max(a.hi, b.hi)}
}

// plain forgets all but the range of what may be no integer.
func (v value) plain() value {
	switch v.kind() {
	case kRange:
		return v
	case kWord:
		return value{meta: uint64(3) << tzShift, lo: v.lo, hi: v.hi}
	case kRecords, kElemHigh, kElemLow:
		return unknown32
	}
	return unknown
}

func stepDown(n int64) int64 {
	switch {
	case n >= 0:
		return 0
	case n >= -1<<32:
		return -1 << 32
	}
	return minInt
}

func stepUp(n int64) int64 {
	for _, s := range [...]int64{1<<16 - 1, 1<<31 - 1, max32, 1<<33 - 1} {
		if n <= s {
			return s
		}
	}
	return maxInt
}

func (v *value) withId(id uint32) value {
	r := *v
	r.setID(id)
	return r
}
