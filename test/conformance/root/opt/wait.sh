#!/bin/interp -w
mark GOOD
