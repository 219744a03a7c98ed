/*
 * The main loop of a real cron on a clock of ours. Linked are cron.c (its main renamed to cron_main), entry.c, env.c, job.c,
 * misc.c and user.c as they come; the linker's --wrap sends their calls of time, sleep and a few others here.
 *
 *   recorder zones LINES CRON ZONES FOLDER  what each line ran in the zones of this cron; one file of JSON for each zone
 *   recorder steps LINES CRON STEPS FOLDER  what each line ran while the wall clock was stepped; one file of JSON
 *
 * LINES is lines.txt or steps-lines.txt, ZONES zones.txt, STEPS steps.txt, and CRON is "cronie 1.7.2-4", say. README.md explains
 * the JSON.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#ifdef CRONIE
#include "config.h"
#include "funcs.h"
#include "globals.h"
#else
#include "cron.h"
#endif
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_LINES 400
#define MAX_WINDOWS 64
#define MAX_CHANGES 32
#define DAY 1440
#define AROUND (30 * 60)

int cron_main(int, char **);

/* A list of numbers, written as the first one and the gaps after it: `0,5*3` is 0,5,10,15; `0,(2,8)*2` is 0,2,10,12,20. */
struct list {
	long first, last, *gaps;
	size_t count, room;
	int any;
};

struct line {
	char *text;
	int accepted;
	uint32_t starts, hash;
	long last;
	struct list windows[MAX_WINDOWS];
	struct list mono, wall;
};

static struct line lines[MAX_LINES];
static int line_count, first_line, last_line;
static const char *name;

static void fail(const char *why, const char *what) {
	fprintf(stderr, "recorder: %s%s\n", why, what);
	_exit(1);
}

/* Lists */

static void add(struct list *list, long number) {
	if (!list->any) list->first = number;
	else {
		if (list->count == list->room) list->gaps = realloc(list->gaps, (list->room = 2 * list->room + 64) * sizeof(long));
		list->gaps[list->count++] = number - list->last;
	}
	list->any = 1;
	list->last = number;
}

/* How often the first `size` gaps come in a row. */
static size_t times(const long *gaps, size_t count, size_t size) {
	size_t end = size;
	while (end + size <= count && memcmp(gaps, gaps + end, size * sizeof(long)) == 0) end += size;
	return end / size;
}

static void print_gaps(const long *gaps, size_t count, size_t most, const char *before) {
	for (size_t at = 0; at < count;) {
		size_t size = 1, repeated = times(gaps + at, count - at, 1);
		for (size_t wider = 2; wider <= most && wider <= (count - at) / 2; wider++) {
			size_t again = times(gaps + at, count - at, wider);
			if (again > 1 && (again - 1) * wider > (repeated - 1) * size + wider) size = wider, repeated = again;
		}
		printf("%s", before);
		if (size == 1) printf("%ld", gaps[at]);
		else {
			printf("(");
			print_gaps(gaps + at, size, 1, "");
			printf(")");
		}
		if (repeated > 1) printf("*%zu", repeated);
		before = ",";
		at += size * repeated;
	}
}

static void print_list(const struct list *list) {
	printf("\"");
	if (list->any) printf("%ld", list->first);
	print_gaps(list->gaps, list->count, 120, ",");
	printf("\"");
}

/* The clock: `mono` are the seconds since the start, `wall` is what time() answers. */

#define MAX_STEPS 8

static time_t start, wall;
static long mono, ends;
static struct step { long at, by; } steps[MAX_STEPS];
static int step_count, stepping, calls_without_sleep;
static void (*finish)(void);

time_t __wrap_time(time_t *out) {
	if (++calls_without_sleep > 1000000) fail("cron does not sleep any more, in ", name);
	if (out != NULL) *out = wall;
	return wall;
}

/*
 * Ten seconds are the pause between the minutes that cron catches up. What one line has to catch up would delay the other
 * lines of the same crontab, so that the pause takes no time; where the clock is stepped, each line is alone, and it does.
 * No nap takes ten seconds there: it begins with the minute, or a second later.
 */
