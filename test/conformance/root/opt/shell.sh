#!/bin/sh
/bin/mark GOOD
