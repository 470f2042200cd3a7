/* The program that users get: nothing that testing.c offers. */
#include "fs/fs.h"

const struct cf_admin_command cf_fs_testing_commands[] = {
	{ 0 },
};

int cf_fs_testing_start(struct cf_fs *fs, struct cf_err *err)
{
	(void)fs;
	(void)err;
	return 0;
}

void cf_fs_testing_stop(struct cf_fs *fs)
{
	(void)fs;
}

bool cf_fs_testing_fault(struct cf_fs *fs, const char *point)
{
	(void)fs;
	(void)point;
	return false;
}
