# ctypes calls functions, and makes functions that can be called, by machine code that it writes
# at run time. There is none in a container: what is executed is in the signed manifest.
raise ImportError(
    "ctypes is not there: it calls foreign functions by code made at run time, "
    "which no program can execute in this container (docs/python.md)",
    name="_ctypes",
)
