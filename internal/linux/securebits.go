package linux

// Secure bits of a process (prctl(2), PR_SET_SECUREBITS). Each has a lock one bit above it.
const (
	SECBIT_NOROOT                = 1 << 0
	SECBIT_NO_SETUID_FIXUP       = 1 << 2
	SECBIT_KEEP_CAPS             = 1 << 4
	SECBIT_NO_CAP_AMBIENT_RAISE  = 1 << 6
	SECBIT_EXEC_RESTRICT_FILE    = 1 << 8
	SECBIT_EXEC_DENY_INTERACTIVE = 1 << 10

	SECURE_ALL_BITS         = 0x555
	SECURE_ALL_LOCKS        = SECURE_ALL_BITS << 1
	SECURE_ALL_UNPRIVILEGED = SECBIT_EXEC_RESTRICT_FILE | SECBIT_EXEC_DENY_INTERACTIVE
)