unsigned __wrap_sleep(unsigned seconds) {
	if (!stepping && seconds == 10) return 0;
	calls_without_sleep = 0;
	mono += seconds;
	wall = start + mono;
	for (int i = 0; i < step_count; i++) if (steps[i].at <= mono) wall += steps[i].by;
	if (mono >= ends) finish();
	return 0;
}

/* cron asks for the same minute once for each line: the answer is remembered, for speed alone. */
struct tm *__real_gmtime(const time_t *);
struct tm *__wrap_gmtime(const time_t *at) {
	static time_t known = -1;
	static struct tm answer;
	if (*at != known) answer = *__real_gmtime(at);
	known = *at;
	return &answer;
}

/* cronie asks each line for a zone of its own, which none has, and sets TZ again to what it is: for speed as well. */
int __real_setenv(const char *, const char *, int);
int __wrap_setenv(const char *key, const char *value, int replace) {
	static const char *last;
	if (value == last) return 0;
	last = value;
	return __real_setenv(key, value, replace);
}
char *__real_env_get(const char *, char **);
char *__wrap_env_get(const char *key, char **environment) {
	return strcmp(key, "CRON_TZ") == 0 ? NULL : __real_env_get(key, environment);
}

/* The system around cron: one user, no lock, no log, and a boot that is long over. */

static struct passwd somebody = { .pw_name = "root", .pw_passwd = "", .pw_gecos = "", .pw_dir = "/", .pw_shell = "/bin/sh" };
struct passwd *__wrap_getpwnam(const char *user) { return &somebody; }
int __wrap_access(const char *path, int mode) { return 0; }
void __wrap_acquire_daemonlock(int closing) {}
void __wrap_set_cron_uid(void) {}
void __wrap_set_cron_cwd(void) {}
void __wrap_check_spool_dir(void) {}
void __wrap_log_it() {}
void __wrap_log_close(void) {}
void __wrap_syslog(int priority, const char *format, ...) {}
void check_orphans(cron_db *db) {}

/* Every line is a crontab of its own, whose command is its number: a line that cron refuses takes no other one with it. */
static void load(cron_db *db) {
	static int loaded;
	if (loaded++) return;
	for (int i = first_line; i < last_line; i++) {
		FILE *file = tmpfile();
		if (file == NULL) fail("no temporary file for ", lines[i].text);
		fprintf(file, "%s %d\n", lines[i].text, i);
		fflush(file);
		int fd = dup(fileno(file));
		fclose(file);
		lseek(fd, 0, SEEK_SET);
		user *loaded = load_user(fd, &somebody, "root", "root", "root");
		if (loaded == NULL) continue;
		lines[i].accepted = loaded->crontab != NULL;
		loaded->next = NULL;
		loaded->prev = db->tail;
		if (db->tail == NULL) db->head = loaded;
		else db->tail->next = loaded;
		db->tail = loaded;
	}
}

#ifdef CRONIE
int load_database(cron_db *db) { load(db); return 0; }
#else
void load_database(cron_db *db) { load(db); }
#endif

static int run_cron(void) {
	char *arguments[] = { "cron", "-f", NULL };
	wall = start;
	return cron_main(2, arguments);
}

/* A zone */

static const char *zone;
static struct { long from, until; } windows[MAX_WINDOWS];
static int window_count, window;
static struct { long at, offset; } changes[MAX_CHANGES];
static int change_count;

static long minute_of(const char *date) {
	struct tm tm = { 0 };
	if (strptime(date, "%Y-%m-%d", &tm) == NULL) fail("no date: ", date);
	return timegm(&tm) / 60;
}

static long offset_at(long minute) {
	time_t at = minute * 60;
	return localtime(&at)->tm_gmtoff / 60;
}

static int by_start(const void *a, const void *b) {
	long left = *(const long *) a, right = *(const long *) b;
	return (left > right) - (left < right);
}

static void add_window(long from, long until, long first, long end) {
	if (window_count == MAX_WINDOWS) fail("too many windows in ", zone);
	windows[window_count].from = from < first ? first : from;
	windows[window_count++].until = until > end ? end : until;
}

