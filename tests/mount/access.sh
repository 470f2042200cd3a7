#!/bin/sh
# Who may do what with allow_other: five users and root, seven certificates in seven servers of
# different owners and modes, and each kind of operation; what is expected follows from three
# tables. Then what chown, chgrp and chmod of directories mean (certfs(5), Access).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip 'only root can act for other users'
chmod 711 . # the users reach `mnt` through it
common=allow_other,uid=2001,gid=3001,keys

# ---- the tables ----

# Who acts: NAME UID GID SUPPLEMENTARY-GROUPS. 3002 is the group that is given things.
users='owner 2001 3999 3001
member 2002 3999 3000,3002
primary 2003 3002 3002
stranger 2004 3998 3998
holder 2005 3997 3997
root 0 0 0'

# What there is: SERVER OWNER GROUP MODE, CERTIFICATE OWNER GROUP MODE. A certificate for which
# nothing is set has what its server has, and that what the mount has.
set_for_servers='EX01 - - -
EX02 - 3002 775
EX03 2005 3002 750
EX04 - - 700
EX07 - 3002 2770'
set_for_certificates='EX05/mail 2005 3002 770
EX06/mail - 3002 -'
effective='EX01 2001 3001 755 mail 2001 3001 755
EX02 2001 3002 775 mail 2001 3002 775
EX03 2005 3002 750 mail 2005 3002 750
EX04 2001 3001 700 mail 2001 3001 700
EX05 2001 3001 755 mail 2005 3002 770
EX06 2001 3001 755 mail 2001 3002 755
EX07 2001 3002 770 mail 2001 3002 770'

# What is done: PLACE FILE-MODE NEEDED RESULT RESULT-OTHERWISE CALL. PLACE is C for a certificate's
# directory, c for what is below it, S and s for its server, l for what is reached by a link of the
# server to the certificate; FILE-MODE is that of the file, which counts, or `-` when the
# directory itself does; NEEDED are bits of rwx, or `-` for nothing but the way there. `=` is the
# directory. RESULT also holds for root; RESULT-OTHERWISE for who gets there and may not.
operations='c - - file - stat =/status type
C - r 0 EACCES open = O_RDONLY,O_DIRECTORY
c 444 r 0 EACCES open =/status O_RDONLY
c 444 w EACCES EACCES open =/status O_WRONLY
c 444 r 0 EACCES open =/certificate.pem O_RDONLY
c 644 r 0 EACCES open =/friendly-name O_RDONLY
c 644 w 0 EACCES open =/friendly-name O_WRONLY
c 444 w EACCES EACCES open =/subject O_WRONLY
c 644 w 0 EACCES open =/services O_WRONLY,O_APPEND
c 644 w EPERM EACCES open =/services O_WRONLY
c 644 w EPERM EACCES open =/services O_WRONLY,O_TRUNC
c 600 r 0 EACCES open =/export.password O_RDONLY
c 600 w 0 EACCES open =/export.password O_WRONLY
c 600 w 0 EACCES open =/renew O_WRONLY
c 400 r 0 EACCES open =/export.pfx O_RDONLY
c 400 w EACCES EACCES open =/export.pfx O_WRONLY
c 400 r 0 EACCES open =/private.pem O_RDONLY
c 400 r 0 EACCES open =/combined.pem O_RDONLY
c - wx EPERM EACCES mkdir =/x
c - wx EPERM EACCES open =/x.txt O_WRONLY,O_CREAT
c - wx EPERM EACCES unlink =/status
c - wx EPERM EACCES symlink x =/x
S - r 0 EACCES open = O_RDONLY,O_DIRECTORY
s - wx 0 EACCES mkdir =/new
s - wx 0 ENOENT rename =/new =/newer
s - wx 0 ENOENT rmdir =/newer
s - wx EPERM EACCES open =/x.txt O_WRONLY,O_CREAT
s - wx EPERM EACCES mkdir =/_new
s 600 r 0 EACCES open =/_export.password O_RDONLY
s 600 w 0 EACCES open =/_export.password O_WRONLY
s 600 w 0 EACCES open =/_import.password O_WRONLY
s 644 r 0 EACCES open =/_settings/fqdn O_RDONLY
s 644 w 0 EACCES open =/_settings/fqdn O_WRONLY
s - - ../mail - readlink =/_services/SMTP
l - - file - stat =/_services/SMTP/status type'

