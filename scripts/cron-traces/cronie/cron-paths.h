/* Stands in for what make writes. Nothing of it is opened: the recorder hands over the crontab lines itself. */
#define SPOOL_DIR "/dev/null/spool"
#define CRON_HOSTNAME ".cron.hostname"
#define CRON_ALLOW "/dev/null/cron.allow"
#define CRON_DENY "/dev/null/cron.deny"
#define CRON_PID_DIR "/dev/null"
#define SYSCRONTAB "/dev/null/crontab"
#define SYS_CROND_DIR "/dev/null/cron.d"
#define SYSCONFDIR "/dev/null"
