#!/bin/interp -x
mark GOOD
