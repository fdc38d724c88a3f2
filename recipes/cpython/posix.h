/* Declares what wasi-libc lacks and guest/runtime has, before every file of CPython.
 *
 * Includes nothing: what a header declares depends on macros that pyconfig.h defines. So types
 * are those that stand behind wasi-libc's names. */
#ifndef WADUP_POSIX_H
#define WADUP_POSIX_H

struct sockaddr;

#ifdef __cplusplus
extern "C" {
#endif

/* unistd.h */
int dup(int);
int dup2(int, int);
int pipe(int[2]);
int pipe2(int[2], int);
unsigned getuid(void);
unsigned getgid(void);
unsigned getegid(void);

/* fcntl.h */
#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

/* sys/socket.h */
int socketpair(int, int, int, int[2]);
int getsockname(int, struct sockaddr *__restrict, unsigned *__restrict);
int getpeername(int, struct sockaddr *__restrict, unsigned *__restrict);
int setsockopt(int, int, int, const void *, unsigned);

/* sys/un.h: wasi-libc's structure has no room for a name. */
#define __wasilibc___struct_sockaddr_un_h
struct sockaddr_un {
    __attribute__((aligned(__BIGGEST_ALIGNMENT__))) unsigned short sun_family;
    char sun_path[108];
};

#ifdef __cplusplus
}
#endif

#endif
