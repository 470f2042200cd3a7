#!/bin/sh
# A password for a server with many certificates: set at once, and no export is missing afterwards.
# 100 of them; 10,000 and a measurement with CERTFS_TEST_MORE=1; a limit with CERTFS_TEST_TIMING=1.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

n=100
[ -z "${CERTFS_TEST_MORE:-}" ] || n=10000

exports() { # how many are listed and answer
	find mnt/EX01 -name export.pfx -size +0 | wc -l
}

ms() {
	printf '%s\n' $(($(date +%s%N) / 1000000))
}

cpu() { # milliseconds that the process with the keys has computed
	awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) * 1000 / hz) }' "/proc/$(worker)/stat"
}

start
expect 0 mkdir mnt/EX01
i=0
while [ "$i" -lt "$n" ]; do
	i=$((i + 1))
	mkdir "mnt/EX01/c$i" &&
		printf 'key-type = p256\nexportable = yes\nCN=c%s.example\n' "$i" >"mnt/EX01/c$i/self-signed" ||
		fail "certificate $i" 'a certificate' 'none'
done

t 'password__for_a_server_with_many_certificates_is_set_at_once'
equal 'none without a password' 0 "$(exports)"
for password in first second; do
	computed=$(cpu)
	began=$(ms)
	expect 0 put mnt/EX01/_export.password "$password\n"
	took=$(($(ms) - began))
	note "$n certificates: $took ms to set the password, of which $(($(cpu) - computed)) ms computing"
	equal "every export is listed with the $password" "$n" "$(exports)"
	[ -z "${CERTFS_TEST_TIMING:-}" ] || true_that 'in under a second' [ "$took" -lt 1000 ]
	for i in 1 $((n / 2)) "$n"; do
		size=$(value stat "mnt/EX01/c$i/export.pfx" size)
		works cp -f "mnt/EX01/c$i/export.pfx" one.pfx
		equal 'its size was exact' "$size" "$(value stat one.pfx size)"
		works openssl pkcs12 -in one.pfx -passin "pass:$password" -noout
	done
done
works sh -c 'printf "\n" >mnt/EX01/_export.password'
equal 'none without a password again' 0 "$(exports)"

finish
