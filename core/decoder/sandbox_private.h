/* Locking a decoder up. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Close every descriptor but fd, give signals their default actions back and start the watchdog
 * for the time until the job is known. Ends the process when something fails.
 */
void cf_sandbox_close(int fd);

/*
 * From here on the process can read and write fd, take memory and exit, nothing else: resource
 * limits, no_new_privs, seccomp. It is killed when it tries, after seconds of CPU time or
 * CF_DECODER_PATIENCE times as much wall time, and when it wants more than memory bytes beyond what
 * it has now. Ends the process when something fails.
 */
void cf_sandbox_lock(int fd, int seconds, size_t memory);

/* Whether that includes a filter of system calls: not under valgrind, which makes its own. */
bool cf_sandbox_filters(void);

/* Whether it includes a limit on memory: not under sanitizers and valgrind. */
bool cf_sandbox_limits_memory(void);
