#!/bin/sh
# Who can write the store's file but has no key: every change is noticed, what was changed is refused,
# the rest is served, and certfsctl names it (certfs(1), "Security").

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

if ! have sqlite3; then
	start
	finish
fi

# The log says of each damaged store that it is.
allow_log 'changed outside certfs|what certfs|restore a backup|EIO'

start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX02
for cert in EX01/mail EX01/web EX02/other; do
	valid mnt/$cert "$(basename $cert).contoso.com" 'exportable = yes'
done
request mnt/EX02/pending pending.contoso.com
valid mnt/EX01/fixed fixed.contoso.com 'exportable = no'
expect '0 0' put mnt/EX01/_export.password 'P@ssw0rd1\n' : put mnt/EX02/_export.password 'P@ssw0rd2\n'
expect 0 add mnt/EX01/mail/services 'SMTP\n'
for cert in EX01/mail EX01/web EX02/other; do
	works cp mnt/$cert/export.pfx "$(basename $cert).pfx"
done
expect 0 mkdir mnt/EX01/gone
expect 0 rmdir mnt/EX01/gone
stop
cp certs.db sound.db

id_of() { # NAME: of a certificate
	sqlite3 sound.db "SELECT id FROM certificate WHERE name = '$1' AND deleted = 0"
}
mail=$(id_of mail)
web=$(id_of web)
other=$(id_of other)

