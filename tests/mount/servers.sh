#!/bin/sh
# Servers: mkdir, rmdir and mv in the root, what names are allowed, and what a mount shows of
# itself (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start

long() { # COUNT: so many letters
	printf '%*s' "$1" '' | tr ' ' a
}

t 'root__holds_its_own_files_from_the_start'
expect 'dir,0755' stat mnt type,mode
expect 'file,0444' stat mnt/README.txt type,mode
expect 'file,0444' stat mnt/.xdg-volume-info type,mode
expect 'dir,0755' stat mnt/_trust type,mode
expect 'file,0400' stat mnt/_audit.log type,mode
expect 'file,0400' stat mnt/_errors type,mode
expect 'file,0600' stat mnt/_export.password type,mode
empty mnt/_export.password
true_that 'README.txt says how to begin' grep -q mkdir mnt/README.txt
expect '255' statvfs mnt namemax
expect 'rw,nosuid,nodev' statvfs mnt flags

t 'root__files_of_certfs_refuse_to_be_written_moved_and_removed'
snapshot
expect EACCES open mnt/README.txt O_WRONLY
expect EACCES open mnt/README.txt O_RDWR
expect EACCES open mnt/README.txt O_WRONLY,O_TRUNC
expect EACCES open mnt/_audit.log O_WRONLY,O_APPEND
expect EACCES open mnt/_errors O_WRONLY
expect 'EACCES|EPERM' truncate mnt/README.txt 0
expect EPERM unlink mnt/README.txt
expect EPERM unlink mnt/_audit.log
expect EPERM unlink mnt/_export.password
expect EPERM rename mnt/README.txt mnt/EX01
expect EPERM rename mnt/_trust mnt/EX01
expect EPERM rmdir mnt/_trust
expect ENOTDIR rmdir mnt/README.txt
expect EISDIR unlink mnt/_trust
expect EEXIST mkdir mnt/README.txt
expect EEXIST mkdir mnt/_trust
expect EEXIST mkdir mnt/_errors
unchanged

t 'mkdir__adds_a_server_and_moves_the_time_of_the_root'
before_mtime=$(value stat mnt mtime,ctime)
expect 0 mkdir mnt/EX01
expect 'dir,0755' stat mnt/EX01 type,mode
present mnt/EX01
present mnt/EX01/_services
differ 'mtime and ctime of the root moved' "$before_mtime" "$(value stat mnt mtime,ctime)"
expect '0 0' mkdir mnt/EX02.contoso.com : mkdir mnt/ex-3_a.b
expect 'file,0600' stat mnt/EX01/_export.password type,mode
empty mnt/EX01/_export.password
expect 'dir,0755' stat mnt/EX02.contoso.com/_services type,mode
listed mnt/EX02.contoso.com/_services ''

t 'mkdir__an_existing_name_is_EEXIST_also_in_another_case'
snapshot
expect EEXIST mkdir mnt/EX01
expect EEXIST mkdir mnt/ex01
expect EEXIST mkdir mnt/Ex01
expect EEXIST mkdir mnt/ex02.CONTOSO.com
expect EEXIST mkdir mnt/readme.TXT
sentence - ex01 EX01
expect ENOENT stat mnt/ex01 type
unchanged

t 'mkdir__names_of_letters_digits_dash_underscore_dot_are_servers'
for name in 0 a A 7seven a.b.c x_y x-y a- a_ "$(long 255)"; do
	expect '0 dir 0' mkdir "mnt/$name" : stat "mnt/$name" type : rmdir "mnt/$name"
done

t 'mkdir__any_other_name_is_refused_and_adds_nothing'
snapshot
for name in _foo _ __ .foo .Trash-0 ..foo; do
	expect EPERM mkdir "mnt/$name"
	sentence - "$name"
done
expect 'EPERM|EEXIST' mkdir mnt/_Trust
# shellcheck disable=SC2016 # a dollar sign is one of the letters tried
for name in -a 'a b' 'a:b' 'a*' 'a?' 'a"b' "a'b" 'a<b' 'a>b' 'a|b' 'a\b' 'a,b' 'a;b' 'a$b' 'a@b' '~a' 'a~' \
	"$(printf 'M\303\274nchen')" "$(printf 'a\001b')" "$(printf 'a\nb')" "$(printf 'a\033[1mb')" \
	"$(printf 'a\377b')"; do
	expect 'EINVAL|EPERM' mkdir "mnt/$name"
done
expect ENAMETOOLONG mkdir "mnt/$(long 256)"
expect ENAMETOOLONG mkdir "mnt/$(long 1000)"
sentence - 255
unchanged
true_that 'no control character reached _errors' sh -c '! tr -d "\n\t" <mnt/_errors | grep -q "[[:cntrl:]]"'
true_that 'nor the log' sh -c '! tr -d "\n\t" <log | grep -q "[[:cntrl:]]"'

