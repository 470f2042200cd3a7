#!/bin/sh
# Serving: TLS straight from `_services` of a mount with `-o keys`: what is served verifies and has the
# key that `tlsa` announced; after a renewal, a hand-over of the services and a reload the new
# certificate is served. By openssl's server, and as root by nginx, Postfix and Dovecot, where they are
# installed or unpacked.

# shellcheck source=tests/clients/unpacked.sh
. "$(dirname "$0")/unpacked.sh"
# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/../mount/lib.sh"

command -v python3 >/dev/null || skip "no python3, which finds a port"
start keys
chmod 711 "$T"
ca root
works cp ca/root.pem mnt/_trust/
expect 0 mkdir mnt/EX01
request mnt/EX01/mail mail.contoso.com
tlsa=$(cat mnt/EX01/mail/tlsa) # goes to the zone before the certificate is there
answer mnt/EX01/mail root
expect 0 add mnt/EX01/mail/services 'SMTP, IMAP, IIS\n'

# port: one that nothing listens on.
port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# ask PORT [STARTTLS OPTIONS]: what a careful client gets, in `said`.
ask() {
	_port=$1
	shift
	timeout 20 openssl s_client -connect "127.0.0.1:$_port" -servername mail.contoso.com "$@" \
		-CAfile ca/root.pem -verify_hostname mail.contoso.com -verify_return_error \
		-dane_tlsa_domain mail.contoso.com -dane_tlsa_rrdata "$tlsa" </dev/null >said 2>&1
}

# serves CERTIFICATE PORT [STARTTLS OPTIONS]: it comes to serve this one.
serves() {
	_thumbprint=$(cat "mnt/EX01/$1/thumbprint")
	shift
	becomes "it serves the certificate $_thumbprint" answered "$_thumbprint" "$@"
	has said 'DANE TLSA 3 1 1' 'Verification: OK'
}

answered() { # THUMBPRINT PORT [STARTTLS OPTIONS]
	_wanted=$1
	shift
	ask "$@" && [ "$(openssl x509 -in said -noout -fingerprint -sha1 | tr -d :)" = \
		"sha1 Fingerprint=$_wanted" ]
}

# renewed NAME FROM: the certificate that follows takes the services over.
renewed() {
	expect 0 put "mnt/EX01/$2/renew" "$1\n"
	tlsa=$(cat "mnt/EX01/$1/tlsa")
	answer "mnt/EX01/$1" root
	works sh -c "cat mnt/EX01/$2/services >> mnt/EX01/$1/services"
}

current=mail
next() { # the next renewal's name
	case $current in
	mail) echo mail-2 ;;
	*) echo "mail-$((${current#mail-} + 1))" ;;
	esac
}

t 'openssl__serves_from_services_and_what_follows_after_a_restart'
port=$(port)
for round in 1 2; do
	timeout 300 openssl s_server -accept "127.0.0.1:$port" -cert mnt/EX01/_services/SMTP/combined.pem \
		-cert_chain mnt/EX01/_services/SMTP/combined.pem -quiet >>servers.log 2>&1 </dev/null &
	server=$!
	serves $current "$port"
	kill $server
	wait $server 2>/dev/null
	[ $round = 2 ] || {
		following=$(next)
		renewed "$following" $current
		current=$following
	}
done
has mnt/_audit.log '"operation":"read-key"'

# server NAME STARTTLS START RELOAD STOP: the same with a server that reloads.
server() {
	t "$1__serves_from_services_and_what_follows_after_a_reload"
	_name=$1
	_starttls=$2
	_reload=$4
	_stop=$5
	works sh -c "$3"
	# shellcheck disable=SC2086 # none or two words
	serves "$current" "$port" $_starttls
	following=$(next)
	renewed "$following" "$current"
	current=$following
	works sh -c "$_reload"
	# shellcheck disable=SC2086 # none or two words
	serves "$current" "$port" $_starttls
	works sh -c "$_stop"
}

if [ "$(id -u)" != 0 ]; then
	left_out 'nginx, Postfix and Dovecot: only root starts them'
else
	PATH=$PATH:/usr/sbin:/sbin
	if have nginx; then
		port=$(port)
		cat >nginx.conf <<-END
			user root;
			pid $T/nginx.pid;
			error_log $T/nginx.log;
			events {}
			http {
				access_log off;
				client_body_temp_path $T/nginx-body;
				proxy_temp_path $T/nginx-proxy;
				fastcgi_temp_path $T/nginx-fastcgi;
				uwsgi_temp_path $T/nginx-uwsgi;
				scgi_temp_path $T/nginx-scgi;
				server {
					listen 127.0.0.1:$port ssl;
					ssl_certificate $T/mnt/EX01/_services/IIS/combined.pem;
					ssl_certificate_key $T/mnt/EX01/_services/IIS/combined.pem;
				}
			}
		END
		nginx="timeout 60 nginx -c $T/nginx.conf -p $T -e $T/nginx.log"
		server nginx '' "$nginx" "$nginx -s reload" "$nginx -s quit"
		becomes 'nginx is gone' test ! -e nginx.pid
	fi
	if have postfix; then
		port=$(port)
		mkdir postfix queue data
		chown postfix data
		cat >postfix/main.cf <<-END
			compatibility_level = 3.6
			queue_directory = $T/queue
			data_directory = $T/data
			maillog_file = $T/postfix.log
			maillog_file_prefixes = $T
			inet_interfaces = 127.0.0.1
			inet_protocols = ipv4
			myhostname = mail.contoso.com
			mydestination =
			smtpd_tls_security_level = may
			smtpd_tls_chain_files = $T/mnt/EX01/_services/SMTP/combined.pem
		END
		cat >postfix/master.cf <<-END
			127.0.0.1:$port inet n - n - - smtpd
			postlog unix-dgram n - n - 1 postlogd
			rewrite unix - - n - - trivial-rewrite
			tlsmgr unix - - n 1000? 1 tlsmgr
			anvil unix - - n - 1 anvil
			cleanup unix n - n - 0 cleanup
			qmgr unix n - n 300 1 qmgr
			pickup unix n - n 60 1 pickup
			proxymap unix - - n - - proxymap
		END
		postfix="timeout 60 postfix -c $T/postfix"
		server postfix '-starttls smtp' "$postfix start" "$postfix reload" "$postfix stop"
	fi
	if have dovecot; then
		port=$(port)
		cat >dovecot.conf <<-END
			base_dir = $T/dovecot
			state_dir = $T/dovecot
			log_path = $T/dovecot.log
			listen = 127.0.0.1
			protocols = imap
			ssl = required
			ssl_cert = <$T/mnt/EX01/_services/IMAP/combined.pem
			ssl_key = <$T/mnt/EX01/_services/IMAP/combined.pem
			service imap-login {
			  inet_listener imap {
			    port = $port
			  }
			  inet_listener imaps {
			    port = 0
			  }
			}
			passdb {
			  driver = static
			  args = nopassword=y
			}
			userdb {
			  driver = static
			  args = uid=65534 gid=65534 home=/nonexistent
			}
		END
		server dovecot '-starttls imap' "timeout 60 dovecot -c $T/dovecot.conf" \
			"timeout 60 doveadm -c $T/dovecot.conf reload" "timeout 60 doveadm -c $T/dovecot.conf stop"
	fi
fi

finish
