#!/bin/sh
# Compiles the recorder around the sources of a cron: build.sh cronie|cron SOURCES PROGRAM
set -eu
here=$(cd "$(dirname "$0")" && pwd)
wrapped="time sleep gmtime setenv env_get getpwnam access acquire_daemonlock set_cron_uid set_cron_cwd check_spool_dir log_it log_close syslog"
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

case $1 in
  cronie)
    files="src/cron.c src/entry.c src/env.c src/job.c src/misc.c src/pw_dup.c src/user.c cronie_common.c"
    flags="-DCRONIE -I$here/cronie -I$2/src -I$2"
    ;;
  cron)
    files="cron.c entry.c env.c job.c misc.c user.c compat.c"
    flags="-DPOSIX -DDEBUGGING=0 -I$2"
    ;;
esac

# Their C is of 1990, whatever the compiler's default is by now; its warnings are not ours to mend.
compile() { ${CC:-cc} -std=gnu11 -O2 -w $flags "$@"; }

for file in $files; do
  main=
  case $file in *cron.c) main=-Dmain=cron_main ;; esac
  compile $main -c "$2/$file" -o "$objects/$(basename "$file" .c).o"
done
compile -c "$here/recorder.c" -o "$objects/recorder.o"
${CC:-cc} $(for name in $wrapped; do echo "-Wl,--wrap=$name"; done) "$objects"/*.o -o "$3"
