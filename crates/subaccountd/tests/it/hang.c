/* Loaded before the C library by the tests: calls that hang, as on a file system without its server.
 *
 * While the file $HANG_WHILE exists, these do not return: opening $HANG_PATH; reading the link
 * $HANG_LINK; every fsync and fdatasync when
 * $HANG_SYNC is set. $HANG_REACHED is made by the first of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void hang(void) {
    const char *flag = getenv("HANG_WHILE"), *reached = getenv("HANG_REACHED");
    if (!flag || access(flag, F_OK) != 0)
        return;
    if (reached)
        close(syscall(SYS_openat, AT_FDCWD, reached, O_CREAT | O_WRONLY, 0600));
    while (access(flag, F_OK) == 0)
        usleep(10000);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    const char *hangs = getenv("HANG_PATH");
    if (hangs && strcmp(path, hangs) == 0)
        hang();
    int (*next)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    return next(path, flags, mode);
}

ssize_t readlink(const char *path, char *target, size_t size) {
    const char *hangs = getenv("HANG_LINK");
    if (hangs && strcmp(path, hangs) == 0)
        hang();
    ssize_t (*next)(const char *, char *, size_t) = dlsym(RTLD_NEXT, "readlink");
    return next(path, target, size);
}

int fsync(int file) {
    if (getenv("HANG_SYNC"))
        hang();
    int (*next)(int) = dlsym(RTLD_NEXT, "fsync");
    return next(file);
}

int fdatasync(int file) {
    if (getenv("HANG_SYNC"))
        hang();
    int (*next)(int) = dlsym(RTLD_NEXT, "fdatasync");
    return next(file);
}

