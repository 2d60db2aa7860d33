package syscalls

import (
	"vkernel/internal/linux"
	"vkernel/internal/proc"
)

// helperHandlers serve the imports that are not system calls. setjmp and its kin are
// missing: the engine never asks for a handler of theirs.
var helperHandlers = map[string]Handler{
	"__init":              nothing,
	"__deinit":            nothing,
	"__proc_exit":         exitGroup,
	"__cl_get_argc":       getArgc,
	"__cl_get_argv_len":   getArgvLen,
	"__cl_copy_argv":      copyArgv,
	"__cl_get_envc":       getEnvc,
	"__cl_get_env_len":    getEnvLen,
	"__cl_copy_env":       copyEnv,
	"__get_init_envfile":  getInitEnvfile,
	"__wasm_thread_spawn": threadSpawn,
	"setjmp":              unimplemented,
	"sigsetjmp":           unimplemented,
	"longjmp":             unimplemented,
}

func nothing(*proc.Thread, Args) (int64, linux.Errno) { return 0, 0 }

// at gives string i of a list, "" if there is none.
func at(list []string, i uint32) string {
	if uint64(i) >= uint64(len(list)) {
		return ""
	}
	return list[i]
}

// copyString writes string i of a list to the guest, with its NUL.
func copyString(t *proc.Thread, a Args, list []string) (int64, linux.Errno) {
	return 0, t.Mem().Write(a.Addr(0), append([]byte(at(list, a.Uint(1))), 0))
}

func getArgc(t *proc.Thread, _ Args) (int64, linux.Errno) {
	return int64(len(t.Process().Image().Argv)), 0
}

func getArgvLen(t *proc.Thread, a Args) (int64, linux.Errno) {
	return int64(len(at(t.Process().Image().Argv, a.Uint(0)))), 0
}

func copyArgv(t *proc.Thread, a Args) (int64, linux.Errno) {
	return copyString(t, a, t.Process().Image().Argv)
}

func getEnvc(t *proc.Thread, _ Args) (int64, linux.Errno) {
	return int64(len(t.Process().Image().Env)), 0
}

func getEnvLen(t *proc.Thread, a Args) (int64, linux.Errno) {
	return int64(len(at(t.Process().Image().Env, a.Uint(0)))), 0
}

func copyEnv(t *proc.Thread, a Args) (int64, linux.Errno) {
	return copyString(t, a, t.Process().Image().Env)
}

// EnvFile is where a program of the published C library reads its environment, a
// NAME=value in each line. It is a file of procfs; values with a newline are left out.
const EnvFile = "/proc/self/environ.lines"

// getInitEnvfile gives the name of the file, and whether there is one.
func getInitEnvfile(t *proc.Thread, a Args) (int64, linux.Errno) {
	if int(a.Size(1)) <= len(EnvFile) {
		return 0, 0
	}
	if e := t.Mem().Write(a.Addr(0), append([]byte(EnvFile), 0)); e != 0 {
		return 0, 0
	}
	return 1, 0
}
