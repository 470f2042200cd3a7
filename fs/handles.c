/*
 * The files that are open. They are kept in a list, because at the end of the mount some of them
 * may never get a RELEASE: their content, which can be a key, is wiped nevertheless.
 */
#include "fs/fs.h"

#include <stdlib.h>

int cf_fs_handle_new(struct cf_fs_call *call)
{
	struct cf_fs *fs = call->fs;
	struct cf_fs_handle *handle = calloc(1, sizeof(*handle));

	if (!handle)
		return cf_fail_memory(&call->err);
	if (call->hints.secret)
		cf_fs_caller_name(&call->ctx.caller);
	handle->open = call->open;
	handle->caller = call->ctx.caller;
	handle->groups = cf_take(&call->groups);
	handle->secret = call->hints.secret;
	handle->writes = call->op->changes;
	pthread_mutex_lock(&fs->handles_lock);
	LIST_INSERT_HEAD(&fs->handles, handle, links);
	pthread_mutex_unlock(&fs->handles_lock);
	call->handle = handle;
	return 0;
}

void cf_fs_handle_free(struct cf_fs *fs, struct cf_fs_handle *handle)
{
	if (!handle)
		return;
	pthread_mutex_lock(&fs->handles_lock);
	LIST_REMOVE(handle, links);
	pthread_mutex_unlock(&fs->handles_lock);
	if (handle->open)
		cf_tree_release(fs->tree, handle->open);
	free(handle->groups);
	free(handle);
}

void cf_fs_handles_close(struct cf_fs *fs)
{
	while (!LIST_EMPTY(&fs->handles))
		cf_fs_handle_free(fs, LIST_FIRST(&fs->handles));
}