/* The nights of change, and the days that were named; those that touch are one. */
static void find_windows(long first, long end, char **days) {
	for (long at = first + 1; at < end; at++) {
		if (offset_at(at) == offset_at(at - 1)) continue;
		if (change_count == MAX_CHANGES) fail("too many changes in ", zone);
		changes[change_count].at = at;
		changes[change_count++].offset = offset_at(at);
		add_window(at - AROUND, at + AROUND, first, end);
	}
	for (; *days != NULL; days++) add_window(minute_of(*days), minute_of(*days) + 2 * DAY, first, end);
	qsort(windows, window_count, sizeof windows[0], by_start);
	int kept = 0;
	for (int i = 1; i < window_count; i++) {
		if (windows[i].from > windows[kept].until) windows[++kept] = windows[i];
		else if (windows[i].until > windows[kept].until) windows[kept].until = windows[i].until;
	}
	if (window_count > 0) window_count = kept + 1;
}

static void run_in_zone(struct line *line) {
	long minute = wall / 60;
	while (window < window_count && minute >= windows[window].until) window++;
	if (window < window_count && minute >= windows[window].from) {
		add(&line->windows[window], minute - windows[window].from);
	}
	if (minute == line->last) return;
	line->last = minute;
	line->starts++;
	line->hash = (line->hash ^ (uint32_t) minute) * 16777619u;
}

static void finish_zone(void) {
	printf("{\n  \"cron\": \"%s\",\n  \"zone\": \"%s\",\n", name, zone);
	printf("  \"from\": %ld,\n  \"until\": %ld,\n  \"offset\": %ld,\n  \"changes\": [", start / 60, wall / 60,
		offset_at(start / 60));
	for (int i = 0; i < change_count; i++) printf("%s[%ld, %ld]", i ? ", " : "", changes[i].at, changes[i].offset);
	printf("],\n  \"windows\": [");
	for (int i = 0; i < window_count; i++) printf("%s[%ld, %ld]", i ? ", " : "", windows[i].from, windows[i].until);
	printf("],\n  \"lines\": {\n");
	for (int i = 0; i < line_count; i++) {
		struct line *line = &lines[i];
		printf("    \"%s\": ", line->text);
		if (line->accepted) {
			printf("[%u, %u", line->starts, line->hash);
			for (int w = 0; w < window_count; w++) printf(", "), print_list(&line->windows[w]);
			printf("]");
		} else printf("null");
		printf(i + 1 < line_count ? ",\n" : "\n");
	}
	printf("  }\n}\n");
	fflush(stdout);
	_exit(0);
}

static int record_zone(const char *first_date, const char *end_date, char **days) {
	setenv("TZ", zone, 1);
	tzset();
	long first = minute_of(first_date), end = minute_of(end_date);
	find_windows(first, end, days);
	start = first * 60;
	ends = (end - first) * 60;
	finish = finish_zone;
	last_line = line_count;
	for (int i = 0; i < line_count; i++) {
		lines[i].hash = 2166136261u;
		lines[i].last = -1;
	}
	return run_cron();
}

static void write_to(const char *folder, const char *file) {
	char path[4096];
	snprintf(path, sizeof path, "%s/%s.json", folder, file);
	for (char *at = path + strlen(folder) + 1; *at != '\0'; at++) if (*at == '/') *at = '-';
	if (freopen(path, "w", stdout) == NULL) fail("cannot write ", path);
}

/* A child that has ended must have ended well. */
static void await_child(void) {
	int status;
	if (wait(&status) < 0 || status != 0) fail("failed: ", name);
}

/* Zones that this cron stands for: CRON ZONE FROM UNTIL [DAY...]. As many at a time as there are processors. */
static int record_zones(const char *path, const char *folder) {
	FILE *file = fopen(path, "r");
	char text[1000], out[100], *words[20];
	long running = 0, most = sysconf(_SC_NPROCESSORS_ONLN);
	if (file == NULL) fail("cannot open ", path);
	while (fgets(text, sizeof text, file) != NULL) {
		int count = 0;
		for (char *word = strtok(text, " \n"); word != NULL && count < 19; word = strtok(NULL, " \n")) words[count++] = word;
		words[count] = NULL;
		if (count < 4 || *text == '#' || strncmp(name, words[0], strcspn(name, " ")) != 0 ||
			strlen(words[0]) != strcspn(name, " ")) continue;
		if (running == most) await_child(), running--;
		pid_t child = fork();
		if (child < 0) fail("cannot fork for ", words[1]);
		running++;
		if (child > 0) continue;
		zone = words[1];
		snprintf(out, sizeof out, "cron.%s", zone);
		write_to(folder, out);
		record_zone(words[2], words[3], words + 4);
		fail("cron returned, in ", zone);
	}
	while (running-- > 0) await_child();
	fclose(file);
	return 0;
}

