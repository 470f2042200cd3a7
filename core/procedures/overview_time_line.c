/*
 * The time line of `_overview.html`: a column for each of the 24 months from that of the page's
 * last change, one for all before and one for all after, with a mark for each certificate.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/procedures/overview_private.h"

#define MONTHS 24
#define COLUMNS (MONTHS + 2) /* before and after them */
#define STACK_MAX 10         /* marks in a column; the rest is a number */
#define STACK_MIN 3

/* Lengths are in units of the viewBox, which is as wide as the page at its widest. */
#define WIDTH 960
#define LEFT 12
#define COLUMN 36
#define PITCH 15
#define MARK 5 /* half of a mark's size */
#define ABOVE 22
#define BELOW 44

struct column {
	size_t n;
	size_t drawn;
};

struct line {
	const struct cf_overview *o;
	int first; /* months since year 0 */
	struct column columns[COLUMNS];
	int height; /* of the tallest stack */
};

static int month_of(cf_time t)
{
	time_t seconds = (time_t)(t / CF_SECOND);
	struct tm tm = { 0 };

	gmtime_r(&seconds, &tm);
	return (tm.tm_year + 1900) * 12 + tm.tm_mon;
}

static bool is_on_it(const struct cf_shown_certificate *shown)
{
	return shown->row.state == CF_STATE_COMPLETE && !shown->replaced;
}

static int column_of(const struct line *line, const struct cf_shown_certificate *shown)
{
	int months = month_of(shown->row.not_after) - line->first;

	return months < 0 ? 0 : months >= MONTHS ? COLUMNS - 1 : months + 1;
}

static void count(struct line *line)
{
	size_t most = STACK_MIN;

	line->first = month_of(line->o->time);
	for (size_t i = 0; i < line->o->n_certificates; i++) {
		const struct cf_shown_certificate *shown = &line->o->certificates[i];
		struct column *column;

		if (!is_on_it(shown))
			continue;
		column = &line->columns[column_of(line, shown)];
		if (++column->n > most)
			most = column->n;
	}
	line->height = PITCH * (int)(most < STACK_MAX ? most : STACK_MAX);
}

/* -- drawing -------------------------------------------------------------------------------------- */

static int middle(int column)
{
	return LEFT + COLUMN * column + COLUMN / 2;
}

static int floor_of(const struct line *line)
{
	return ABOVE + line->height;
}

/* Each tone has a shape of its own, for those who see no colours, and for print. */
static int put_shape(enum cf_tone tone, int x, int y, struct cf_buf *out, struct cf_err *err)
{
	switch (tone) {
	case CF_TONE_BAD:
		return cf_buf_printf(out, err,
				     "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\">",
				     x - MARK, y - MARK, 2 * MARK, 2 * MARK);
	case CF_TONE_SOON:
		return cf_buf_printf(out, err, "<path d=\"M%d %dl%d %dl%d %dl%d %dz\">", x,
				     y - MARK - 1, MARK + 1, MARK + 1, -MARK - 1, MARK + 1,
				     -MARK - 1, -MARK - 1);
	default:
		return cf_buf_printf(out, err, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\">", x, y, MARK);
	}
}

static int put_mark(struct line *line, const struct cf_shown_certificate *shown, struct cf_buf *out,
		    struct cf_err *err)
{
	static const char *const ends[] = { "</rect>", "</path>", "</circle>", "</circle>" };
	int column = column_of(line, shown);
	struct column *c = &line->columns[column];
	const struct cf_server *server = cf_overview_server(line->o, &shown->row);
	char date[CF_TIME_TEXT_MAX];
	int y = floor_of(line) - PITCH * (int)c->drawn - PITCH / 2;
	int r;

	/* The topmost place is for how many more there are. */
	if (c->n > STACK_MAX && c->drawn == STACK_MAX - 1)
		return 0;
	c->drawn++;
	r = CF_HTML(out, err, "<g class=\"%s\">", cf_tone_class(shown->tone));
	if (r == 0)
		r = put_shape(shown->tone, middle(column), y, out, err);
	if (r == 0)
		r = CF_HTML(out, err, "<title>%s: %s on %s</title>",
			    cf_overview_date(shown->row.not_after, date), shown->row.name,
			    server->name);
	return r < 0 ? r : cf_buf_printf(out, err, "%s</g>\n", ends[shown->tone]);
}

