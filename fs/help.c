/* The text of --help. */
#include "fs/fs.h"

const char *cf_fs_options_help(void)
{
	return "usage: certfs [-f] [-d] [-o OPTION[,OPTION...]] STORE MOUNTPOINT\n"
	       "\n"
	       "Mounts the certificates in STORE, one SQLite database, at MOUNTPOINT. STORE is\n"
	       "created where it does not exist, and the key file with it.\n"
	       "\n"
	       "    -f                  stay in the foreground, log to standard error\n"
	       "    -d                  the same, and log each request\n"
	       "    -o key-file=FILE    unlock with the 32 bytes in FILE\n"
	       "    -o passphrase-fd=N  unlock with the passphrase read from descriptor N\n"
	       "    -o keyring=NAME     unlock with a key in the kernel's keyrings\n"
	       "    -o ca-file=FILE     trust anchors of the system, PEM\n"
	       "    -o keys             private.pem and combined.pem, with the key as it is\n"
	       "    -o ro               only read, also while another mount writes\n"
	       "    -o allow_other      let other users in, as far as modes let them\n"
	       "    -o uid=N,gid=N      who owns the files\n"
	       "    -o umask=OCTAL      permission bits to take away\n"
	       "    --help, --version\n"
	       "\n"
	       "Unmount with: fusermount3 -u MOUNTPOINT. The manual: certfs(1), certfs(5).\n";
}
