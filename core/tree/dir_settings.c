/* _settings of the root and of a server: one value per file. */
#include "core/procedures/setting.h"
#include "core/tree/node_private.h"

static int load_root(struct cf_at *at, struct cf_err *err)
{
	(void)at;
	(void)err;
	return 0;
}

static int load_server(struct cf_at *at, struct cf_err *err)
{
	return cf_load_server(at->db, at->id, &at->server, err);
}

/* Nothing comes or goes here, so that the directory is as old as what it belongs to. */
static void attr_root(const struct cf_at *at, struct cf_attr *ret)
{
	cf_dir_root.attr(at, ret);
	ret->mtime = ret->ctime = cf_constant_time(at);
}

static void attr_server(const struct cf_at *at, struct cf_attr *ret)
{
	cf_dir_server.attr(at, ret);
	ret->mtime = ret->ctime = at->server.created;
}

static uint64_t parent(const struct cf_at *at)
{
	return at->id ? cf_ino(CF_KIND_SERVER, 0, at->id) : CF_TREE_ROOT;
}

static int load_settings(const struct cf_at *at, struct cf_settings *ret, struct cf_err *err)
{
	return cf_settings_load(at->db, at->id ? &at->server : NULL, ret, err);
}

static int read_setting(struct cf_at *at, struct cf_buf *out, struct cf_err *err)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	int r = load_settings(at, &settings, err);
	const char *value;

	if (r < 0)
		return r;
	value = cf_setting(&settings, cf_setting_find(at->file->name));
	return cf_buf_printf(out, err, at->file->add_to ? "%s" : "%s\n", value);
}

static cf_time setting_time(const struct cf_at *at)
{
	cf_auto(cf_settings_done) struct cf_settings settings = { 0 };
	cf_time time = at->id ? at->server.created : cf_constant_time(at);

	if (load_settings(at, &settings, NULL) < 0)
		return time;
	if (settings.time[cf_setting_find(at->file->name)])
		time = settings.time[cf_setting_find(at->file->name)];
	return time;
}

static int set_setting(struct cf_ctx *ctx, int64_t id, const struct cf_file *file, const char *text,
		       struct cf_err *err)
{
	return cf_setting_write(ctx, id, cf_setting_find(file->name), text, err);
}

#define SETTING(number, word)                                                                      \
	.row = (number), .name = (word), .mode = 0644,                                             \
	.depends = CF_WHAT_SETTINGS | CF_WHAT_ACCESS | CF_WHAT_NAME, .limit = CF_SETTING_MAX,      \
	.read = read_setting, .time = setting_time, .set = set_setting

static const struct cf_file root_files[] = {
	{ SETTING(1, "accepted-domains"), .add_to = true },
	{ SETTING(2, "expiring-days") },
	{ SETTING(3, "ready-keys") },
	{ 0 },
};

static const struct cf_file server_files[] = {
	{ SETTING(1, "fqdn") },
	{ SETTING(2, "version") },
	{ SETTING(3, "um-startup-mode") },
	{ SETTING(4, "umcallrouter-startup-mode") },
	{ SETTING(5, "key-type") },
	{ SETTING(6, "exportable-requests") },
	{ SETTING(7, "exportable-self-signed") },
	{ SETTING(8, "exportable-imports") },
	{ SETTING(9, "pfx-encryption") },
	{ SETTING(10, "pfx-iterations") },
	{ 0 },
};

const struct cf_dir cf_dir_root_settings = {
	.kind = CF_KIND_ROOT_SETTINGS,
	.what = "_settings",
	.files = root_files,
	.load = load_root,
	.attr = attr_root,
	.parent = parent,
	.stages = true,
};

const struct cf_dir cf_dir_server_settings = {
	.kind = CF_KIND_SERVER_SETTINGS,
	.what = "_settings",
	.files = server_files,
	.load = load_server,
	.attr = attr_server,
	.parent = parent,
	.stages = true,
};
