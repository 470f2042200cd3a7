#!/bin/sh
# The audit log: what is in it and when, tail -f, its head, and what certfsctl says of a log that was
# changed (certfs(5), certfsctl(1)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

verify() { # [--head HEAD]: what certfsctl says is in `said`
	timeout 60 "$CERTFSCTL" --key-file certs.key certs.db audit verify "$@" >said 2>&1 </dev/null
}

finds() { # CODE TEXT [ARGS of verify]: exit code, and words in a finding
	_wanted=$1
	_text=$2
	shift 2
	verify "$@"
	equal "audit verify $* exits with $_wanted" "$_wanted" $?
	[ -z "$_text" ] || has said "$_text"
}

head_now() {
	"$CERTFSCTL" --key-file certs.key certs.db audit head
}

logged_heads() { # WHEN
	sed -n "s/^certfs: .*certs\\.db $1: its audit log ends with //p" log
}

lines() {
	wc -l <mnt/_audit.log
}

t 'head__goes_to_the_log_at_mount_and_unmount'
start
becomes 'a head at the mount' [ "$(logged_heads mounted)" = "$(head_now)" ]
expect 0 mkdir mnt/EX01
valid mnt/EX01/mail mail.contoso.com
expect 0 put mnt/EX01/_export.password 'P@ssw0rd1\n'
works cp mnt/EX01/mail/export.pfx export.pfx
before_unmount=$(head_now)
matches mnt/_audit.log '^\{"seq":1,'
equal 'its number is that of the last line' "$(lines)" "${before_unmount%%:*}"
stop
equal 'a head at the unmount' "$before_unmount" "$(logged_heads unmounted)"
equal 'unmounted it is the same' "$before_unmount" "$(head_now)"

t 'verify__of_a_log_as_certfs_wrote_it'
finds 0 ''
finds 0 '' --head "$before_unmount"
finds 0 '' --head "0:$(printf '%064d' 0)"
finds 1 'no head' --head nonsense
start
works "$CERTFSCTL" certs.db audit verify
works "$CERTFSCTL" certs.db audit verify --head "$before_unmount"
expect 0 mkdir mnt/EX02
works "$CERTFSCTL" certs.db audit verify --head "$before_unmount"
differ 'the head moves' "$before_unmount" "$(head_now)"

t 'audit__a_reading_of_a_key_is_on_disk_before_the_key_is_out'
n=$(lines)
works cp mnt/EX01/mail/export.pfx again.pfx
equal 'one line' $((n + 1)) "$(lines)"
matches mnt/_audit.log '"operation":"read-key".*"certificate":"mail".*"key":"[0-9A-F]{64}".*"uid":'
works sh -c 'cat mnt/EX01/mail/export.pfx >/dev/null'
crash
start
equal 'the line is there after a crash' $((n + 2)) "$(lines)"
works "$CERTFSCTL" certs.db audit verify