# The same of the root, which belongs to 2001:3001 with 755: FILE-MODE NEEDED RESULT OTHERWISE CALL.
root_operations='- r 0 EACCES open mnt O_RDONLY,O_DIRECTORY
- wx 0 EACCES mkdir mnt/EX09
- wx 0 ENOENT rename mnt/EX09 mnt/EX10
- wx 0 ENOENT rmdir mnt/EX10
- wx EPERM EACCES open mnt/x.txt O_WRONLY,O_CREAT
444 r 0 EACCES open mnt/README.txt O_RDONLY
400 r 0 EACCES open mnt/_audit.log O_RDONLY
400 r 0 EACCES open mnt/_errors O_RDONLY
600 r 0 EACCES open mnt/_export.password O_RDONLY
600 w 0 EACCES open mnt/_export.password O_WRONLY
600 w 0 EACCES open mnt/_import.password O_WRONLY
644 r 0 EACCES open mnt/_settings/accepted-domains O_RDONLY
644 w 0 EACCES open mnt/_settings/accepted-domains O_WRONLY
444 w EACCES EACCES open mnt/README.txt O_WRONLY
700 r 0 EACCES open mnt/_by-thumbprint O_RDONLY,O_DIRECTORY
700 r 0 EACCES open mnt/_by-domain O_RDONLY,O_DIRECTORY
400 r 0 EACCES open mnt/_notifications O_RDONLY
400 r 0 EACCES open mnt/_overview.html O_RDONLY'

# ---- from the tables to expectations ----

# may: awk's part. Results for one user and one place, one word each, or the calls.
model='
function octal(text, i, n) { n = 0; for (i = 1; i <= length(text); i++) n = n * 8 + substr(text, i, 1); return n }
function bit(mode, k, which) { return int(mode / (which * (k == "u" ? 64 : k == "g" ? 8 : 1))) % 2 }
function less(mode, mask, n, w) { n = 0; for (w = 1; w <= 256; w *= 2) if (int(mode / w) % 2 && !(int(mask / w) % 2)) n += w; return n }
function class(o, g, n, i, list) {
	if (uid == o) return "u"
	if (gid == g) return "g"
	n = split(groups, list, ",")
	for (i = 1; i <= n; i++) if (list[i] == g) return "g"
	return "o"
}
function may(mode, k, need, i, c) {
	if (uid == 0) return 1
	for (i = 1; i <= length(need); i++) {
		c = substr(need, i, 1)
		if (!bit(mode, k, c == "r" ? 4 : c == "w" ? 2 : 1)) return 0
	}
	return 1
}
# A file has the mode of its row; where its directory lets the group write, the group has what the owner has.
function of_file(mode, directory, w) {
	if (bit(directory, "g", 2))
		for (w = 1; w <= 4; w *= 2)
			if (bit(mode, "u", w) && !bit(mode, "g", w)) mode += w * 8
	return mode
}
'

# results USER-LINE PLACE-LINE UMASK: what each operation is to yield there.
results() {
	printf '%s\n' "$operations" | awk -v user="$1" -v place="$2" -v umask="$3" "$model"'
	BEGIN {
		split(user, u, " "); uid = u[2]; gid = u[3]; groups = u[4]
		split(place, p, " ")
		mask = octal(umask)
		sraw = octal(p[4]); smode = less(sraw, mask); sclass = class(p[2], p[3])
		craw = octal(p[8]); cmode = less(craw, mask); cclass = class(p[6], p[7])
	}
	{
		reach = may(less(octal("755"), mask), class(2001, 3001), "x")
		if (reach && $1 ~ /[Ccsl]/) reach = may(smode, sclass, "x")
		if (reach && $1 ~ /[cl]/) reach = may(cmode, cclass, "x")
		if ($1 ~ /[Cc]/) { raw = craw; mode = cmode; k = cclass } else { raw = sraw; mode = smode; k = sclass }
		if (!reach) result = "EACCES"
		else if ($3 == "-") result = $4
		else if ($2 != "-") result = may(less(of_file(octal($2), raw), mask), k, $3) ? $4 : $5
		else result = may(mode, k, $3) ? $4 : $5
		printf "%s%s", (NR > 1 ? " " : ""), result
	}'
}

