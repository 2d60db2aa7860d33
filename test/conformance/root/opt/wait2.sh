#!/opt/wait.sh
