#!/usr/bin/lua5.4
os.exit(42)
