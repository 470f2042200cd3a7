/*
 * Content that is taken line by line in write(2): `services`, `request.csr` and lists. Programs cut
 * their writes anywhere, so a line without its newline waits for the next write or for close(2).
 * But for `request.csr`, what looks like a whole one-line message, a handle's first and short write,
 * is taken at once, since a shell hears of write(2) alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/crypto/dn.h"
#include "core/tree/node_private.h"

#define ONE_MESSAGE 4096 /* bytes under which a first write is whole */

/* What a handle said about its request so far: owned copies. */
struct cf_lines {
	struct cf_assignment *items;
	size_t n;
};

void cf_lines_free(struct cf_lines *lines)
{
	if (!lines)
		return;
	for (size_t i = 0; i < lines->n; i++) {
		free((char *)lines->items[i].name);
		free((char *)lines->items[i].value);
	}
	free(lines->items);
	free(lines);
}

/*
 * Split what waits plus data into complete lines and a rest. force: the rest is a line too.
 * Only the text of complete lines is normalized: a CR may be the last byte of this write.
 */
static int split(const struct cf_open *open, struct cf_span data, bool force, struct cf_buf *lines,
		 struct cf_buf *rest, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf all = { 0 };
	const char *end;
	size_t n;
	int r = cf_buf_append(&all, open->in.data, open->in.len, err);

	if (r == 0)
		r = cf_buf_append(&all, data.data, data.len, err);
	if (r < 0)
		return r;
	if (all.len && memchr(all.data, '\0', all.len))
		return cf_fail(err, EINVAL, "%s takes text, and there is a NUL in it",
			       open->file->name);
	end = all.len ? memrchr(all.data, '\n', all.len) : NULL;
	n = end ? (size_t)(end - all.data) + 1 : 0;
	if (force)
		n = all.len;
	r = cf_text_normalize(cf_span(all.data, n), lines, err);
	return r < 0 ? r : cf_buf_append(rest, all.data ? all.data + n : "", all.len - n, err);
}

/* What has no newline yet waits in the handle. */
static void keep_rest(struct cf_open *open, struct cf_buf *rest)
{
	cf_buf_move(&open->in, rest);
	open->waiting = open->in.len != 0;
}

static bool is_whole_message(const struct cf_open *open, struct cf_span data)
{
	return !open->received && data.len < ONE_MESSAGE;
}

void cf_lines_forget(struct cf_open *open)
{
	cf_buf_reset(&open->in);
	open->waiting = false;
	cf_lines_free(open->lines);
	open->lines = NULL;
}

int cf_lines_append(struct cf_ctx *ctx, struct cf_open *open, struct cf_span data,
		    struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf lines = { 0 }, rest = { 0 };
	int r = split(open, data, is_whole_message(open, data), &lines, &rest, err);

	if (r == 0 && lines.len)
		r = open->file->append(ctx, open->id, lines.data, err);
	if (r == 0)
		keep_rest(open, &rest);
	return r;
}

static int remember(struct cf_lines *lines, const char *name, const char *value, struct cf_err *err)
{
	struct cf_assignment *more = realloc(lines->items, (lines->n + 1) * sizeof(*more));
	struct cf_assignment item;

	if (!more)
		return cf_fail_memory(err);
	lines->items = more;
	item.name = strdup(name);
	item.value = strdup(value);
	if (!item.name || !item.value) {
		free((char *)item.name);
		free((char *)item.value);
		return cf_fail_memory(err);
	}
	lines->items[lines->n++] = item;
	return 0;
}

/* `property = value`, or the name: bare, or as `subject = …`. *ret_last: it is the name. */
static int parse_line(struct cf_lines *lines, char *line, bool *ret_last, struct cf_err *err)
{
	size_t n = strcspn(line, "=");
	cf_auto(cf_free) char *word = strndup(line, n);
	const char *name = word ? cf_text_trim(word) : "";

	*ret_last = true;
	if (!word)
		return cf_fail_memory(err);
	if (!strncmp(line, "-----BEGIN ", 11))
		return cf_fail(err, EINVAL,
			       "a request is made here, with its key, and none is imported; write "
			       "the distinguished name it is to have");
	if (line[n] && cf_request_line_known(name)) {
		*ret_last = !strcasecmp(name, "subject");
		return remember(lines, name, cf_text_trim(line + n + 1), err);
	}
	if (line[n] && *name != '/' && !cf_dn_type_known(name))
		return cf_fail(err, EINVAL,
			       "'%s' is neither a property nor the beginning of a name; properties "
			       "are domains, key-type, exportable and friendly-name",
			       name);
	return remember(lines, "subject", cf_text_trim(line), err);
}

/* A line follows what was taken for the name: it may have been a property that there is not. */
static int fail_after_name(const struct cf_lines *lines, const char *line, struct cf_err *err)
{
	cf_auto(cf_dn_done) struct cf_dn dn = { 0 };
	const char *name = lines->items[lines->n - 1].value;
	int r = cf_dn_parse(name, &dn, err);

	if (r < 0)
		return cf_note(err, r, "'%s' is neither a property nor a name", name);
	return cf_fail(err, EINVAL, "'%s' comes after the name; the name is the last line", line);
}

