/* Counts the calls by which this process changes files below one folder, and at a chosen one kills it or fails.
 *
 * A seccomp filter makes the kernel hand these calls back as a signal (SIGSYS), whoever makes them: SQLite, Python, or
 * a library that does not go through libc. The handler counts, and makes the call itself from the one place that the
 * filter lets pass. The count is over all threads and all kinds of calls together, so that "the 17th" is one moment. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

long pass(long number, long a, long b, long c, long d, long e, long f);
extern const char passed[];  /* where the kernel sees such a call come from */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define ARGUMENT(context, n) ((context)->uc_mcontext.gregs[(int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9}[n]])
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
__asm__(".text\npass: mov %rdi, %rax\n mov %rsi, %rdi\n mov %rdx, %rsi\n mov %rcx, %rdx\n mov %r8, %r10\n mov %r9, %r8\n"
        " mov 8(%rsp), %r9\n syscall\npassed: ret\n");
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define ARGUMENT(context, n) ((long)(context)->uc_mcontext.regs[n])
#define RESULT(context) ((context)->uc_mcontext.regs[0])
__asm__(".text\npass: mov x8, x0\n mov x0, x1\n mov x1, x2\n mov x2, x3\n mov x3, x4\n mov x4, x5\n mov x5, x6\n svc #0\n"
        "passed: ret\n");
#else
#error "written for x86-64 and arm64"
#endif

enum { SYNC = 1, NAME = 2, SIZE = 4, WRITE = 8 };  /* kinds of calls, to be added up */

static const struct call { int number, kind, file, path; const char *name; } table[] = {
    /* `file` and `path`: which argument is a descriptor, or a path (relative to that); -1: none */
    {SYS_fsync, SYNC, 0, -1, "fsync"}, {SYS_fdatasync, SYNC, 0, -1, "fdatasync"},
    {SYS_ftruncate, SIZE, 0, -1, "ftruncate"},
    {SYS_renameat, NAME, 2, 3, "rename"}, {SYS_renameat2, NAME, 2, 3, "rename"},
    {SYS_linkat, NAME, 2, 3, "link"}, {SYS_unlinkat, NAME, 0, 1, "unlink"},
    {SYS_write, WRITE, 0, -1, "write"}, {SYS_writev, WRITE, 0, -1, "writev"},
    {SYS_pwrite64, WRITE, 0, -1, "pwrite64"}, {SYS_pwritev, WRITE, 0, -1, "pwritev"},
#ifdef SYS_rename
    {SYS_rename, NAME, -1, 1, "rename"}, {SYS_link, NAME, -1, 1, "link"}, {SYS_unlink, NAME, -1, 0, "unlink"},
#endif
};
enum { CALLS = sizeof table / sizeof *table };

static char folder[PATH_MAX];
static int kinds;         /* which are counted; 0: none */
static long first, last;  /* the calls that meet the fault, counted from 1 */
static int failure;       /* an errno; 0: the process is killed */
static int note = -1;     /* a descriptor that is told which call was the first to meet it */
static atomic_long calls, met;

static long location(const struct call *call, ucontext_t *context, char *into) {
    const char *path = call->path < 0 ? 0 : (const char *)ARGUMENT(context, call->path);
    if (path && path[0] == '/') return strlen(strncpy(into, path, PATH_MAX - 1));
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", call->file < 0 ? -1 : (int)ARGUMENT(context, call->file));
    long length = pass(SYS_readlinkat, -100, (long)link, (long)into, PATH_MAX - 1, 0, 0);
    into[length < 0 ? 0 : length] = 0;
    return length;
}

/* Whether this call is to fail; does not return when it is to be the last. */
static int fails(const struct call *call, ucontext_t *context) {
    char path[PATH_MAX] = "";
    size_t length = strlen(folder);
    if (!(kinds & call->kind) || location(call, context, path) <= 0) return 0;
    if (strncmp(path, folder, length) || (path[length] && path[length] != '/')) return 0;
    long number = atomic_fetch_add(&calls, 1) + 1;
    if (number < first || number > last) return 0;
    if (atomic_fetch_add(&met, 1) == 0 && note >= 0) {
        char line[PATH_MAX + 64];
        int size = snprintf(line, sizeof line, "%ld %s %s\n", number, call->name, path + length);
        pass(SYS_write, note, (long)line, size, 0, 0, 0);
    }
    if (!failure) pass(SYS_kill, getpid(), SIGKILL, 0, 0, 0, 0);
    return 1;
}

static void handle(int signal, siginfo_t *info, void *at) {
    (void)signal;
    ucontext_t *context = at;
    long result = -ENOSYS;
    for (const struct call *call = table; call < table + CALLS; call++)
        if (call->number == info->si_syscall) {
#define A(n) (long)ARGUMENT(context, n)
            result = fails(call, context) ? -failure : pass(call->number, A(0), A(1), A(2), A(3), A(4), A(5));
            break;
        }
    RESULT(context) = result;
}

static int filter(void) {
    uint64_t here = (uint64_t)passed;
    struct sock_filter code[CALLS + 8] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 0, CALLS + 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)here, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(here >> 32), CALLS + 1, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    };
    struct sock_filter *next = code + 7;
    for (int n = 0; n < CALLS; n++, next++)
        *next = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, table[n].number, CALLS - n, 0);
    *next = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_filter whole[CALLS + 9];
    memcpy(whole, code, sizeof code);
    whole[CALLS + 8] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    struct sock_fprog program = {CALLS + 9, whole};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Once in a process, before it has a second thread. Returns an errno. */
int torture_arm(const char *below, int of_kinds, long from, long to, int error, int note_to) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    strncpy(folder, below, sizeof folder - 1);
    first = from, last = to, failure = error, note = note_to, kinds = of_kinds;
    return sigaction(SIGSYS, &action, 0) || filter() ? errno : 0;
}

void torture_disarm(void) { kinds = 0; }
long torture_calls(void) { return atomic_load(&calls); }
long torture_met(void) { return atomic_load(&met); }