root_results() { # USER-LINE UMASK
	printf '%s\n' "$root_operations" | awk -v user="$1" -v umask="$2" "$model"'
	BEGIN {
		split(user, u, " "); uid = u[2]; gid = u[3]; groups = u[4]
		mask = octal(umask); mode = less(octal("755"), mask); cl = class(2001, 3001)
	}
	{
		if (($1 != "-" || $2 ~ /x/) && !may(mode, cl, "x")) result = "EACCES"
		else result = may($1 == "-" ? mode : less(octal($1), mask), cl, $2) ? $3 : $4
		printf "%s%s", (NR > 1 ? " " : ""), result
	}'
}

# calls PLACE-LINE: the operations as one line for sys; the path of the place is put in.
calls() {
	printf '%s\n' "$operations" | awk -v place="$1" '
	BEGIN { split(place, p, " ") }
	{
		at = $1 ~ /[Cc]/ ? "mnt/" p[1] "/" p[5] : "mnt/" p[1]
		$1 = $2 = $3 = $4 = $5 = ""
		sub(/^ +/, "")
		gsub(/=/, at)
		printf "%s%s", (NR > 1 ? " : " : ""), $0
	}'
}

as() { # USER-LINE: the first call of a line for sys
	# shellcheck disable=SC2086 # the fields
	set -- $1
	printf 'as_in %s %s %s\n' "$2" "$3" "$4"
}

# Where the two lists differ: CALL wanted RESULT got RESULT, a line each; then how many agree.
compared() { # WANTED GOT CALLS
	awk -v wanted="$1" -v got="$2" -v calls="$3" 'BEGIN {
		n = split(wanted, w, " "); m = split(got, g, " "); split(calls, c, / : /)
		for (i = 1; i <= n || i <= m; i++)
			if (w[i] == g[i]) agree++
			else printf "%s: wanted %s, got %s\n", c[i], w[i], g[i]
		print agree + 0 " agree"
	}'
}

# agree CLAIM WANTED USER-LINE CALLS
agree() {
	# shellcheck disable=SC2046,SC2086 # words of calls
	_got=$(value $(as "$3") : $4 2>&1)
	_calls=$(($(printf '%s\n' "$4" | grep -o ' : ' | wc -l) + 2))
	_checked=$((_checked + _calls))
	equal "$1" "$_calls agree" "$(compared "0 $2" "$_got" "as_in : $4")"
}

matrix() { # UMASK
	_checked=0
	while read -r user; do
		while read -r place; do
			agree "${user%% *} in ${place%% *}/mail" "$(results "$user" "$place" "$1")" "$user" "$(calls "$place")"
		done <<-END
			$effective
		END
		agree "${user%% *} in the root" "$(root_results "$user" "$1")" "$user" \
			"$(printf '%s\n' "$root_operations" | cut -d' ' -f5- | paste -sd: | sed 's/:/ : /g')"
	done <<-END
		$users
	END
	note "$_checked results of system calls"
}

modes() { # UMASK: stat says what the table says
	while read -r server owner owners mode name cowner cgroup cmode; do
		expect "dir,$(masked "$mode" "$1"),$owner,$owners dir,$(masked "$cmode" "$1"),$cowner,$cgroup" \
			stat "mnt/$server" type,mode,uid,gid : stat "mnt/$server/$name" type,mode,uid,gid
	done <<-END
		$effective
	END
}

masked() { # MODE UMASK
	printf '%04o\n' $((0$1 & ~0$2))
}

# ---- the matrix ----

start $common
ca root
for server in 1 2 3 4 5 6 7; do
	expect 0 mkdir mnt/EX0$server
	valid mnt/EX0$server/mail mail$server.contoso.com
	works sh -c "echo SMTP >> mnt/EX0$server/mail/services"
done
expect 0 put mnt/_export.password 'P@ssw0rd1\n'