t 'create__only_directories_are_made_in_the_root'
snapshot
expect EPERM open mnt/notes.txt O_WRONLY,O_CREAT
expect EPERM open mnt/EX09 O_WRONLY,O_CREAT,O_EXCL
expect EPERM open mnt/_new O_WRONLY,O_CREAT
expect EPERM symlink EX01 mnt/link
expect EPERM link mnt/README.txt mnt/copy
expect EPERM mknod mnt/fifo fifo
expect EPERM mknod mnt/device char
expect EPERM mknod mnt/socket socket
expect 'EOPNOTSUPP|EISDIR' open mnt O_WRONLY,O_TMPFILE
expect EPERM open mnt/EX01/notes.txt O_WRONLY,O_CREAT
expect EPERM symlink x mnt/EX01/link
expect EPERM mknod mnt/EX01/fifo fifo
expect EPERM mkdir mnt/_trust/x
expect EPERM mkdir mnt/EX01/_services/x
expect EPERM mkdir mnt/EX01/_new
expect EPERM open mnt/EX01/_services/x O_WRONLY,O_CREAT
expect EPERM symlink ../mail mnt/EX01/_services/SMTP
expect ENOENT mkdir mnt/nowhere/x
expect ENOTDIR mkdir mnt/README.txt/x
unchanged

t 'rmdir__removes_an_empty_server'
expect 0 mkdir mnt/gone
before_mtime=$(value stat mnt mtime)
expect 0 rmdir mnt/gone
absent mnt/gone
differ 'mtime of the root moved' "$before_mtime" "$(value stat mnt mtime)"
expect ENOENT rmdir mnt/gone
expect 'EINVAL' rmdir mnt/EX01/.
expect 'ENOTEMPTY' rmdir mnt/EX01/..

t 'rmdir__a_server_with_something_in_it_is_ENOTEMPTY_and_stays'
expect 0 mkdir mnt/EX01/mail
snapshot
expect ENOTEMPTY rmdir mnt/EX01
sentence - EX01
expect EPERM rmdir mnt/EX01/_services
expect EISDIR unlink mnt/EX01
fails ENOTEMPTY rmdir mnt/EX01
unchanged

t 'inode__of_a_removed_server_never_comes_back'
expect 0 mkdir mnt/again
ino=$(value stat mnt/again ino)
expect '0 0' rmdir mnt/again : mkdir mnt/again
differ 'a new inode' "$ino" "$(value stat mnt/again ino)"
expect 0 rmdir mnt/again

t 'mv__renames_a_server_with_everything_in_it'
expect 0 put mnt/EX01/mail/friendly-name 'Post office\n'
ino=$(value stat mnt/EX01 ino)
works mv mnt/EX01 mnt/EX05
absent mnt/EX01
present mnt/EX05/mail
is mnt/EX05/mail/friendly-name 'Post office'
equal 'the same inode' "$ino" "$(value stat mnt/EX05 ino)"
expect 0 rename mnt/EX05 mnt/EX01
expect 0 renameat2 mnt/EX01 mnt/EX06 NOREPLACE
expect 0 rename mnt/EX06 mnt/EX01

t 'mv__to_another_case_is_allowed'
expect 0 rename mnt/EX01 mnt/ex01
present mnt/ex01
absent mnt/EX01
expect EEXIST mkdir mnt/EX01
expect 0 rename mnt/ex01 mnt/EX01
present mnt/EX01/mail
expect 0 rename mnt/EX01 mnt/EX01

t 'mv__where_it_cannot_go_is_refused_and_moves_nothing'
expect 0 mkdir mnt/EX02.contoso.com/web
snapshot
expect 'EEXIST|ENOTEMPTY' rename mnt/EX01 mnt/EX02.contoso.com
expect EEXIST renameat2 mnt/EX01 mnt/EX02.contoso.com NOREPLACE
expect EEXIST rename mnt/EX01 mnt/ex02.contoso.com
expect 'EEXIST|EPERM' rename mnt/EX01 mnt/Readme.txt
expect EOPNOTSUPP renameat2 mnt/EX01 mnt/EX02.contoso.com EXCHANGE
sentence - EX01 EX02.contoso.com
expect EPERM rename mnt/EX01 mnt/_foo
expect EPERM rename mnt/EX01 mnt/.foo
expect EPERM rename mnt/EX01 'mnt/a b'
expect EPERM rename mnt/EX01 'mnt/a:b'
sentence - 'a:b'
expect ENAMETOOLONG rename mnt/EX01 "mnt/$(long 256)"
expect EPERM rename mnt/EX01 mnt/EX02.contoso.com/EX01
expect EPERM rename mnt/EX01 mnt/EX02.contoso.com/web/EX01
expect EPERM rename mnt/EX01 mnt/_trust/EX01
expect EPERM rename mnt/EX01 mnt/EX02.contoso.com/_services/EX01
expect EPERM rename mnt/EX01/_services mnt/EX01/services
expect EPERM rename mnt/EX01/_services mnt/EX02.contoso.com/_services2
expect ENOENT rename mnt/nowhere mnt/EX09
unchanged

