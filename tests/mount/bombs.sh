#!/bin/sh
# Bombs: files that are small to send and dear to take apart are refused with a documented errno, by
# counting and not by the watchdog; nothing changes, and others are answered meanwhile (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip 'no python3 to make the bombs'
allow_log 'nested asn1 error' # OpenSSL's words
start
ca root
works cp ca/root.pem mnt/_trust/
expect 0 mkdir mnt/EX01
request mnt/EX01/mail mail.contoso.com
mkdir bombs
openssl x509 -in ca/root.pem -outform DER -out root.der
works timeout 300 python3 "$suite/bombs.py" bombs root.der ca/root.key
cp "$suite"/../vectors/pfx/refused-EINVAL-bomb-*.pfx bombs/
for bomb in bombs/refused-*; do
	mv "$bomb" "bombs/${bomb#bombs/refused-}"
done

# With sanitizers everything takes several times as long: there the watchdog may be the judge.
slow=
grep -qa __asan_init "$CERTFS" && slow='|EBADMSG'
by_counting() {
	if [ -n "$slow" ]; then
		note "stopped by the watchdog: $(grep -c 'took longer' log)"
	else
		lacks log 'took longer'
	fi
	lacks log 'died of it'
}

# The errno that the name of a bomb begins with, or one of them.
verdict() { # FILE
	_v=${1##*/}
	printf '%s\n' "${_v%%-*}$slow" | tr , '|'
}

t 'bombs__are_judged_by_counting'
snapshot
n=0
for bomb in bombs/*; do
	case $bomb in
	*.crl | bombs/0-*) continue ;;
	esac
	n=$((n + 1))
	fails "$(verdict "$bomb")" timeout 120 cp "$bomb" mnt/EX01/
done
true_that "there were bombs: $n" [ "$n" -ge 20 ]
by_counting
unchanged

t 'bombs__beside_a_request_harm_it_no_more'
for bomb in bombs/*20000* bombs/*deep.cer bombs/*names-of* bombs/*rsa-of-16384*; do
	fails "$(verdict "$bomb")|EKEYREJECTED" timeout 120 cp "$bomb" mnt/EX01/mail/
done
unchanged

t 'bombs__that_are_just_none_are_taken'
works timeout 120 cp bombs/0-16-keys.pem mnt/EX01/
present mnt/EX01/0-16-keys
works rmdir mnt/EX01/0-16-keys
snapshot

t 'bombs__in_trust'
for bomb in bombs/*.crl bombs/*deep.cer; do
	case $bomb in
	bombs/0-*) continue ;;
	esac
	fails "$(verdict "$bomb")" timeout 120 cp "$bomb" mnt/_trust/
done
unchanged
works timeout 120 cp bombs/0-crl-that-just-fits.crl mnt/_trust/
works rm mnt/_trust/0-crl-that-just-fits.crl
by_counting

# shellcheck disable=SC2317,SC2329 # called by becomes
all_answered() { [ "$(cat answer-* | wc -l)" = 4 ]; }

if testing; then
	t 'others__are_answered_while_a_bomb_is_judged'
	works ctl fault judge 1 # whoever has something to judge waits
	for n in 1 2 3 4; do
		"$SYS" put "mnt/EX01/bomb-$n.p12" x >"answer-$n" 2>&1 </dev/null &
	done
	timeout 300 cp bombs/*bags-in-bags.p12 mnt/EX01/ 2>bomb.err </dev/null &
	bomb=$!
	works timeout 120 ls -l mnt/EX01
	works timeout 120 cat mnt/EX01/mail/request.csr mnt/EX01/mail/why
	works timeout 120 mkdir mnt/EX02 mnt/EX02/draft
	works timeout 120 sh -c 'echo CN=a.contoso.com >mnt/EX02/draft/subject'
	works timeout 120 rmdir mnt/EX02/draft mnt/EX02
	true_that 'the bomb is judged all the while' alive "$bomb"
	absent mnt/EX01/bags-in-bags
	equal 'none of them has its verdict' '' "$(cat answer-* bomb.err)"
	works ctl fault judge 0
	becomes 'it has its verdict' gone "$bomb"
	becomes 'each has its verdict' all_answered
	matches bomb.err "$("$SYS" strerror EBADMSG)"
	equal 'the verdicts' 'EBADMSG EBADMSG EBADMSG EBADMSG ' "$(cat answer-* | tr '\n' ' ')"
	listed mnt/EX01 'mail _services _settings _apply.ps1 _export.password _import.password'
	sound
else
	left_out 'that others are answered while a bomb is judged: this program holds nothing back'
fi

finish
