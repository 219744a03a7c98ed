/* Stands in for what ./configure writes: the answers for Linux that the linked files ask for, and no more. */
#define _GNU_SOURCE 1
#define DEBUGGING 1
#define HAVE_FLOCK 1
#define HAVE_LIMITS_H 1
#define HAVE_STRUCT_TM_TM_GMTOFF 1
#define PACKAGE_STRING "cronie"
#define PACKAGE_VERSION "recorded"
