package session_test

// scripts are what a person does at a terminal, a step a line:
//
//	type KEYS    keys as in the table keys
//	prompt N     wait for the shell's N-th prompt
//	see TEXT     wait until TEXT is on the screen
//	twice TEXT   wait until TEXT is there two times: typed, and printed by a program
//	line TEXT    wait until the cursor stands behind TEXT, alone on its line
//	below TEXT   wait until the cursor stands at the start of the line below TEXT
//	size R C     drag the window to another size
//	pause        let a program get going
var scripts = []struct{ name, steps string }{
	{"line editing", `
prompt 1
type ecko hello<^A><right><right><bs><bs>ec<^E> world<enter>
prompt 2
type <up><left><left><bs>X<enter>
prompt 3
type echo one two three<^W>four<^A><^K>echo kept<enter>
prompt 4
type garbage<^U>echo clean<enter>
prompt 5
type cat /etc/host<tab>
line 5> cat /etc/host
type name<tab><enter>
prompt 6
type echo a long line that is longer than the window is wide, so that it has to be wrapped by the shell<left><left><bs>L<enter>
prompt 7
type <up><up><up><enter>
prompt 8
type exit 7<enter>
`},
	{"end of file", `
prompt 1
type partly typed<^D><^C>
prompt 2
type echo go; cat<enter>
below go
type echoed by the terminal<enter>
twice echoed by the terminal
type typo<bs><bs>ed<^U>killed line<enter>
twice killed line
type no newline<^D>
see no newlineno newline
type <^D>
line no newlineno newline3> 
type echo go; wc -l<enter>
below go
type one<enter>two<enter><^D>
prompt 4
type false<enter>
prompt 5
type <^D>
`},
	{"interrupt", `
prompt 1
type sh -c 'echo go; exec sleep 100'<enter>
below go
type <^C>
prompt 2
type echo $?<enter>
prompt 3
type awk 'BEGIN { print "busy"; fflush(); while (1); }'<enter>
below busy
type <^C>
prompt 4
type echo $?<enter>
prompt 5
type echo loop; while :; do :; done<enter>
below loop
type <^C>
prompt 6
type echo typed but not<^C>
prompt 7
type echo in; cat | sort | cat<enter>
below in
type some input<enter>
below some input
pause
type <^C>
prompt 8
type (trap 'echo caught; exit 3' INT; echo waits; while :; do sleep 0.1; done)<enter>
below waits
type <^C>
prompt 9
type echo $?<enter>
prompt 10
type trap 'echo shell caught' INT; sh -c 'echo go; exec sleep 100'<enter>
below go
type <^C>
prompt 11
type lua -e 'print "busy" while true do end'<enter>
below busy
pause
type <^C>
prompt 12
type exit<enter>
`},
	{"quit", `
prompt 1
type ulimit -c 0; awk 'BEGIN{print "go"; getline}'<enter>
below go
type <^\>
prompt 2
type echo $?; stty intr ^X; stty -a | grep -o 'intr = ..'<enter>
prompt 3
type awk 'BEGIN{print "go"; getline}'<enter>
below go
type <^C>
line ^C
type <^\>
prompt 4
type exit<enter>
`},
	{"job control", `
prompt 1
type sh -c 'echo go; exec sleep 100'<enter>
below go
type <^Z>
prompt 2
type jobs<enter>
prompt 3
type echo $?; fg<enter>
pause
type <^C>
prompt 4
type jobs; sleep 100 & echo $(($! > 1))<enter>
prompt 5
type echo go; cat<enter>
below go
type before<enter>
twice before
type <^Z>
prompt 6
type fg %cat<enter>
below cat
pause
type after<enter><^D>
prompt 7
type cat & sleep 1<enter>
prompt 8
type jobs<enter>
prompt 9
type fg<enter>
below cat
pause
type in front<enter><^D>
prompt 10
type sh -c 'echo go; exec sleep 100' | sleep 200<enter>
pause
type <^Z>
prompt 11
type bg; kill %1 %2; wait; echo done<enter>
prompt 12
type exit<enter>
`},
	{"window size", `
prompt 1
type stty size; trap 'echo resized' WINCH<enter>
prompt 2
size 30 100
pause
type <enter>
prompt 3
type stty size; echo $COLUMNS $LINES<enter>
prompt 4
type ls /src<enter>
prompt 5
size 24 60
pause
type clear; ls /src/coreutils | head -30 | xargs ls -d; stty size<enter>
see 24 60
type exit<enter>
`},
	{"raw reading", `
prompt 1
type stty -echo; echo go; read x; stty echo; echo "<$x>"<enter>
below go
type secret<enter>
see <secret>
prompt 2
type stty -icanon -echo min 1; echo go; dd bs=1 count=3 2>/dev/null | od -c; stty sane<enter>
below go
type a<tab>b
prompt 3
type echo go; read -s -n 1 k; echo "key $k"<enter>
below go
pause
type q
see key q
prompt 4
type stty -a<enter>
prompt 5
type stty raw; stty -a | sed 2q; stty sane; echo<enter>
prompt 6
type stty tostop -onlcr; stty sane; clear; test -t 0 && test -t 1 && echo terminal<enter>
prompt 7
type exit<enter>
`},
	// The escape key is a key of its own only if no other follows at once: the first
	// character of vi's last line tells whether it has taken effect.
	{"vi", `
prompt 1
type head -40 /src/README > /tmp/text; vi /tmp/text<enter>
see - /tmp/text 1/40
type jjdd/utilities<enter>cwUTILITIES
see I /tmp/text
type <esc>
see - /tmp/text
type Oa line above<enter>and another
see I /tmp/text
type <esc>
see - /tmp/text
type :1,3s/e/E/g<enter>
see PlEasE
type Gyy3pu
type gg5x:set number<enter>
type :w<enter>
see written
type :q<enter>
prompt 2
type clear; md5sum /tmp/text; head -12 /tmp/text; vi /tmp/new<enter>
see - /tmp/new
type inew file
see I /tmp/new
type <esc>
see - /tmp/new
type :wq<enter>
prompt 3
type clear; cat /tmp/new; vi /tmp/new<enter>
see - /tmp/new 1/1
type xxx:q!<enter>
prompt 4
type clear; vi /tmp/new<enter>
see - /tmp/new 1/1
type oabc
see I /tmp/new
type <esc>
see - /tmp/new
type <^Z>
prompt 5
type clear; jobs; fg<enter>
see - /tmp/new
type ZZ
prompt 6
type clear; cat /tmp/new; exit<enter>
`},
	{"less and more", `
prompt 1
type less /src/README<enter>
see copying
type <space>
see Using busybox:
type /Bernhard<enter>
type Gq
prompt 2
type clear; more /src/README<enter>
see More
type <space>
see Using busybox:
type q
prompt 3
type clear; seq 100 | less<enter>
see 23
type jjjq
prompt 4
type clear; exit<enter>
`},
}
