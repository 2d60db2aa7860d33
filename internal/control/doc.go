// Package control is how containers that run are found by name and told what to do: by the vkernel command, and by any
// other program of their user.
//
// # Model
//
// The launcher of a container (`vkernel run --name N`) reserves its name (Reserve) in the runtime directory of its user, and
// serves requests on a socket there (Name.Serve) until the container ends. A Client (Open) asks; List finds all. The launcher passes
// on to the sandbox what is the container's own business, over the channel that it has with it.
//
//	DIR/NAME.lock   held (flock) by the launcher as long as it lives: who holds it has the name
//	DIR/NAME.sock   its socket
//
// DIR is $XDG_RUNTIME_DIR/vkernel, or /run/vkernel for root; it is the user's own and nobody else can enter it (0700). A name
// whose launcher was killed is free again, because Linux has dropped the lock; the next one who looks removes what is left.
//
// # Protocol
//
// A connection (SOCK_SEQPACKET) is one request. Each datagram is a JSON object of at most 64 KiB; an unknown field is an error.
// The client sends
//
//	{"version":1,"command":"pause","argument":…}
//
// with the descriptors that the command needs, and gets events until it closes the connection. The last one has "done":true, and
// "error" if the request failed, or "data": a piece of the JSON result, after other pieces that had "more":true.
//
//	info       what the container is                      Info
//	processes  those of the container                     a list of kernel.ProcessInfo
//	pause      stops everything in it                     null
//	resume     ends a pause                               null
//	make pool, pools, remove pool
//	           pools of processes: sandbox.PoolRequest and kernel.PoolState; a list; the number of one
//	remove     kills everything in it; its name is free when the connection ends
//	exec       starts a process: the argument is null, the first descriptor sealed memory with a sandbox.Start,
//	           the others its streams. Events: "begun" with "pid", "input" (send what is to be read), and the last one with
//	           "code" and "signal", or "errno" and "command". The client may send {"signal":N} and {"rows":N,"columns":N}; when it
//	           leaves, the process is hung up.
//
//	save       saves the container: the first descriptor is sealed memory with a sandbox.SaveArgument, the second a pipe or
//	           memory that the sandbox writes to; sandbox.Saved when all is written
//
// Another command is added to commands (server.go) and as a method of Client.
//
// # Rules
//
// Only the user himself and root are served (SO_PEERCRED). A launcher reads one bounded request per connection and serves a bounded number at
// once. A stream that is passed must be a pipe, a regular file or a device that only takes or gives bytes; a console is one of
// a pair of sockets without names.
//
// # Lock order
//
// There are no locks that are held while another is taken.
package control