t 'audit__names_of_programs_are_escaped'
cat_path=$(command -v cat)
for odd in "$(printf 'a"b\\c\td')" "$(printf 'e\033[31mf')"; do
	ln -s "$cat_path" "$odd"
	# comm is the name by which it was called.
	"./$odd" mnt/EX01/mail/export.pfx >/dev/null
	rm -f "$odd"
done
has mnt/_audit.log '"comm":"a\"b\\c\td"' '"comm":"e\u001b[31mf"'
tr -d '\n -~' <mnt/_audit.log >raw
true_that 'nothing but printable characters' [ ! -s raw ]
equal 'each line is one object' "$(lines)" "$(grep -c '^{"seq":.*}$' mnt/_audit.log)"

t 'audit__tail_follows_it'
tail -n 0 -f mnt/_audit.log >followed 2>/dev/null &
tail=$!
# Until it looks, what is added isn't its to show.
seen() {
	mkdir "mnt/EX02/d$_waited" 2>/dev/null
	grep -q '"operation":' followed
}
becomes 'tail -f shows what is added' seen
kill $tail
wait $tail 2>/dev/null
stop

t 'head__goes_to_the_log_in_use_after_a_thousand_lines'
cp certs.db early.db
start
becomes 'the first head is told' [ "$(logged_heads mounted | tail -n 1)" = "$(head_now)" ]
base=$(lines)
expect 0 mkdir mnt/EX02/busy
write() { # COUNT: so many changes, each with its line
	_words=
	for _n in $(seq "$1"); do
		_words="$_words : put mnt/EX02/busy/friendly-name $_n\\n"
	done
	# shellcheck disable=SC2086 # one word each
	"$SYS" ${_words# : } | tr ' ' '\n' | grep -vx 0 >refused_writes
	true_that "$1 changes" [ ! -s refused_writes ]
}
in_use() { [ "$(logged_heads 'in use' | wc -l)" -ge "$1" ]; }
write 990
equal 'and as many lines' $((base + 991)) "$(lines)"
true_that 'not yet' [ -z "$(logged_heads 'in use')" ]
write 40
becomes 'a head' in_use 1
first=$(logged_heads 'in use')
true_that "$first comes after 1000 lines" [ "${first%%:*}" -ge $((base + 1000)) ]
works "$CERTFSCTL" certs.db audit verify --head "$first"

if testing; then
	t 'head__goes_to_the_log_after_a_day_with_new_lines'
	write 1
	works ctl clock +80000
	write 1
	works ctl clock +6500
	becomes 'a head' in_use 2
	equal 'not before the day was over' "$(head_now)" "$(logged_heads 'in use' | tail -n 1)"
	works ctl clock +90000
	# A day without any line, and then one.
	write 1
	becomes 'a head' in_use 3
	equal 'with the last line' "$(head_now)" "$(logged_heads 'in use' | tail -n 1)"
else
	left_out 'a head after a day: the clock of this program cannot be set'
fi
stop
t 'head__each_that_was_logged_is_found_again'
logged_heads '[a-z ]*' | sort -t: -n -u >heads
true_that 'mounted, in use, unmounted' [ "$(wc -l <heads)" -ge 4 ]
equal 'no line with two codes' '' "$(cut -d: -f1 heads | sort -n | uniq -d)"
equal 'none in use twice' '' "$(logged_heads 'in use' | sort | uniq -d)"
while read -r head; do
	finds 0 '' --head "$head"
done <heads

t 'head__shows_a_store_that_was_put_back'
cp certs.db now.db
cp early.db certs.db
finds 0 ''
logged_heads 'in use' >heads
while read -r head; do
	finds 1 "line ${head%%:*}, with which it ended then, is missing" --head "$head"
done <heads
cp now.db certs.db

if ! have sqlite3; then
	finish
fi

# changed SQL FINDING: the log after that change, then as it was.
changed() {
	cp certs.db sound.db
	true_that "sqlite3 $1" sqlite3 certs.db "$1"
	finds 1 "$2"
	"$CERTFSCTL" --key-file certs.key certs.db check >said 2>&1
	equal 'check finds it too' 1 $?
	has said 'audit log'
	rm -f certs.db-wal certs.db-shm
	cp sound.db certs.db
}

end=$(head_now)
last=${end%%:*}
t 'verify__finds_lines_that_were_edited'
changed "UPDATE event SET line = replace(line, 'result', 'Result') WHERE seq = 2" "line 2 isn't what"
changed 'UPDATE event SET time = time + 1 WHERE seq = 3' "line 3 isn't what"
changed "UPDATE event SET mac = zeroblob(32) WHERE seq = $last" "line $last isn't what"
t 'verify__finds_lines_that_were_cut_out'
changed 'DELETE FROM event WHERE seq = 2' 'lines 2 to 2 are missing'
changed 'DELETE FROM event WHERE seq = 1' 'lines 1 to 1 are missing'
changed "DELETE FROM event WHERE seq = $last" "ends at line $((last - 1)), not as certfs left it"
changed 'DELETE FROM event' 'ends at line 0'
t 'verify__finds_lines_that_changed_places'
changed 'UPDATE event SET seq = 100000 WHERE seq = 2; UPDATE event SET seq = 2 WHERE seq = 3;
	UPDATE event SET seq = 3 WHERE seq = 100000' "line 2 isn't"

t 'verify__a_store_put_back_whole_shows_against_a_head_kept_elsewhere'
cp certs.db old.db
start
expect 0 mkdir mnt/EX03
newer=$(head_now)
stop
finds 0 '' --head "$newer"
cp certs.db new.db
cp old.db certs.db
finds 0 ''
finds 1 "line ${newer%%:*}, with which it ended then, is missing" --head "$newer"
start
expect '0 0' mkdir mnt/EX04 : mkdir mnt/EX05
stop
finds 1 "line ${newer%%:*} isn't the one with which it ended then" --head "$newer"
cp new.db certs.db
finds 0 '' --head "$newer"

finish
