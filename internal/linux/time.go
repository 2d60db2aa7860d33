package linux

import "time"

// Clocks.
const (
	CLOCK_REALTIME           = 0
	CLOCK_MONOTONIC          = 1
	CLOCK_PROCESS_CPUTIME_ID = 2
	CLOCK_THREAD_CPUTIME_ID  = 3
	CLOCK_MONOTONIC_RAW      = 4
	CLOCK_REALTIME_COARSE    = 5
	CLOCK_MONOTONIC_COARSE   = 6
	CLOCK_BOOTTIME           = 7
	CLOCK_REALTIME_ALARM     = 8
	CLOCK_BOOTTIME_ALARM     = 9
	CLOCK_TAI                = 11

	TIMER_ABSTIME = 1

	ITIMER_REAL    = 0
	ITIMER_VIRTUAL = 1
	ITIMER_PROF    = 2

	CLK_TCK = 100 // USER_HZ
)

// ToTicks converts to clock ticks, the unit of times(2) and /proc.
func ToTicks(d time.Duration) int64 { return int64(d / (time.Second / CLK_TCK)) }

// Timespec is struct timespec, 16 bytes. In the guest's C library tv_nsec is a 32-bit
// long: the upper half of Nsec is padding and is ignored.
type Timespec struct{ Sec, Nsec int64 }

// ToTimespec converts a duration.
func ToTimespec(d time.Duration) Timespec {
	return Timespec{int64(d / time.Second), int64(d % time.Second)}
}

// Duration converts a relative time; one that is not valid is EINVAL, one that is too
// long is the longest that there is.
func (t Timespec) Duration() (time.Duration, Errno) {
	nsec := int64(int32(t.Nsec))
	if t.Sec < 0 || nsec < 0 || nsec >= 1e9 {
		return 0, EINVAL
	}
	if t.Sec >= maxSeconds {
		return maxSeconds * time.Second, 0
	}
	return time.Duration(t.Sec)*time.Second + time.Duration(nsec), 0
}

// maxSeconds bounds relative times: 146 years, so that adding one to now cannot overflow.
const maxSeconds = 1 << 32

// Timeval is struct timeval.
type Timeval struct{ Sec, Usec int64 }

// ToTimeval converts a duration.
func ToTimeval(d time.Duration) Timeval {
	return Timeval{int64(d / time.Second), int64(d % time.Second / time.Microsecond)}
}

// Duration converts a relative time.
func (t Timeval) Duration() (time.Duration, Errno) {
	usec := int64(int32(t.Usec))
	if t.Sec < 0 || usec < 0 || usec >= 1e6 {
		return 0, EINVAL
	}
	if t.Sec >= maxSeconds {
		return maxSeconds * time.Second, 0
	}
	return time.Duration(t.Sec)*time.Second + time.Duration(usec)*time.Microsecond, 0
}

// Itimerval is struct itimerval, Itimerspec struct itimerspec.
type Itimerval struct{ Interval, Value Timeval }

// Itimerspec is struct itimerspec.
type Itimerspec struct{ Interval, Value Timespec }

// Tms is struct tms in the kernel's layout: four 8-byte counts of clock ticks.
type Tms struct{ Utime, Stime, Cutime, Cstime int64 }

// Timezone is struct timezone.
type Timezone struct{ Minuteswest, Dsttime int32 }
