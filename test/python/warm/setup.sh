# The folder that each command starts in.
cp /mnt/tell.py .
cp tell.py 'with space.py'
(echo '# first line'; cat tell.py) >x.py
mkdir pkg pkg/sub shadow app vdir
echo 'print("package", __name__)' >pkg/__init__.py
cp tell.py pkg/__main__.py
echo 'print("sub", __name__, __package__)' >pkg/sub/__init__.py
echo 'from . import sub; print("other", sub.__name__)' >pkg/other.py
for m in json random re threading string enum types; do echo "print('shadow $m', __file__); dumps = loads = random = compile = lambda *a: 'shadow'" >shadow/$m.py; done
echo 'import json, random; print(json.dumps(1), random.random)' >shadow/main.py
echo 'import sys; print(sys.argv, sys.path[0], __name__, __spec__)' >app/__main__.py
python3 -c 'import zipfile; z = zipfile.ZipFile("app.zip", "w"); z.write("app/__main__.py", "__main__.py"); z.writestr("json.py", "print(\"zip json\")")'
echo '1/0' >bad.py
echo 'def f(:' >syntax.py
printf 'raise SystemExit("\\u00e9nd")\n' >exit.py
printf 'print("h\303\251")\n' >utf8.py
printf '\377' >invalid.py
cat >finish.py <<'END'
import atexit, sys, weakref, threading, os
class D:
    def __init__(self, n): self.n = n
    def __del__(self): print('del', self.n)
a = D('module'); _b = D('underscore')
sys.mine = D('sys'); sys.path.append(D('path'))
import json; json.mine = D('json')
os.mine = D('os')
import builtins; builtins.mine = D('builtins')
cycle = D('cycle'); cycle.self = cycle
weakref.finalize(D, print, 'finalize')
atexit.register(print, 'atexit 1'); atexit.register(print, 'atexit 2')
threading.Thread(target=lambda: print('thread')).start()
print('end', end='')
END
chmod -R a+rX .
