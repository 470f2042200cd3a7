/* Which trust anchors decoders inherit, and noticing that their file was replaced. */
#include "core/decoder/system.h"

#include <string.h>
#include <sys/stat.h>

#include "core/crypto/ossl.h"

/* Device, inode, size and time of change: cheaper than reading, and package managers rename. */
static void identify(const char *path, uint8_t id[CF_SYSTEM_ID_SIZE])
{
	uint64_t parts[CF_SYSTEM_ID_SIZE / sizeof(uint64_t)] = { 0 };
	struct stat st;

	if (path && stat(path, &st) == 0) {
		parts[0] = st.st_dev;
		parts[1] = st.st_ino;
		parts[2] = (uint64_t)st.st_size;
		parts[3] = (uint64_t)(st.st_mtim.tv_sec * CF_SECOND + st.st_mtim.tv_nsec);
	}
	memcpy(id, parts, CF_SYSTEM_ID_SIZE);
}

/* The identity is taken first: a file that changes meanwhile is loaded once more. */
static int load(struct cf_system *system, const uint8_t id[CF_SYSTEM_ID_SIZE], struct cf_err *err)
{
	struct cf_system_store *store = NULL;
	size_t n = 0;
	int r = cf_system_store_load(system->path, &store, &n, err);

	if (r < 0)
		return r;
	cf_system_store_free(system->store);
	system->store = store;
	system->n = n;
	memcpy(system->id, id, CF_SYSTEM_ID_SIZE);
	return 0;
}

int cf_system_open(struct cf_system *system, struct cf_err *err)
{
	uint8_t id[CF_SYSTEM_ID_SIZE];
	int r = cf_ossl_init(err);

	identify(system->path, id);
	return r < 0 ? r : load(system, id, err);
}

int cf_system_refresh(struct cf_system *system, struct cf_err *err)
{
	uint8_t id[CF_SYSTEM_ID_SIZE];
	int r;

	identify(system->path, id);
	if (memcmp(id, system->id, sizeof(id)) == 0)
		return 0;
	r = load(system, id, err);
	return r < 0 ? r : 1;
}

void cf_system_close(struct cf_system *system)
{
	cf_system_store_free(system->store);
	system->store = NULL;
}
