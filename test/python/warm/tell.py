"""Tells all that a program can find of how it was started."""
import sys
first = sorted(sys.modules)
keys = sorted(sys.path_importer_cache)
import os

def tell(what, value):
    print(f'{what}: {value!r}')

tell('argv', sys.argv)
tell('orig_argv', sys.orig_argv)
tell('flags', sys.flags)
tell('path', sys.path)
for name in ('executable', '_base_executable', 'prefix', 'exec_prefix', 'base_prefix', 'base_exec_prefix', 'platlibdir', 'pycache_prefix',
             'warnoptions', '_xoptions', 'dont_write_bytecode', '_stdlib_dir', '_framework', 'hexversion', '_git', 'byteorder',
             'copyright', 'float_info', 'hash_info', 'int_info', 'maxsize', 'maxunicode', 'version', 'platform', 'api_version', 'thread_info'):
    tell(name, getattr(sys, name))
for name in ('ps1', 'ps2', 'last_type', 'tracebacklimit', '__interactivehook__'):
    tell(name, hasattr(sys, name))
tell('sys', sorted(sys.__dict__))
tell('modules', first)
tell('importer cache', keys)
tell('meta_path', [str(f) for f in sys.meta_path])
tell('path_hooks', len(sys.path_hooks))
tell('builtins', sorted(__builtins__.__dict__ if hasattr(__builtins__, '__dict__') else __builtins__))
tell('builtin modules', sys.builtin_module_names)
tell('recursion', sys.getrecursionlimit())
tell('switch', sys.getswitchinterval())
tell('encodings', (sys.getdefaultencoding(), sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()))
tell('trace', (sys.gettrace(), sys.getprofile(), sys.breakpointhook is sys.__breakpointhook__, sys.excepthook is sys.__excepthook__,
               sys.displayhook is sys.__displayhook__, sys.unraisablehook is sys.__unraisablehook__))
tell('main', {k: type(v).__name__ if k in ('__loader__', '__builtins__', '__spec__') else v for k, v in globals().items()
              if k.startswith('__')})
tell('environ', list(os.environ.items()))
tell('environb', list(os.environb.items()))
tell('same', os.environb._data is os.environ._data)
os.environ['TELL'] = 'a'
with os.popen('echo $TELL') as f:
    tell('putenv', f.read())
try:
    tell('cwd', os.getcwd())
except OSError as e:
    tell('cwd', e)
tell('umask', os.umask(0o22))
tell('ids', (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups()))
tell('nice', os.nice(0))
tell('stdin is stdin', (sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__))
for name in ('stdin', 'stdout', 'stderr'):
    f = getattr(sys, name)
    if f is None:
        tell(name, f)
        continue
    tell(name, [f.name, f.mode, f.encoding, f.errors, f.newlines, f.line_buffering, f.write_through, f.closed, f.fileno(), f.isatty(),
                type(f).__name__, type(f.buffer).__name__, f.readable(), f.writable(), f.seekable()])
def descriptor(fd):
    try:
        st = os.fstat(fd)
        return fd, oct(st.st_mode), os.get_inheritable(fd)
    except OSError as e:
        return fd, e.errno
tell('descriptors', [descriptor(n) for n in range(12)])
import site
tell('site', (site.ENABLE_USER_SITE, site.USER_SITE, site.USER_BASE, site.PREFIXES))
import warnings
tell('filters', warnings.filters)
import signal
tell('signals', [(s, str(signal.getsignal(s))) for s in sorted(signal.valid_signals())])
tell('blocked', signal.pthread_sigmask(signal.SIG_BLOCK, []))
import threading
tell('threading', (threading.main_thread().ident == threading.get_ident(), threading.main_thread().native_id == threading.get_native_id() == os.getpid(),
                   threading.active_count(), threading.main_thread() is threading.current_thread(), threading.stack_size()))
import locale
tell('locale', (locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False), locale.getencoding()))
import time
tell('time', (time.tzname, time.timezone, time.altzone, time.daylight, time.localtime(86400)[:6]))
import resource
tell('limits', [(n, resource.getrlimit(getattr(resource, n))) for n in dir(resource) if n.startswith('RLIMIT_')])
import gc
tell('gc', (gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.callbacks, gc.garbage))
import faulthandler, tracemalloc
tell('debug', (faulthandler.is_enabled(), tracemalloc.is_tracing()))
import random
tell('random', random.random() != random.Random(0).random())
import json, asyncio, ssl, sqlite3, logging, tempfile, uuid, http.client, urllib.request, subprocess, decimal, collections.abc, importlib.util
tell('logging', 0 <= time.time() - logging._startTime < 5)
tell('decimal', decimal.getcontext())
tell('more modules', sorted(sys.modules))
tell('attributes', [(n, sorted(m.__dict__)) for n, m in sorted(sys.modules.items()) if hasattr(m, '__path__')])
tell('specs', [(n, str(getattr(m, '__spec__', None)), getattr(m, '__file__', None), getattr(m, '__cached__', None))
               for n, m in sorted(sys.modules.items()) if n != '__main__'])
tell('importer cache', sorted(sys.path_importer_cache))
