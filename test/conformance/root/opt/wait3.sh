#!/bin/interp -w
