#!/bin/sh
# POSIX: what every file system answers to odd paths, after the cases of pjdfstest that fit a tree
# like this one: mkdir 00-04, 06, 07, 10, 12; rmdir 00-04, 06, 07, 12, 15; open 01, 02, 04, 12, 13, 16, 21, 22;
# unlink 00-04, 07, 08, 13; rename 01-03, 11, 12, 18-20; chmod 00, 01-04, 10; chown 00-04, 10;
# truncate 01, 04, 09, 13; link and mkfifo as far as they are refused.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

name() { # LENGTH: a name of so many letters
	printf '%*s' "$1" '' | tr ' ' n
}
long=$(name 256)
path=mnt
while [ ${#path} -lt 4100 ]; do path=$path/.; done # longer than PATH_MAX

start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX01/mail
request mnt/EX01/pending pending.contoso.com

t 'mkdir__makes_a_directory_and_moves_the_times_of_its_parent'
expect 0 utimens mnt/EX01 1 1
before=$(value stat mnt/EX01 mtime)
expect 0 mkdir mnt/EX01/made
expect dir lstat mnt/EX01/made type
differ 'the mtime of the parent moves' "$before" "$(value stat mnt/EX01 mtime)"
expect '2|3|1' stat mnt/EX01/made nlink
expect 0 rmdir mnt/EX01/made
expect ENOENT lstat mnt/EX01/made type
expect ENOENT rmdir mnt/EX01/made

snapshot

t 'mkdir__a_component_that_is_no_directory_is_ENOTDIR'
expect ENOTDIR mkdir mnt/README.txt/x
expect ENOTDIR mkdir mnt/EX01/pending/status/x
t 'mkdir__a_name_over_255_bytes_is_ENAMETOOLONG'
expect ENAMETOOLONG mkdir "mnt/$long"
expect ENAMETOOLONG mkdir "mnt/EX01/$long"
expect ENAMETOOLONG mkdir "mnt/EX01/mail/$long"
expect ENAMETOOLONG mkdir "mnt/$long/x"
t 'mkdir__a_path_over_PATH_MAX_is_ENAMETOOLONG'
expect ENAMETOOLONG mkdir "$path/x"
t 'mkdir__a_prefix_that_is_missing_is_ENOENT'
expect ENOENT mkdir mnt/none/x
expect ENOENT mkdir mnt/EX01/none/x
t 'mkdir__what_exists_is_EEXIST'
expect 'EEXIST EEXIST EEXIST' mkdir mnt/EX01 : mkdir mnt/EX01/mail : mkdir mnt/README.txt
expect 'EEXIST EEXIST' mkdir mnt/EX01/. : mkdir mnt/EX01/..
t 'mkdir__a_bad_address_is_EFAULT'
expect EFAULT bad mkdir

t 'rmdir__a_component_that_is_no_directory_is_ENOTDIR'
expect ENOTDIR rmdir mnt/README.txt/x
expect ENOTDIR rmdir mnt/README.txt
expect ENOTDIR rmdir mnt/EX01/pending/status
t 'rmdir__too_long_is_ENAMETOOLONG'
expect ENAMETOOLONG rmdir "mnt/$long"
expect ENAMETOOLONG rmdir "$path/x"
t 'rmdir__a_directory_that_is_not_empty_is_ENOTEMPTY'
expect ENOTEMPTY rmdir mnt/EX01
t 'rmdir__dot_is_EINVAL_and_dot_dot_ENOTEMPTY'
expect EINVAL rmdir mnt/EX01/mail/.
expect ENOTEMPTY rmdir mnt/EX01/mail/..
t 'rmdir__a_mount_point_is_EBUSY'
expect EBUSY rmdir mnt
t 'rmdir__a_bad_address_is_EFAULT'
expect EFAULT bad rmdir

t 'open__a_component_that_is_no_directory_is_ENOTDIR'
expect ENOTDIR open mnt/README.txt/x O_RDONLY
expect ENOTDIR create mnt/README.txt/x O_WRONLY,O_CREAT 0644
expect ENOTDIR open mnt/README.txt O_RDONLY,O_DIRECTORY
t 'open__too_long_is_ENAMETOOLONG'
expect ENAMETOOLONG open "mnt/$long" O_RDONLY
expect ENAMETOOLONG create "mnt/EX01/$long" O_WRONLY,O_CREAT 0644
expect ENAMETOOLONG open "$path/x" O_RDONLY
t 'open__what_is_missing_is_ENOENT'
expect ENOENT open mnt/none O_RDONLY
expect ENOENT open mnt/none/none O_RDONLY
expect ENOENT create mnt/none/answer.cer O_WRONLY,O_CREAT 0644
t 'open__a_directory_for_writing_is_EISDIR'
for flags in O_WRONLY O_RDWR O_RDONLY,O_TRUNC O_WRONLY,O_TRUNC O_RDWR,O_TRUNC; do
	expect 'EISDIR EISDIR EISDIR' open mnt $flags : open mnt/EX01 $flags : open mnt/EX01/mail $flags
done
t 'open__a_symlink_with_O_NOFOLLOW_is_ELOOP'
expect EPERM symlink mail mnt/EX01/link
t 'open__exclusively_what_exists_is_EEXIST'
expect EEXIST create mnt/README.txt O_WRONLY,O_CREAT,O_EXCL 0644
expect EEXIST create mnt/EX01 O_WRONLY,O_CREAT,O_EXCL 0644
t 'open__a_bad_address_is_EFAULT'
expect EFAULT bad open

t 'unlink__paths_that_are_wrong'
expect ENOTDIR unlink mnt/README.txt/x
expect ENAMETOOLONG unlink "mnt/$long"
expect ENAMETOOLONG unlink "$path/x"
expect ENOENT unlink mnt/none
expect ENOENT unlink mnt/EX01/none
t 'unlink__a_directory_is_EISDIR_or_EPERM'
expect 'EISDIR|EPERM' unlink mnt/EX01
expect 'EISDIR|EPERM' unlink mnt/EX01/mail
expect 'EISDIR|EPERM' unlink mnt/_settings
t 'unlink__a_bad_address_is_EFAULT'
expect EFAULT bad unlink

t 'rename__paths_that_are_wrong'
expect ENAMETOOLONG rename mnt/EX01 "mnt/$long"
expect ENAMETOOLONG rename "mnt/$long" mnt/EX09
expect ENOENT rename mnt/none mnt/EX09
expect ENOENT rename mnt/EX01 mnt/none/EX09
expect ENOTDIR rename mnt/README.txt/x mnt/EX09
expect ENOTDIR rename mnt/EX01 mnt/README.txt/x
expect EINVAL rename mnt/EX01 mnt/EX01/inside
expect 'EINVAL|EBUSY' rename mnt/EX01/mail/. mnt/EX01/other
expect 'EINVAL|EBUSY' rename mnt/EX01/mail/.. mnt/EX01/other
t 'rename__onto_something_of_another_type'
expect 'ENOTDIR|EPERM' rename mnt/EX01/mail mnt/EX01/pending/status
expect 'EISDIR|EPERM' rename mnt/EX01/pending/status mnt/EX01/mail
t 'rename__onto_itself_does_nothing'
expect 0 rename mnt/EX01/mail mnt/EX01/mail
t 'rename__to_another_file_system_is_EXDEV'
expect EXDEV rename mnt/EX01/mail outside

t 'chmod__paths_that_are_wrong'
expect ENOTDIR chmod mnt/README.txt/x 0700
expect ENAMETOOLONG chmod "mnt/$long" 0700
expect ENAMETOOLONG chmod "$path/x" 0700
expect ENOENT chmod mnt/none 0700
expect EFAULT bad chmod
t 'chown__paths_that_are_wrong'
expect ENOTDIR chown mnt/README.txt/x 0 0
expect ENAMETOOLONG chown "mnt/$long" 0 0
expect ENAMETOOLONG chown "$path/x" 0 0
expect ENOENT chown mnt/none 0 0
expect EFAULT bad chown

t 'truncate__paths_and_sizes_that_are_wrong'
expect ENOTDIR truncate mnt/README.txt/x 0
expect ENOENT truncate mnt/none 0
expect EISDIR truncate mnt/EX01 0
expect EINVAL truncate mnt/EX01/mail/domains -1
expect EACCES truncate mnt/EX01/pending/status 0
t 'link__and_special_files_are_EPERM'
expect EPERM link mnt/README.txt mnt/other
expect EPERM link mnt/EX01/pending/status mnt/EX01/pending/other
expect 'EPERM EPERM EPERM' mknod mnt/x fifo : mknod mnt/EX01/x socket : mknod mnt/EX01/mail/x file

unchanged

t 'chmod__moves_ctime_and_not_mtime'
mtime=$(value stat mnt/EX01/mail mtime)
ctime=$(value stat mnt/EX01/mail ctime)
expect 0 chmod mnt/EX01/mail 0750
expect 0750 stat mnt/EX01/mail mode
equal 'mtime stays' "$mtime" "$(value stat mnt/EX01/mail mtime)"
differ 'ctime moves' "$ctime" "$(value stat mnt/EX01/mail ctime)"
if [ "$(id -u)" = 0 ]; then
	t 'chown__moves_ctime_and_not_mtime'
	ctime=$(value stat mnt/EX01/mail ctime)
	expect 0 chown mnt/EX01/mail 65534 65534
	expect 65534,65534 stat mnt/EX01/mail uid,gid
	equal 'mtime stays' "$mtime" "$(value stat mnt/EX01/mail mtime)"
	differ 'ctime moves' "$ctime" "$(value stat mnt/EX01/mail ctime)"
fi

t 'rmdir__moves_the_times_of_its_parent'
expect 0 utimens mnt/EX01 1 1
before=$(value stat mnt/EX01 mtime)
expect 0 rmdir mnt/EX01/mail
differ 'the mtime of the parent moves' "$before" "$(value stat mnt/EX01 mtime)"

finish
