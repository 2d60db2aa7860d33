// One instance of a module in V8. Reads a request a line and answers each with a line, both in JSON.
// Numbers are strings, integers of up to 64 bits; externref is a number, 0 is null.
const lines = require('readline').createInterface({input: process.stdin});
let inner, outer;

function trap(e) {
    if (typeof WebAssembly.Exception === 'function' && e instanceof WebAssembly.Exception) return 'uncaught exception';
    return e.message || String(e);
}

function start(r) {
    inner = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(r.module, 'base64')));
    outer = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(r.adapter, 'base64')), {m: inner.exports});
    return {};
}

function toValue(type, text) {
    const n = BigInt(text);
    if (type === 'i64') return n;
    if (type === 'i32') return Number(BigInt.asIntN(32, n));
    return n === 0n ? null : Number(n);
}

function fromValue(v) {
    if (v === null) return '0';
    return String(BigInt.asUintN(64, BigInt(v)));
}

function call(r) {
    outer.exports[r.call](...(r.args || []).map((a, i) => toValue(r.types[i], a)));
    return {results: (r.results || []).map(name => fromValue(outer.exports[name].value))};
}

function memory() {
    return {memory: Buffer.from(inner.exports.memory.buffer).toString('base64')};
}

lines.on('line', line => {
    const r = JSON.parse(line);
    let answer;
    try {
        answer = r.module ? start(r) : r.call ? call(r) : memory();
    } catch (e) {
        answer = {trap: trap(e)};
        if (e instanceof WebAssembly.CompileError || e instanceof WebAssembly.LinkError || e instanceof TypeError) answer = {error: answer.trap};
    }
    console.log(JSON.stringify(answer));
});
