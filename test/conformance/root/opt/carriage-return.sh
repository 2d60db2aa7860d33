#!/bin/interp
mark GOOD
