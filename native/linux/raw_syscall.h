#pragma once

#include "linux/uapi.h"

// System calls without libc: no errno, no cancellation point, no state. For code that shares its memory with
// a suspended parent (CLONE_VM|CLONE_VFORK). A negative answer is -errno.
namespace sys {

#if defined(__x86_64__)

inline long raw_syscall(long nr, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  long result = 0;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  asm volatile("syscall"
               : "=a"(result)
               : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
               : "rcx", "r11", "memory");
  return result;
}

// clone3(2) with a stack of its own: the parent gets the answer, the child runs `entry(argument)`, which does
// not return.
inline long raw_clone3(clone_args* args, void (*entry)(void*), void* argument) {
  long result = 0;
  register void (*r8)(void*) asm("r8") = entry;
  register void* r9 asm("r9") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r9, %%rdi\n\t"
      "call *%%r8\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "0"(static_cast<long>(__NR_clone3)), "D"(args), "S"(sizeof(*args)), "r"(r8), "r"(r9)
      : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

inline long raw_syscall(long nr, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0) {
  register long x8 asm("x8") = nr;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  asm volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory", "cc");
  return x0;
}

inline long raw_clone3(clone_args* args, void (*entry)(void*), void* argument) {
  register long x8 asm("x8") = __NR_clone3;
  register long x0 asm("x0") = reinterpret_cast<long>(args);
  register long x1 asm("x1") = sizeof(*args);
  register void (*x2)(void*) asm("x2") = entry;
  register void* x3 asm("x3") = argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, x3\n\t"
      "blr x2\n\t"
      "brk #0\n"
      "1:"
      : "+r"(x0)
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3)
      : "memory", "cc");
  return x0;
}

#else
#error "sallyport-launcher: no system call sequence for this architecture"
#endif

template <typename T>
long raw(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

}  // namespace sys