t 'chown_chgrp_and_chmod_of_directories__are_kept'
give() { # a line of the first two tables
	# shellcheck disable=SC2086 # the fields
	set -- $1
	[ "$2$3" = -- ] || expect 0 chown "mnt/$1" "$(echo "$2" | sed 's/^-$/-1/')" "$(echo "$3" | sed 's/^-$/-1/')"
	[ "$4" = - ] || expect 0 chmod "mnt/$1" "$4"
}
while read -r line; do give "$line"; done <<END
$set_for_servers
$set_for_certificates
END
modes 0
has mnt/_audit.log '"operation":"access","server":"EX03"' 'uid 2005 gid 3002' 'mode 750'
has mnt/_audit.log '"operation":"access","server":"EX05","certificate":"mail"'
snapshot
restart $common
unchanged
modes 0

t 'matrix__user_place_operation'
matrix 0

t 'matrix__with_umask'
restart $common,umask=027
modes 027
matrix 027
restart $common

# ---- what follows for people ----

acts() { # NAME CALLS: as the user of that name
	_user=$(printf '%s\n' "$users" | grep "^$1 ")
	shift
	# shellcheck disable=SC2046 # words of a call
	value $(as "$_user") : "$@"
}

drops() { # NAME FILE DIRECTORY: the result of close(2)
	acts "$1" open "$3/$2" O_WRONLY,O_CREAT : write_from "$2" 0 100000 : close | awk '{ print $NF }'
}

t 'group__runs_the_one_server_that_it_was_given'
equal 'mkdir and a request' '0 0 0' "$(acts member mkdir mnt/EX02/team : \
	put mnt/EX02/team/request.csr 'key-type = p256\nCN=team.contoso.com\n')"
