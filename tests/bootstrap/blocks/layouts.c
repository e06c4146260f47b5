/* What mingw-w64's DDK headers say of structures; LAYOUTS are numbers, each one more than asked. */
#include <intrin.h>
#include <ntdef.h>
#ifdef __aarch64__
/* The headers have no part for ARM64 and end in #error. Windows lays these structures out there as
   it does for x64, by the same declarations, so their 64-bit part for another machine is taken. */
#define _IA64_
#define _M_ARM
#endif
/* Both ntdef.h and ntifs.h define this structure. */
#define _REPARSE_DATA_BUFFER _NTIFS_REPARSE_DATA_BUFFER
#define REPARSE_DATA_BUFFER NTIFS_REPARSE_DATA_BUFFER
#define PREPARSE_DATA_BUFFER PNTIFS_REPARSE_DATA_BUFFER
#include <ntifs.h>

const unsigned layouts[] = {LAYOUTS};
