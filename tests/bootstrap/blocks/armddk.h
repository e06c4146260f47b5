/* wdm.h includes this for ARM; only these two it cannot do without. */
typedef ULONG PFN_COUNT;
typedef ULONG_PTR PFN_NUMBER;
