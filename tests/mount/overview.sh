#!/bin/sh
# _overview.html: a page that follows what the tree shows, at once, is the same bytes for the same
# state, and holds no markup from outside (certfs(5)). tests/unit/test_overview.c reads it strictly.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
p=mnt/_overview.html

# Right before and after a change: its size is exact, and its times moved to another one.
was() {
	mtime=$(value stat $p mtime)
	cat $p >was
}
moved() {
	differ 'mtime moved' "$mtime" "$(value stat $p mtime)"
	equal 'ctime is mtime' "$(value stat $p mtime)" "$(value stat $p ctime)"
	equal 'the size is exact' "$(wc -c <$p)" "$(value stat $p size)"
	differ 'the text is another one' "$(cat was)" "$(cat $p)"
}
stayed() {
	equal 'mtime stayed' "$mtime" "$(value stat $p mtime)"
	same was $p
}

t 'overview__is_there_from_the_start_and_cannot_be_written'
present $p
expect '0444' stat $p mode
snapshot
expect EACCES open $p O_WRONLY
expect EACCES open $p O_RDWR,O_TRUNC
expect EPERM unlink $p
expect EPERM rename $p mnt/page.html
unchanged
has $p '<!DOCTYPE html>' 'Content-Security-Policy' 'No servers yet' 'prefers-color-scheme' '@media print'
lacks $p '<script' '://' '@import' 'url('

t 'overview__follows_servers_drafts_and_requests'
was
expect 0 mkdir mnt/EX01
moved
has $p '<bdi>EX01</bdi>' 'No certificates.'
was
expect 0 mkdir mnt/EX01/mail
moved
has $p '<bdi>mail</bdi>' '>Draft<'
was
request mnt/EX01/mail mail.contoso.com
moved
has $p '>PendingRequest<' 'waits for the answer of the CA' '<bdi>mail.contoso.com</bdi>'

t 'overview__follows_certificates_services_and_trust'
was
valid mnt/EX01/web web.contoso.com
moved
has $p '>Valid<' "$(cut -c1-10 mnt/EX01/web/not-after)" "$(cut -c1-10 mnt/EX01/web/not-before)" \
	"<time datetime=\"$(cat mnt/EX01/web/not-after)\">"
was
expect 0 add mnt/EX01/web/services 'IIS\n'
moved
has $p '<span class="service">IIS</span>'
was
expect 0 unlink mnt/_trust/root.pem
moved
has $p '>Untrusted<'
was
works cp ca/root.pem mnt/_trust/
moved
lacks $p '>Untrusted<'

t 'overview__follows_names_and_deletions'
was
expect 0 rename mnt/EX01/web mnt/EX01/www
moved
has $p '<bdi>www</bdi>' 'href="./EX01/www/"'
was
expect 0 rename mnt/EX01 mnt/EX07
moved
has $p 'href="./EX07/www/"'
was
expect 0 rmdir mnt/EX07/mail
moved
lacks $p '<bdi>mail</bdi>'

t 'overview__follows_expiring-days'
was
expect 0 put mnt/_settings/expiring-days '400\n'
moved
has $p 'expires on'
expect 0 put mnt/_settings/expiring-days '30\n'
lacks $p 'expires on'

t 'overview__readings_leave_it_alone'
expect 0 put mnt/EX07/www/export.password 'secret\n'
was
cat mnt/EX07/www/export.pfx >pfx
cat mnt/EX07/www/* >/dev/null
stayed

t 'overview__a_reader_sees_one_version'
text=$(value open $p O_RDONLY : pread 0 131072)
got=$(value open $p O_RDONLY : mkdir mnt/EX07/new : pread 0 131072)
equal 'what was there at open' "$(printf '%s' "$text" | cut -d' ' -f2-)" "$(printf '%s' "$got" | cut -d' ' -f3-)"
has $p '<bdi>new</bdi>'

t 'overview__hostile_names_are_no_markup'
for name in "it's" '&lt;b&gt;' "a' onclick=alert(1) x='" 'a%3Cb%3E' '“x”'; do
	expect 0 mkdir "mnt/EX07/$name"
done
has $p "<bdi>it&#39;s</bdi>" '<bdi>&amp;lt;b&amp;gt;</bdi>' 'href="./EX07/a%27%20onclick%3Dalert%281%29%20x%3D%27/"'
if have python3; then
	cat >parse.py <<-'END'
		import html.parser, sys
		tags = set("""html head meta title style body header main footer section h1 h2 p dl div dt dd time svg
		    desc g rect path circle text ul li table thead tbody tr th td a bdi span code""".split())
		attributes = set("""lang charset http-equiv content name datetime class id role aria-labelledby
		    aria-hidden tabindex viewbox x y width height d cx cy r scope href data-label""".split())
		class Reader(html.parser.HTMLParser):
		    def handle_starttag(self, tag, attrs):
		        if tag not in tags or {a for a, _ in attrs} - attributes:
		            print(tag, attrs)
		        for a, v in attrs:
		            if a == "href" and not v.startswith("./"):
		                print(tag, attrs)
		    def handle_comment(self, data): print("comment", data)
		    def handle_pi(self, data): print("instruction", data)
		    def unknown_decl(self, data): print("declaration", data)
		Reader().feed(open(sys.argv[1], encoding="utf-8").read())
	END
	equal 'only the elements and attributes of the page' '' "$(python3 parse.py $p 2>&1)"
fi

t 'overview__is_the_same_after_a_remount'
snapshot
restart
unchanged

t 'overview__a_date_that_passes_is_its_time'
if testing; then
	ends=$(date -u -d "$(cat mnt/EX07/www/not-after)" +%s)
	now=$(date -u +%s)
	works ctl clock +$((ends - now - 29 * 86400))
	# shellcheck disable=SC2317,SC2329 # called by becomes
	says() { grep -q -- "$1" $p; }
	becomes 'what is about to expire is among what to do' says 'expires on'
	equal 'mtime is 30 days before' $((ends - 30 * 86400)) "$(value stat $p mtime | cut -d. -f1)"
	equal 'the size is exact' "$(wc -c <$p)" "$(value stat $p size)"
	works ctl clock +$((30 * 86400))
	becomes 'what expired is too' says '>DateInvalid<'
	equal 'the size is exact' "$(wc -c <$p)" "$(value stat $p size)"
else
	left_out 'what only time changes: the clock of this program cannot be set'
fi

t 'overview__with_allow_other_is_its_owners_alone'
if [ "$(id -u)" = 0 ]; then
	chmod 711 .
	restart allow_other
	expect '0400' stat $p mode
	expect '0 EACCES' as 65534 65534 : open $p O_RDONLY
else
	left_out 'other users: only root may mount with allow_other everywhere'
fi
finish
