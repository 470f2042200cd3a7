#!/bin/sh
# Views under many hands: 25 processes make, assign, rename and delete certificates while 25 others
# read the views. Whatever a reader sees is true of the certificate it came to, and afterwards the
# views say what the tree says.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
rounds=2
[ -z "${CERTFS_TEST_MORE:-}" ] || rounds=40
start
for n in 0 1 2 3 4; do mkdir "mnt/S$n"; done
mkdir bad

# writer NUMBER: its certificates have names of their own; each step must work but for rmdir of one
# that its server uses.
writer() {
	i=0
	while [ $i -lt $rounds ]; do
		dir=mnt/S$(($1 % 5))/w$1-$i
		mkdir "$dir" || echo "mkdir $dir"
		printf 'key-type = p256\ndomains = w%s.test, shared.test\nCN=w%s.test\n' "$1" "$1" >"request.$1"
		sh -c 'cat "$1" >"$2"' sh "request.$1" "$dir/self-signed" || echo "self-signed $dir"
		[ $(($1 % 3)) != 0 ] || sh -c 'echo IIS >>"$1"' sh "$dir/services" || echo "services $dir"
		mv "$dir" "$dir moved" || echo "mv $dir"
		if [ $(($1 % 2)) = 0 ] && [ $i = 0 ]; then
			rmdir "$dir moved" 2>/dev/null || [ $(($1 % 3)) = 0 ] || echo "rmdir $dir"
		fi
		i=$((i + 1))
	done
}

# reader NUMBER: until the writers are done, at least once. A link whose certificate was renamed or
# deleted leads nowhere; one that leads somewhere leads to what its name says.
reader() {
	while :; do
		[ -e written ]
		last=$?
		grep -H . mnt/_by-thumbprint/*/*/thumbprint 2>/dev/null |
			awk -F '[/:]' '$3 != $NF { print "thumbprint: " $0 }'
		for domains in mnt/_by-domain/shared.test/*/domains; do
			names=$(cat "$domains" 2>/dev/null) || continue # it was deleted meanwhile
			case $names in
			*shared.test*) ;;
			*) echo "domain: $domains" ;;
			esac
		done
		ls -lR mnt/_expiring mnt/_by-domain >/dev/null 2>&1
		cat mnt/_notifications >/dev/null || echo notifications
		[ $last != 0 ] || break
	done
}

t 'crowd__who_reads_while_others_write_sees_what_is_true'
writers=
n=0
while [ $n -lt 25 ]; do
	writer $n >bad/writer$n 2>&1 </dev/null &
	writers="$writers $!"
	reader $n >bad/reader$n 2>&1 </dev/null &
	readers="${readers:-} $!"
	n=$((n + 1))
done
# shellcheck disable=SC2086 # one word for each process
wait $writers
: >written
# shellcheck disable=SC2086
wait $readers
equal 'nobody complains' '' "$(cat bad/*)"

t 'crowd__afterwards_the_views_say_what_the_tree_says'
certificates=0
for thumb in mnt/S*/*/thumbprint; do
	path=${thumb#mnt/}
	printf '%s/%s -> ../../%s\n' "$(cat "$thumb")" "${path%%/*}" "${path%/thumbprint}"
	certificates=$((certificates + 1))
done | sort >wanted
find mnt/_by-thumbprint -type l -printf '%P -> %l\n' | sort >got
same wanted got
true_that 'there are some' [ "$(wc -l <got)" -ge $((25 * rounds - 13)) ]
{ cat mnt/S*/*/domains; } | sort -u >wanted
find mnt/_by-domain -mindepth 1 -maxdepth 1 -printf '%P\n' | sort >got
same wanted got
for link in mnt/_by-domain/shared.test/*; do
	server=mnt/$(basename "$link")
	equal "$link is the latest" "$(cat "$server"/*/not-before | sort | tail -n 1)" "$(cat "$link/not-before")"
done
sound
snapshot
restart
unchanged

finish
