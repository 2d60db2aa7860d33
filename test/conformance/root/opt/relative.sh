#!interp
mark GOOD
#