expect 'dir,0775,2001,3002' stat mnt/EX02/team type,mode,uid,gid
issue root mnt/EX02/team/request.csr team.cer
equal 'its answer' 0 "$(drops member team.cer mnt/EX02/team)"
is mnt/EX02/team/status Valid
equal 'services' '0 0' "$(acts primary add mnt/EX02/team/services 'IIS\n')"
is mnt/EX02/team/services IIS
equal 'a password' '0 0' "$(acts member put mnt/EX02/team/export.password 'Of the team\n')"
got=$(acts member open mnt/EX02/team/export.pfx O_RDONLY : read)
true_that "an export of ${#got} characters" [ ${#got} -gt 1000 ]
tail -n 1 mnt/_audit.log >line
has line '"operation":"read-key"' '"uid":2002' team
got=$(acts stranger open mnt/EX02/team/export.pfx O_RDONLY : put mnt/EX02/team/export.password 'x\n' : rmdir mnt/EX02/team)
equal 'a stranger: nothing' '0 EACCES EACCES EACCES' "$got"
equal 'and nowhere else' '0 EACCES EACCES' "$(acts member mkdir mnt/EX01/team : mkdir mnt/EX08)"

t 'access__is_obeyed_at_once_when_it_changes'
looks='stat mnt/EX04/mail/status type : open mnt/EX04/mail/status O_RDONLY : open mnt/EX04/mail/export.pfx O_RDONLY : open mnt/EX04/mail/friendly-name O_WRONLY'
# shellcheck disable=SC2086 # words of calls
{
	equal 'shut' '0 EACCES EACCES EACCES EACCES' "$(acts member $looks)"
	expect '0 0' chown mnt/EX04 -1 3002 : chmod mnt/EX04 0750
	equal 'to read' '0 file 0 EACCES EACCES' "$(acts member $looks)"
	expect 0 chmod mnt/EX04 0770
	equal 'to write' '0 file 0 0 0' "$(acts member $looks)"
	expect 0 chmod mnt/EX04/mail 0750
	equal 'its certificate only to read' '0 file 0 EACCES EACCES' "$(acts member $looks)"
	expect 0 chmod mnt/EX04 0700
	equal 'shut again' '0 EACCES EACCES EACCES EACCES' "$(acts member $looks)"
}

t 'chmod__is_for_the_owner_and_root'
equal 'owner' '0 0 0' "$(acts owner chmod mnt/EX06 0775 : chmod mnt/EX06 0755)"
equal 'who was made one' '0 0 0' "$(acts holder chmod mnt/EX03 0770 : chmod mnt/EX03 0750)"
equal 'a group that may write' '0 EPERM EPERM' "$(acts member chmod mnt/EX02 0777 : chmod mnt/EX02/mail 0777)"
equal 'a stranger' '0 EPERM' "$(acts stranger chmod mnt/EX01 0777)"
equal 'an owner who gives it away' '0 EPERM' "$(acts owner chown mnt/EX06 2004 -1)"
equal 'an owner to a group of others' '0 EPERM' "$(acts owner chown mnt/EX06 -1 3998)"
equal 'an owner to a group of his' '0 0' "$(acts owner chown mnt/EX06 -1 3001)"
equal 'the root directory, by its owner' '0 EPERM' "$(acts owner chmod mnt 0777)"

t 'files__have_the_owner_and_mode_of_their_directory'
snapshot
for file in status friendly-name export.pfx private.pem export.password; do
	expect EPERM chown mnt/EX02/mail/$file 2004 -1
	expect EPERM chmod mnt/EX02/mail/$file 0666
done
expect EPERM chmod mnt/EX02/_export.password 0666
expect EPERM chmod mnt/_export.password 0666
expect EPERM chown mnt/README.txt 1 1
expect EPERM chmod mnt/_trust 0777
unchanged
expect '0440 0440 0660 0660 0444' stat mnt/EX02/mail/export.pfx mode : stat mnt/EX02/mail/private.pem mode : \
	stat mnt/EX02/mail/export.password mode : stat mnt/EX02/_export.password mode : stat mnt/EX02/mail/status mode
expect '0400 0400 0600' stat mnt/EX01/mail/export.pfx mode : stat mnt/EX01/mail/private.pem mode : \
	stat mnt/EX01/mail/export.password mode

# An answer finds its request wherever it is dropped, if who drops it may write there.
t 'answer_dropped_elsewhere__needs_the_right_to_write_where_its_request_is'
expect 0 mkdir mnt/EX11
expect '0 0' chown mnt/EX11 2004 3998 : chmod mnt/EX11 0755
for name in EX04 EX05; do
	request mnt/$name/pending pending.$name.contoso.com
	issue root mnt/$name/pending/request.csr $name.cer
done
expect '0 0' chown mnt/EX05/pending 2005 3002 : chmod mnt/EX05/pending 0770
expect 0 chmod mnt/EX04/pending 0777
equal 'a stranger, in a server of his' EACCES "$(drops stranger EX05.cer mnt/EX11)"
is mnt/EX05/pending/status PendingRequest
sentence - EX11 EX05.cer 'may not write'
equal 'a member, but the way there is shut' EACCES "$(drops member EX04.cer mnt/EX02)"
is mnt/EX04/pending/status PendingRequest
equal 'a member by a supplementary group' 0 "$(drops member EX05.cer mnt/EX02)"
is mnt/EX05/pending/status Valid
equal 'the owner' 0 "$(drops owner EX04.cer mnt/EX02)"
is mnt/EX04/pending/status Valid

t 'options__uid_gid_and_umask'
restart allow_other,uid=2004,gid=3998,umask=077
expect 'dir,0700,2004,3998 file,0400,2004,3998' stat mnt type,mode,uid,gid : stat mnt/README.txt type,mode,uid,gid
expect 'dir,0700,2004,3998 dir,0700,2005,3002' stat mnt/EX01 type,mode,uid,gid : stat mnt/EX03 type,mode,uid,gid
equal 'the owner' '0 0 0' "$(acts stranger open mnt/EX01/mail/status O_RDONLY : mkdir mnt/EX12)"
equal 'another' '0 EACCES EACCES' "$(acts owner open mnt/EX01/mail/status O_RDONLY : mkdir mnt/EX13)"

t 'without_allow_other__nobody_else_gets_in'
restart uid=2004,gid=3998
equal 'not even who owns the files' '0 EACCES EACCES' "$(acts stranger stat mnt type : open mnt/README.txt O_RDONLY)"
expect dir stat mnt type

finish