t 'names__of_certificates_may_hold_blanks_and_letters_of_any_language'
for name in mail 'mail 2027' 'mail.contoso.com' 'a, b & c' "it's" '(x)' '=+!#$%^' '-a' "$(long 200)" \
	"$(printf 'M\303\274nchen \342\202\254')" "$(printf '\346\227\245\346\234\254')" 'console' 'COM' 'COM10' 'a~'; do
	[ -e "mnt/EX01/$name" ] || expect 0 mkdir "mnt/EX01/$name"
	is "mnt/EX01/$name/status" Draft
	present "mnt/EX01/$name"
	[ "$name" = mail ] || expect 0 rmdir "mnt/EX01/$name"
done

t 'names__of_certificates_that_windows_or_certfs_reserve_are_refused'
snapshot
for name in _mail .mail; do
	expect EPERM mkdir "mnt/EX01/$name"
done
for name in '~mail' 'mail ' 'mail.' 'a\b' 'a:b' 'a*' 'a?' 'a"b' 'a<b' 'a>b' 'a|b' \
	CON con Nul NUL.txt aux PRN COM1 com9.log LPT1 lpt9 \
	"$(printf 'a\nb')" "$(printf 'a\tb')" "$(printf 'a\177b')" "$(printf 'a\377b')" "$(printf 'a\303')" \
	"$(printf 'a\302\205b')" "$(printf 'a\355\240\200b')"; do
	expect 'EINVAL|EPERM' mkdir "mnt/EX01/$name"
done
expect 'ENAMETOOLONG|EINVAL' mkdir "mnt/EX01/$(long 201)"
sentence - 200
for name in '~mail' 'mail ' 'a:b' CON _mail .mail "$(printf 'a\nb')"; do
	expect EPERM rename mnt/EX01/mail "mnt/EX01/$name"
done
expect EEXIST mkdir mnt/EX01/mail
expect EEXIST mkdir mnt/EX01/MAIL
sentence - MAIL mail
unchanged

t 'mv__renames_a_draft_and_takes_it_to_another_server'
expect 0 rename mnt/EX01/mail mnt/EX01/MAIL
present mnt/EX01/MAIL
absent mnt/EX01/mail
expect 0 rename mnt/EX01/MAIL mnt/EX01/mail
ino=$(value stat mnt/EX01/mail ino)
works mv mnt/EX01/mail mnt/EX02.contoso.com/
absent mnt/EX01/mail
is mnt/EX02.contoso.com/mail/friendly-name 'Post office'
equal 'the same inode' "$ino" "$(value stat mnt/EX02.contoso.com/mail ino)"
works mv mnt/EX02.contoso.com/mail mnt/EX01/post
expect 0 rename mnt/EX01/post mnt/EX01/mail

t 'mv__of_a_draft_onto_or_into_another_is_refused'
expect 0 mkdir mnt/EX01/web
snapshot
expect 'EEXIST|ENOTEMPTY' rename mnt/EX01/mail mnt/EX01/web
expect EEXIST renameat2 mnt/EX01/mail mnt/EX01/web NOREPLACE
expect EEXIST rename mnt/EX01/mail mnt/EX01/WEB
expect EOPNOTSUPP renameat2 mnt/EX01/mail mnt/EX01/web EXCHANGE
expect EPERM rename mnt/EX01/mail mnt/EX01/web/mail
expect EPERM rename mnt/EX01/mail mnt/mail
expect EPERM rename mnt/EX01/mail mnt/EX01/_services/mail
expect EPERM rename mnt/EX01/mail/subject mnt/EX01/mail/x
expect EPERM mkdir mnt/EX01/mail/sub
fails EPERM mv mnt/EX01/mail mnt/EX01/web/
unchanged
expect 0 rmdir mnt/EX01/web

t 'xattr__is_not_supported_and_says_so'
expect EOPNOTSUPP getxattr mnt/EX01 user.x
expect EOPNOTSUPP setxattr mnt/EX01 user.x y
expect EOPNOTSUPP listxattr mnt/EX01
expect EOPNOTSUPP getxattr mnt/EX01/mail/subject user.note

t 'restart__keeps_names_inodes_and_times'
snapshot
restart
unchanged

finish