/* Take the complete lines into a copy of what there is. *ret_last: the name came. */
static int parse(struct cf_lines *lines, char *text, bool *ret_last, struct cf_err *err)
{
	char *save = NULL;

	*ret_last = false;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int r;

		line = cf_text_trim(line);
		if (!*line)
			continue;
		if (*ret_last)
			return fail_after_name(lines, line, err);
		r = parse_line(lines, line, ret_last, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The one line that is the whole message; an empty one says something too. */
static int parse_one(struct cf_lines *lines, char *text, bool *ret_last, struct cf_err *err)
{
	size_t n = strcspn(text, "\n");

	if (text[n] && text[n + 1])
		return cf_fail(err, EINVAL, "it takes one line");
	text[n] = '\0';
	*ret_last = true;
	return remember(lines, "name", cf_text_trim(text), err);
}

static int copy(const struct cf_lines *from, struct cf_lines *to, struct cf_err *err)
{
	int r = 0;

	for (size_t i = 0; from && i < from->n && r == 0; i++)
		r = remember(to, from->items[i].name, from->items[i].value, err);
	return r;
}

CF_DEFINE_AUTO(struct cf_lines, cf_lines_free);

static int compose(struct cf_ctx *ctx, struct cf_open *open, struct cf_span data, bool force,
		   struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 }, rest = { 0 };
	cf_auto(cf_lines_free) struct cf_lines *lines = calloc(1, sizeof(*lines));
	bool last = false;
	int r;

	if (!lines)
		return cf_fail_memory(err);
	r = split(open, data, force, &text, &rest, err);
	if (r == 0 && open->finished && (text.len || rest.len))
		return cf_fail(err, EACCES, "%s is done; nothing can be added to it",
			       open->file->name);
	if (r == 0)
		r = copy(open->lines, lines, err);
	if (r == 0 && text.len)
		r = open->file->one_line ? parse_one(lines, text.data, &last, err)
					 : parse(lines, text.data, &last, err);
	if (r == 0 && last && strspn(cf_buf_text(&rest), " \t\r\n") != rest.len)
		r = open->file->one_line ? cf_fail(err, EINVAL, "it takes one line")
					 : fail_after_name(lines, rest.data, err);
	if (r == 0 && last)
		r = open->file->compose(ctx, open->id, lines->items, lines->n, err);
	if (r < 0)
		return r;
	open->finished |= last;
	cf_lines_free(open->lines);
	open->lines = cf_take(&lines);
	keep_rest(open, &rest);
	return 0;
}

int cf_lines_compose(struct cf_ctx *ctx, struct cf_open *open, struct cf_span data,
		     struct cf_err *err)
{
	return compose(ctx, open, data, false, err);
}

/* How much of a list is complete lines: half a name is none. */
static size_t complete(const struct cf_open *open, const struct cf_buf *whole,
		       struct cf_span written)
{
	const char *end = whole->len ? memrchr(whole->data, '\n', whole->len) : NULL;

	if (is_whole_message(open, written))
		return whole->len;
	return end ? (size_t)(end - whole->data) + 1 : 0;
}

static int set(struct cf_ctx *ctx, const struct cf_open *open, struct cf_span bytes,
	       struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf text = { 0 };
	int r = cf_text_normalize(bytes, &text, err);

	return r < 0 ? r : open->file->set(ctx, open->id, open->file, cf_buf_text(&text), err);
}

/* A value is set with everything the handle wrote so far; on failure the handle is as before. */
int cf_lines_set(struct cf_ctx *ctx, struct cf_open *open, uint64_t offset, struct cf_span data,
		 struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf whole = { 0 };
	size_t keep = open->file->add_to || offset >= open->in.len ? open->in.len : (size_t)offset;
	size_t n;
	int r = cf_buf_append(&whole, open->in.data, keep, err);

	if (r == 0)
		r = cf_buf_append(&whole, data.data, data.len, err);
	if (r < 0)
		return r;
	if (memchr(whole.data, '\0', whole.len))
		return cf_fail(err, EINVAL, "%s: a value has no NUL", open->file->name);
	n = open->file->add_to ? complete(open, &whole, data) : whole.len;
	if (n || !whole.len)
		r = set(ctx, open, cf_span(whole.data, n), err);
	if (r < 0)
		return r;
	open->waiting = n != whole.len;
	cf_buf_move(&open->in, &whole);
	return 0;
}

/* The last line of a list had no newline, and nothing more comes. */
static int flush_set(struct cf_ctx *ctx, struct cf_open *open, struct cf_err *err)
{
	int r = open->waiting ? set(ctx, open, cf_span_buf(&open->in), err) : 0;

	open->waiting = false; /* it is judged once */
	return r;
}

int cf_lines_flush(struct cf_ctx *ctx, struct cf_open *open, struct cf_err *err)
{
	cf_auto(cf_buf_done) struct cf_buf lines = { 0 }, rest = { 0 };
	int r;

	if (!open->in.len)
		return 0;
	if (open->file->set)
		return flush_set(ctx, open, err);
	if (open->file->compose)
		return compose(ctx, open, cf_span(NULL, 0), true, err);
	r = split(open, cf_span(NULL, 0), true, &lines, &rest, err);
	if (r == 0 && lines.len)
		r = open->file->append(ctx, open->id, lines.data, err);
	if (r == 0)
		keep_rest(open, &rest);
	return r;
}

int cf_lines_whole(struct cf_ctx *ctx, int64_t id, const struct cf_file *file, struct cf_span data,
		   struct cf_err *err)
{
	struct cf_open open = { .file = file, .id = id };
	int r = compose(ctx, &open, data, true, err);

	if (r == 0 && !open.finished)
		r = cf_fail(err, EINVAL, "%s has no line with the name", file->name);
	cf_lines_free(open.lines);
	cf_buf_done(&open.in);
	return r;
}
