#!/bin/interp
mark EVIL
