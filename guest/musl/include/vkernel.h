#ifndef _VKERNEL_H
#define _VKERNEL_H

#ifdef __cplusplus
extern "C" {
#endif

/* Says that the program is ready to look at its arguments: what it has done so far it would do the same
 * way each time. Where its entry in the manifest allows it, execve of the program starts from here from
 * then on, with a copy of a process that has come here.
 *
 * Returns 0 in a process that has come here by itself, and changes nothing. Returns 1 in one that begins
 * here: *argc, *argv, *envp (each may be null) and environ are what execve was given. Whatever the
 * program has asked about itself before the call (environment, working directory, ids, descriptors,
 * time, random numbers, locale) it has to ask again. */
int vkernel_ready(int *argc, char ***argv, char ***envp);

#ifdef __cplusplus
}
#endif

#endif
