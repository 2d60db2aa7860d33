package wasi

import "vkernel/internal/linux"

// notCapable is what a handler returns for WASI's own ENOTCAPABLE, a right that a descriptor
// lacks. No Linux errno has the number.
const notCapable linux.Errno = 511

// errnoInval and errnoIO are what the rest of the numbers becomes.
const errnoIO = 29

// errnos maps Linux's numbers to those of WASI, which are the names of POSIX in
// alphabetical order.
var errnos = [512]uint16{
	linux.E2BIG: 1, linux.EACCES: 2, linux.EADDRINUSE: 3, linux.EADDRNOTAVAIL: 4, linux.EAFNOSUPPORT: 5,
	linux.EAGAIN: 6, linux.EALREADY: 7, linux.EBADF: 8, linux.EBADMSG: 9, linux.EBUSY: 10,
	linux.ECANCELED: 11, linux.ECHILD: 12, linux.ECONNABORTED: 13, linux.ECONNREFUSED: 14, linux.ECONNRESET: 15,
	linux.EDEADLK: 16, linux.EDESTADDRREQ: 17, linux.EDOM: 18, linux.EDQUOT: 19, linux.EEXIST: 20,
	linux.EFAULT: 21, linux.EFBIG: 22, linux.EHOSTUNREACH: 23, linux.EIDRM: 24, linux.EILSEQ: 25,
	linux.EINPROGRESS: 26, linux.EINTR: 27, linux.EINVAL: 28, linux.EIO: 29, linux.EISCONN: 30,
	linux.EISDIR: 31, linux.ELOOP: 32, linux.EMFILE: 33, linux.EMLINK: 34, linux.EMSGSIZE: 35,
	linux.EMULTIHOP: 36, linux.ENAMETOOLONG: 37, linux.ENETDOWN: 38, linux.ENETRESET: 39, linux.ENETUNREACH: 40,
	linux.ENFILE: 41, linux.ENOBUFS: 42, linux.ENODEV: 43, linux.ENOENT: 44, linux.ENOEXEC: 45,
	linux.ENOLCK: 46, linux.ENOLINK: 47, linux.ENOMEM: 48, linux.ENOMSG: 49, linux.ENOPROTOOPT: 50,
	linux.ENOSPC: 51, linux.ENOSYS: 52, linux.ENOTCONN: 53, linux.ENOTDIR: 54, linux.ENOTEMPTY: 55,
	linux.ENOTRECOVERABLE: 56, linux.ENOTSOCK: 57, linux.EOPNOTSUPP: 58, linux.ENOTTY: 59, linux.ENXIO: 60,
	linux.EOVERFLOW: 61, linux.EOWNERDEAD: 62, linux.EPERM: 63, linux.EPIPE: 64, linux.EPROTO: 65,
	linux.EPROTONOSUPPORT: 66, linux.EPROTOTYPE: 67, linux.ERANGE: 68, linux.EROFS: 69, linux.ESPIPE: 70,
	linux.ESRCH: 71, linux.ESTALE: 72, linux.ETIMEDOUT: 73, linux.ETXTBSY: 74, linux.EXDEV: 75,
	notCapable: 76,
}

// errnoOf converts an errno. Those that WASI lacks are EIO: none of the calls here has them.
func errnoOf(e linux.Errno) uint16 {
	if e == 0 {
		return 0
	}
	if int(e) < len(errnos) && errnos[e] != 0 {
		return errnos[e]
	}
	return errnoIO
}