/* Steps of the clock. Each line runs alone, in a process of its own, since the main loop keeps its state in statics. */

static void run_in_steps(struct line *line) {
	add(&line->mono, mono);
	add(&line->wall, wall - start);
}

static void finish_steps(void) {
	struct line *line = &lines[first_line];
	printf("[");
	print_list(&line->mono);
	printf(", ");
	print_list(&line->wall);
	printf("]");
	fflush(stdout);
	_exit(0);
}

/* A scenario: ZONE START HOURS [SECOND:STEP...] */
static int record_steps(const char *path, const char *folder) {
	FILE *file = fopen(path, "r");
	char text[1000], at[40], zone[40];
	int any = 0, read;
	if (file == NULL) fail("cannot open ", path);
	write_to(folder, "cron-steps");
	stepping = 1;
	finish = finish_steps;
	printf("{\n  \"cron\": \"%s\",\n  \"scenarios\": [\n", name);
	while (fgets(text, sizeof text, file) != NULL) {
		long hours;
		text[strcspn(text, "\n")] = '\0';
		if (*text == '#' || *text == '\0') continue;
		if (sscanf(text, "%39s %39s %ld%n", zone, at, &hours, &read) != 3) fail("no scenario: ", text);
		struct tm tm = { 0 };
		if (strptime(at, "%Y-%m-%dT%H:%M", &tm) == NULL) fail("no time: ", at);
		start = timegm(&tm);
		ends = hours * 3600;
		step_count = 0;
		for (char *rest = text + read; sscanf(rest, " %ld:%ld%n", &steps[step_count].at, &steps[step_count].by, &read) == 2;) {
			rest += read;
			if (++step_count == MAX_STEPS) fail("too many steps: ", text);
		}
		printf("%s    {\n      \"zone\": \"%s\",\n      \"start\": %ld,\n      \"seconds\": %ld,\n      \"steps\": [",
			any++ ? ",\n" : "", zone, (long) start, ends);
		for (int i = 0; i < step_count; i++) printf("%s[%ld, %ld]", i ? ", " : "", steps[i].at, steps[i].by);
		printf("],\n      \"lines\": {\n");
		for (int i = 0; i < line_count; i++) {
			printf("%s        \"%s\": ", i > 0 ? ",\n" : "", lines[i].text);
			fflush(stdout);
			pid_t child = fork();
			if (child == 0) {
				setenv("TZ", zone, 1);
				tzset();
				first_line = i;
				last_line = i + 1;
				run_cron();
				fail("cron returned, in ", text);
			}
			if (child < 0) fail("cannot fork for ", lines[i].text);
			await_child();
		}
		printf("\n      }\n    }");
	}
	printf("\n  ]\n}\n");
	fclose(file);
	return 0;
}

/* What cron would fork and execute. */
void do_command(entry *e, user *u) {
	struct line *line = &lines[atoi(e->cmd)];
	if (stepping) run_in_steps(line);
	else run_in_zone(line);
}

static void read_lines(const char *path) {
	char text[200];
	FILE *file = fopen(path, "r");
	if (file == NULL) fail("cannot open ", path);
	while (fgets(text, sizeof text, file) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		if (*text == '#' || *text == '\0') continue;
		if (line_count == MAX_LINES) fail("too many lines in ", path);
		lines[line_count++].text = strdup(text);
	}
	fclose(file);
}

int main(int count, char **arguments) {
	if (count != 6) fail("see the top of recorder.c", "");
	read_lines(arguments[2]);
	name = arguments[3];
	if (strcmp(arguments[1], "zones") == 0) return record_zones(arguments[4], arguments[5]);
	if (strcmp(arguments[1], "steps") == 0) return record_steps(arguments[4], arguments[5]);
	fail("neither zones nor steps: ", arguments[1]);
}