static int put_more(const struct line *line, struct cf_buf *out, struct cf_err *err)
{
	int r = 0;

	for (int i = 0; i < COLUMNS && r == 0; i++)
		if (line->columns[i].n > STACK_MAX)
			r = cf_buf_printf(out, err, "<text x=\"%d\" y=\"%d\">+%zu</text>\n",
					  middle(i), floor_of(line) - PITCH * (STACK_MAX - 1) - 4,
					  line->columns[i].n - line->columns[i].drawn);
	return r;
}

static int put_month(const struct line *line, int i, struct cf_buf *out, struct cf_err *err)
{
	static const char letters[] = "JFMAMJJASOND";
	int month = line->first + i, y = floor_of(line);
	int r = 0;

	if (i % 2)
		r = cf_buf_printf(
			out, err,
			"<rect class=\"band\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
			middle(i + 1) - COLUMN / 2, ABOVE - 8, COLUMN, line->height + 8);
	if (r == 0)
		r = cf_buf_printf(out, err, "<text x=\"%d\" y=\"%d\">%c</text>\n", middle(i + 1),
				  y + 17, letters[month % 12]);
	/* The first month says its year too, but for December: the next one's stands beside it. */
	if (r == 0 && (month % 12 == 0 || (i == 0 && month % 12 != 11)))
		r = cf_buf_printf(out, err, "<text class=\"year\" x=\"%d\" y=\"%d\">%d</text>\n",
				  middle(i + 1), y + 34, month / 12);
	return r;
}

static int put_axis(const struct line *line, struct cf_buf *out, struct cf_err *err)
{
	int y = floor_of(line);
	int r = 0;

	for (int i = 0; i < MONTHS && r == 0; i++)
		r = put_month(line, i, out, err);
	if (r == 0)
		r = cf_buf_printf(out, err,
				  "<text x=\"%d\" y=\"%d\">before</text>\n"
				  "<text x=\"%d\" y=\"%d\">later</text>\n"
				  "<path class=\"axis\" d=\"M%d %dh%d\"/>\n",
				  middle(0), y + 17, middle(COLUMNS - 1), y + 17, LEFT, y,
				  COLUMN * COLUMNS);
	return r;
}

static int put_words(const struct line *line, struct cf_buf *out, struct cf_err *err)
{
	size_t within = 0;
	int last = line->first + MONTHS - 1;

	for (int i = 1; i <= MONTHS; i++)
		within += line->columns[i].n;
	return cf_buf_printf(
		out, err,
		"<title id=\"line-title\">When certificates expire</title>\n"
		"<desc id=\"line-desc\">%zu before %04d-%02d, %zu from then to %04d-%02d, "
		"%zu later. The tables below have each date.</desc>\n",
		line->columns[0].n, line->first / 12, line->first % 12 + 1, within, last / 12,
		last % 12 + 1, line->columns[COLUMNS - 1].n);
}

static const char legend[] =
	"</svg>\n</div>\n"
	"<ul class=\"legend\">\n"
	"<li class=\"bad\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">"
	"<rect x=\"1\" y=\"1\" width=\"10\" height=\"10\"/></svg> needs attention</li>\n"
	"<li class=\"soon\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">"
	"<path d=\"M6 0l6 6l-6 6l-6 -6z\"/></svg> about to expire</li>\n"
	"<li class=\"good\"><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">"
	"<circle cx=\"6\" cy=\"6\" r=\"5\"/></svg> valid</li>\n"
	"</ul>\n</section>\n";

int cf_overview_time_line(const struct cf_overview *o, struct cf_buf *out, struct cf_err *err)
{
	struct line line = { .o = o };
	int r;

	count(&line);
	r = cf_buf_printf(out, err,
			  "<section>\n<h2 id=\"line\">Expiry dates</h2>\n"
			  "<div class=\"scroll\" role=\"region\" aria-labelledby=\"line\" "
			  "tabindex=\"0\">\n"
			  "<svg class=\"line\" viewBox=\"0 0 %d %d\" role=\"img\" "
			  "aria-labelledby=\"line-title line-desc\">\n",
			  WIDTH, ABOVE + line.height + BELOW);
	if (r == 0)
		r = put_words(&line, out, err);
	if (r == 0)
		r = put_axis(&line, out, err);
	for (size_t i = 0; i < o->n_certificates && r == 0; i++)
		if (is_on_it(&o->certificates[i]))
			r = put_mark(&line, &o->certificates[i], out, err);
	if (r == 0)
		r = put_more(&line, out, err);
	return r < 0 ? r : cf_buf_puts(out, legend, err);
}
