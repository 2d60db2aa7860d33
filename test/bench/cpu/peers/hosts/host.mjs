// The host of host.go for V8: node host.mjs MODULE ARGUMENT... with RUNS, and PASS, in the
// environment. A run's output is digested after its time is taken.
import fs from "node:fs"
import path from "node:path"

const argv = process.argv.slice(2)
const module = new WebAssembly.Module(fs.readFileSync(argv[0]))
const runs = Number(process.env.RUNS)
const ENOENT = 2, ENODEV = 19, EROFS = 30, ENOTTY = 25, ESPIPE = 29, ENOSYS = 38, ENOMEM = 12
const S_IFIFO = 0o10600, MAP_ANON = 0x20
const quiet = new Set(["brk", "madvise", "mprotect", "rt_sigaction", "rt_sigprocmask", "fcntl", "getpid", "gettid", "getuid",
    "geteuid", "getgid", "getegid", "getppid", "set_tid_address", "getpgid", "getgroups", "futex"])

class Exit extends Error {}
const pageUp = n => (n + 4095) & ~4095

class Host {
    status = 0
    output = []
    free = new Map()
    names = new Map() // paths of open files
    next = 0
    get bytes() { return new Uint8Array(this.memory.buffer) }
    get view() { return new DataView(this.memory.buffer) }
    string(at) {
        const b = this.bytes
        return Buffer.from(b.subarray(at, b.indexOf(0, at))).toString("latin1")
    }
    vector(a, vectored) {
        if (!vectored) return [[a[1], a[2]]]
        const v = this.view
        return Array.from({length: a[2]}, (_, k) => [v.getUint32(a[1] + 8 * k, true), v.getUint32(a[1] + 8 * k + 4, true)])
    }
    write(a, vectored) {
        let total = 0
        for (const [at, n] of this.vector(a, vectored)) {
            const part = Buffer.from(this.bytes.subarray(at, at + n))
            if (a[0] === 2 || process.env.PASS) fs.writeSync(a[0], part)
            else this.output.push(part)
            total += n
        }
        return total
    }
    read(a, vectored) {
        let total = 0
        if (a[0] === 0) return 0
        for (const [at, n] of this.vector(a, vectored)) {
            const got = n && fs.readSync(a[0], this.bytes, at, n, null)
            total += got
            if (got < n) break
        }
        return total
    }
    putStat(at, mode, size) {
        this.bytes.fill(0, at, at + 144)
        const v = this.view
        v.setBigUint64(at + 16, 1n, true)
        v.setUint32(at + 24, mode, true)
        v.setBigUint64(at + 48, BigInt(size), true)
        v.setBigUint64(at + 56, 4096n, true)
        v.setBigUint64(at + 88, 1000000000n, true)
        return 0
    }
    mmap(size, flags) {
        if (!(flags & MAP_ANON)) return -ENODEV
        size = pageUp(size)
        const list = this.free.get(size)
        if (list?.length) {
            const at = list.pop()
            this.bytes.fill(0, at, at + size)
            return at
        }
        this.next ||= this.memory.buffer.byteLength
        const more = this.next + size - this.memory.buffer.byteLength
        try {
            if (more > 0) this.memory.grow(Math.ceil(more / 65536))
        } catch {
            return -ENOMEM
        }
        const at = this.next
        this.next += size
        return at
    }
    munmap(at, size) {
        size = pageUp(size)
        if (!this.free.has(size)) this.free.set(size, [])
        this.free.get(size).push(at)
        return 0
    }
    open(dir, at, flags) {
        if (flags & 3) return -EROFS
        try {
            const name = path.resolve(this.names.get(dir) ?? ".", this.string(at))
            const fd = fs.openSync(name, "r")
            this.names.set(fd, name)
            return fd
        } catch {
            return -ENOENT
        }
    }
    call(name, a) {
        switch (name) {
        case "__cl_get_argc": return argv.length
        case "__cl_get_argv_len": return Buffer.byteLength(argv[a[0]])
        case "__cl_copy_argv": Buffer.from(argv[a[1]] + "\0").copy(this.bytes, a[0]); return 0
        case "longjmp": throw new Error("the program called longjmp, which this host does not have")
        }
        if (!name.startsWith("SYS_")) return 0
        switch (name.slice(4)) {
        case "exit": case "exit_group": this.status = a[0]; throw new Exit()
        case "write": return this.write(a, false)
        case "writev": return this.write(a, true)
        case "read": return this.read(a, false)
        case "readv": return this.read(a, true)
        case "open": return this.open(-1, a[0], a[1])
        case "openat": return this.open(a[0], a[1], a[2])
        case "close": if (a[0] > 2) fs.closeSync(a[0]); return 0
        case "lseek": return -ESPIPE
        case "fstat": {
            if (a[0] < 3) return this.putStat(a[1], S_IFIFO, 0)
            const s = fs.fstatSync(a[0])
            return this.putStat(a[1], s.mode, s.size)
        }
        case "stat": case "lstat":
            try {
                const s = fs.statSync(this.string(a[0]))
                return this.putStat(a[1], s.mode, s.size)
            } catch {
                return -ENOENT
            }
        case "mmap": return this.mmap(a[1], a[3])
        case "munmap": return this.munmap(a[0], a[1])
        case "mremap": {
            const at = this.mmap(a[2], MAP_ANON)
            if (at <= 0) return at
            this.bytes.copyWithin(at, a[0], a[0] + Math.min(a[1], a[2]))
            this.munmap(a[0], a[1])
            return at
        }
        case "clock_gettime": {
            const t = process.hrtime.bigint()
            this.view.setBigUint64(a[1], t / 1000000000n, true)
            this.view.setBigUint64(a[1] + 8, t % 1000000000n, true)
            return 0
        }
        case "ioctl": return -ENOTTY
        }
        return quiet.has(name.slice(4)) ? 0 : -ENOSYS
    }
}

function digest(parts) {
    let low = 0x84222325, high = 0xcbf29ce4, size = 0
    for (const p of parts) {
        size += p.length
        for (const b of p) { // times 2^40 + 0x1b3
            low = (low ^ b) >>> 0
            const product = low * 0x1b3
            high = (Math.imul(high, 0x1b3) + Math.floor(product / 4294967296) + (low << 8)) >>> 0
            low = product % 4294967296
        }
    }
    return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0") + " " + size
}

let sum
for (let i = 0; i < runs; i++) {
    const host = new Host()
    const start = process.hrtime.bigint()
    const imports = {}
    for (const {name} of WebAssembly.Module.imports(module)) {
        const wide = name.startsWith("SYS_") && name !== "SYS_exit_group"
        imports[name] = (...a) => {
            const n = host.call(name, a.map(x => typeof x === "bigint" ? Number(x) : x >>> 0))
            return wide ? BigInt(n) : n
        }
    }
    const {exports} = new WebAssembly.Instance(module, {wali: imports})
    host.memory = exports.memory
    try {
        exports._start()
    } catch (e) {
        if (!(e instanceof Exit)) throw e
    }
    const elapsed = process.hrtime.bigint() - start
    if (host.status) throw new Error(`exit status ${host.status}`)
    if (process.env.PASS) break
    console.log(String(elapsed))
    sum = digest(host.output)
}
if (!process.env.PASS) console.log("#" + sum)
