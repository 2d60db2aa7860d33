"""What starting python3 costs: NAME SAMPLES. It prints a number of ns a line; with idle, a line when all wait."""
import os
import signal
import sys
import time

name, samples = sys.argv[1], int(sys.argv[2])
python = os.environ['BENCH_PYTHON']
env = dict(os.environ)
if name.endswith('_cold'):
    env['VKERNEL_COLD'] = '1'


def spawn(code, actions=()):
    return os.posix_spawn(python, ['python3', '-c', code], env, file_actions=actions, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])


def run(code):
    return os.waitstatus_to_exitcode(os.waitpid(spawn(code), 0)[1])


if 'BENCH_WARM' in os.environ and 'VKERNEL_COLD' not in env:
    end = time.monotonic() + 60
    while run('import gc, sys; sys.exit(not gc.get_freeze_count())'):
        if time.monotonic() > end:
            sys.exit('no start is warm')

if name == 'idle':
    r, w = os.pipe()
    all = [spawn('import os; os.write(1, b"x"); os.read(0, 1)', [(os.POSIX_SPAWN_DUP2, w, 1)]) for _ in range(samples)]
    for _ in all:
        os.read(r, 1)
    print('all wait', flush=True)
    os.read(0, 1)
    for pid in all:
        os.waitpid(pid, 0)
elif name.startswith('spawn_rate'):
    begin = time.perf_counter_ns()
    workers = os.cpu_count()
    for _ in range(workers):
        if os.fork() == 0:
            for _ in range(samples):
                run('pass')
            os._exit(0)
    for _ in range(workers):
        os.wait()
    print((time.perf_counter_ns() - begin) / samples / workers)
else:
    code = 'pass' if name.startswith('python_c_pass') else 'import json, re, http.client'
    for _ in range(samples):
        begin = time.perf_counter_ns()
        if run(code):
            sys.exit('it fails')
        print(time.perf_counter_ns() - begin)
