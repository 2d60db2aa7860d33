#!/bin/interp
mark GOOD