checked() { # TEXT...: certfsctl check finds damage and says so
	timeout 60 "$CERTFSCTL" --key-file certs.key certs.db check >said 2>&1 </dev/null
	equal 'certfsctl check finds it' 1 $?
	[ $# = 0 ] || has said "$@"
}

# tampered SQL: the sound store with that change.
tampered() {
	rm -f certs.db-wal certs.db-shm
	cp sound.db certs.db
	true_that "sqlite3 $1" sqlite3 certs.db "$1"
}

no_key() { # CERTIFICATE...: no byte of its key comes out
	for _cert; do
		cat mnt/$_cert/export.pfx >key 2>err
		equal "no byte of the export of $_cert" 0 "$(wc -c <key)"
	done
}

served() { # CERTIFICATE...: as before
	for _cert; do
		is mnt/$_cert/status Valid
		same mnt/$_cert/export.pfx "$(basename $_cert).pfx"
	done
}

t 'certificate__with_an_edited_row_is_refused_and_named_and_the_rest_is_served'
for change in "services = 'IIS'" "services = ''" 'deleted = 1' "name = 'mail2'" 'status = 1' \
	'not_after = not_after + 1' 'state = 1' 'uid = 4242' 'exportable = 0'; do
	tampered "UPDATE certificate SET $change WHERE id = $mail"
	checked "certificate $mail"
	start
	no_key EX01/mail
	served EX01/web EX02/other
	stop
done

t 'certificate__that_is_not_exportable_stays_so'
fixed=$(id_of fixed)
tampered "UPDATE certificate SET exportable = 1 WHERE id = $fixed"
checked "certificate $fixed"
start
present mnt/EX01/mail mnt/EX01/web mnt/EX02/other
no_key EX01/fixed
fails EIO ls mnt/EX01/fixed
fails EIO cat mnt/EX01/fixed/why
expect EIO add mnt/EX01/fixed/services 'SMTP\n'
served EX01/mail EX01/web EX02/other
stop

t 'certificate__with_another_version_takes_the_keys_of_its_server_along'
tampered "UPDATE certificate SET version = version + 1 WHERE id = $mail"
checked "certificate $mail" 'server 1'
start
no_key EX01/mail EX01/web
served EX02/other
stop

t 'certificates__that_changed_places_are_refused'
tampered "UPDATE certificate SET server = 2 WHERE id = $web; UPDATE certificate SET server = 1 WHERE id = $other"
checked "certificate $web" "certificate $other"
start
no_key EX01/other EX02/web
stop
tampered "CREATE TEMP TABLE s AS SELECT * FROM secret;
	UPDATE secret SET sealed = (SELECT sealed FROM s WHERE owner = $web AND kind = 1 AND object = 3)
	WHERE owner = $mail AND kind = 1 AND object = 3"
checked secret
start
no_key EX01/mail
served EX02/other
stop

t 'rows__that_were_deleted_are_missed'
tampered "DELETE FROM secret WHERE owner = $web AND kind = 1 AND object = 3"
checked 'deleted from outside'
start
no_key EX01/web EX01/mail
served EX02/other
stop
tampered "DELETE FROM blob WHERE certificate = $web; DELETE FROM certificate WHERE id = $web"
checked 'deleted from outside'
start
no_key EX01/mail
served EX02/other
stop
tampered 'DELETE FROM server WHERE id = 2; DELETE FROM certificate WHERE server = 2; DELETE FROM tally WHERE server = 2'
checked
start
no_key EX01/mail
stop

t 'rows__of_an_older_state_are_noticed'
rm -f certs.db-wal certs.db-shm
cp sound.db certs.db
start
expect 0 add mnt/EX01/mail/services 'IIS\n'
expect 0 rmdir mnt/EX01/web
expect 0 put mnt/EX01/_export.password 'newer\n'
stop
cp certs.db newer.db
for table in certificate secret server; do
	cp newer.db certs.db
	true_that "the $table rows of EX01 as they were" sqlite3 certs.db "ATTACH 'sound.db' AS o; PRAGMA foreign_keys = OFF;
		REPLACE INTO $table SELECT * FROM o.$table WHERE $([ $table = server ] && echo id || echo server) = 1"
	checked 'from outside'
	start
	# A server's own record is counted with the root's, whose secrets are refused then.
	[ $table = server ] || no_key EX01/mail
	served EX02/other
	stop
done
cp newer.db certs.db
true_that 'with its tally' sqlite3 certs.db "ATTACH 'sound.db' AS o; PRAGMA foreign_keys = OFF;
	REPLACE INTO certificate SELECT * FROM o.certificate WHERE server = 1;
	REPLACE INTO secret SELECT * FROM o.secret WHERE server = 1;
	REPLACE INTO tally SELECT * FROM o.tally WHERE server = 1"
checked
start
no_key EX01/mail
stop

t 'sealed_values__flipped_bits_are_refused'
size=$(sqlite3 sound.db "SELECT length(sealed) FROM secret WHERE owner = $mail AND kind = 1 AND object = 3")
for at in 1 2 13 14 $((size / 2)) $((size - 16)) $((size - 1)) "$size"; do
	byte=$(sqlite3 sound.db "SELECT hex(substr(sealed, $at, 1)) FROM secret WHERE owner = $mail AND kind = 1 AND object = 3")
	flipped=$(printf '%02x' $((0x$byte ^ 1 << at % 8)))
	tampered "UPDATE secret SET sealed = CAST(substr(sealed, 1, $at - 1) || x'$flipped' || substr(sealed, $at + 1) AS BLOB)
		WHERE owner = $mail AND kind = 1 AND object = 3"
	checked secret
done
start
no_key EX01/mail
served EX02/other
stop

t 'contents__that_were_edited_are_refused'
tampered "UPDATE blob SET data = CAST(data || x'00' AS BLOB) WHERE certificate = $web AND kind = 2"
checked "certificate $web"
start
fails EIO cat mnt/EX01/web/certificate.cer
no_key EX01/web
served EX01/mail EX02/other
stop

t 'header_and_slots__that_were_edited_are_no_way_in'
# no_mount TEXT...: the store isn't mounted, with a sentence.
no_mount() {
	timeout 60 "$CERTFS" -f -o key-file=certs.key,ca-file=system.pem certs.db mnt >said 2>&1 </dev/null
	_code=$?
	equal 'not mounted' 1 "$_code"
	true_that 'nothing is mounted' unmounted mnt
	has said "$@"
}
tampered 'UPDATE header SET uuid = randomblob(16)'
no_mount "isn't this store's"
tampered 'UPDATE header SET format = 2'
no_mount 'format 2'
tampered 'UPDATE header SET flags = 1'
no_mount 'feature'
tampered 'UPDATE header SET wrapped = randomblob(length(wrapped))'
no_mount 'own keys'
tampered 'PRAGMA user_version = 99'
no_mount 'newer certfs'
tampered 'CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END'
no_mount 'tables'
tampered 'UPDATE slot SET wrapped = randomblob(length(wrapped))'
no_mount "isn't this store's"
tampered 'UPDATE slot SET params = zeroblob(length(params))'
no_mount 'key slot 1'
tampered 'DELETE FROM slot'
no_mount "isn't what certfs wrote"
tampered 'INSERT INTO slot SELECT id + 1, uuid, version, mac, type, params, wrapped FROM slot'
checked 'slot 2'
tampered 'UPDATE header SET last_commit = last_commit - 1'
checked 'last commit'
tampered 'DELETE FROM tally WHERE server = 0'
checked 'tally'
start
no_key EX01/mail EX02/other
stop
tampered 'UPDATE root SET has_export_password = 1'
checked 'root'

t 'a_sound_store__is_served_whole'
rm -f certs.db-wal certs.db-shm
cp sound.db certs.db
sound
start
served EX01/mail EX01/web EX02/other
absent mnt/EX01/fixed/export.pfx

finish
