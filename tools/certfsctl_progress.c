/* certfsctl(1) shows how far a long command has come, where somebody looks on. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/certfsctl.h"

#define AFTER_MS 1000 /* what takes less needs none */
#define EVERY_MS 250
#define WIDTH 78 /* of the narrowest terminal that it fits, less one */

void screen_start(struct screen *screen, const char *command, bool quiet)
{
	*screen = (struct screen){ .command = command, .on = !quiet && isatty(STDERR_FILENO) };
	cf_beat_due(&screen->beat, AFTER_MS, EVERY_MS);
}

void screen_text(struct screen *screen, const char *text)
{
	char line[WIDTH + 1];
	int n;

	if (!screen->on || !cf_beat_due(&screen->beat, AFTER_MS, EVERY_MS))
		return;
	n = snprintf(line, sizeof(line), "%s: %s", screen->command, text);
	n = n < WIDTH ? n : WIDTH;
	/* Blanks over what is left of a longer one; every terminal knows how to go back. */
	fprintf(stderr, "\r%s%*s\r", line, screen->width > n ? screen->width - n : 0, "");
	fflush(stderr);
	screen->width = n;
}

void screen_show(void *arg, const struct cf_progress *progress)
{
	char text[CF_PROGRESS_MAX];

	screen_text(arg, cf_progress_text(progress, text));
}

void screen_clear(struct screen *screen)
{
	if (screen->width)
		fprintf(stderr, "\r%*s\r", screen->width, "");
	fflush(stderr);
	screen->width = 0;
}

enum status complain_after(struct screen *screen, const char *text)
{
	screen_clear(screen);
	return complain(text, FAILED);
}
