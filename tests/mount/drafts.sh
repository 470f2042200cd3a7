#!/bin/sh
# Drafts: the five values one sets before a request, what each accepts and refuses, and every
# way programs write a small file (certfs(5)).

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"
start
expect '0 0' mkdir mnt/EX01 : mkdir mnt/EX01/mail
m=mnt/EX01/mail

many() { # COUNT TEXT
	awk -v n="$1" -v s="$2" 'BEGIN { while (n--) printf "%s", s }'
}

t 'draft__has_the_files_of_its_state'
listed $m 'status info info.json why subject domains key-type exportable friendly-name export.password'
is $m/status Draft
expect 'dir,0755' stat $m type,mode
for file in status info info.json why; do
	expect 'file,0444' stat $m/$file type,mode
done
for file in subject domains key-type exportable friendly-name; do
	expect 'file,0644' stat $m/$file type,mode
done
expect 'file,0600' stat $m/export.password type,mode
empty $m/export.password
is $m/key-type rsa2048
has $m/info Status Draft

t 'draft__files_of_later_states_are_absent_and_cannot_be_made'
snapshot
for file in request.der certificate.pem chain.pem fullchain.pem chain.p7b export.pfx services thumbprint issuer \
	serial not-before not-after tlsa; do
	absent $m/$file
	expect EACCES open $m/$file O_WRONLY,O_CREAT
done
sentence $m tlsa
absent $m/request.csr
unchanged

t 'draft__any_other_name_is_EPERM'
snapshot
for file in notes.txt answer request.csr.bak Status subject2 _subject README; do
	expect EPERM open $m/$file O_WRONLY,O_CREAT
done
sentence $m README
expect EPERM symlink subject $m/link
expect EPERM link $m/subject $m/copy
expect EPERM mknod $m/fifo fifo
expect EPERM mkdir $m/sub
expect EPERM rename $m/subject $m/subject.bak
expect EPERM rename $m/subject mnt/EX01/subject
unchanged

t 'draft__views_refuse_to_be_opened_for_writing'
snapshot
for file in status info info.json why; do
	expect EACCES open $m/$file O_WRONLY
	expect EACCES open $m/$file O_WRONLY,O_APPEND
	expect EACCES open $m/$file O_RDWR
	expect EACCES open $m/$file O_WRONLY,O_TRUNC
	expect 'EACCES|EPERM' truncate $m/$file 0
done
fails EACCES sh -c "echo Valid > $m/status"
fails EACCES bash -c "echo Valid >> $m/status"
unchanged

t 'key-type__takes_the_five_types'
for type in rsa3072 rsa4096 p256 p384 rsa2048; do
	expect 0 put $m/key-type "$type\n"
	is $m/key-type $type
done

t 'key-type__anything_else_is_EINVAL_in_write_and_changes_nothing'
snapshot
expect '0 EINVAL 0' open $m/key-type O_WRONLY,O_TRUNC : write 'rsa1024\n' : close
sentence $m rsa1024 rsa2048
for text in rsa1024 rsa512 rsa8192 rsa 2048 p521 dsa ed25519 'rsa2048\np256' 'p256 p384' ' ' '\x01' 'p256\0'; do
	expect EINVAL put $m/key-type "$text\n"
done
sentence $m 'key-type'
unchanged

t 'exportable__takes_yes_and_no'
expect 0 put $m/exportable 'no\n'
is $m/exportable no
expect 0 put $m/exportable 'yes\n'
is $m/exportable yes

t 'exportable__anything_else_is_EINVAL_and_changes_nothing'
snapshot
for text in maybe yesno 'yes no' 2 '-'; do
	expect EINVAL put $m/exportable "$text\n"
done
expect EINVAL put $m/exportable 'perhaps\n'
sentence $m exportable perhaps
unchanged

t 'friendly-name__takes_text_under_64_characters'
expect 0 put $m/friendly-name 'Post office, no. 1\n'
is $m/friendly-name 'Post office, no. 1'
name=$(many 63 x)
expect 0 put $m/friendly-name "$name\n"
is $m/friendly-name "$name"
name=$(many 63 "$(printf '\303\274')")
expect 0 put $m/friendly-name "$name\n"
is $m/friendly-name "$name"

t 'friendly-name__64_characters_and_controls_are_EINVAL_and_change_nothing'
snapshot
expect EINVAL put $m/friendly-name "$(many 64 x)\n"
sentence $m friendly-name 64
expect EINVAL put $m/friendly-name "$(many 64 "$(printf '\303\274')")\n"
expect EINVAL put $m/friendly-name 'a\x1b[1mb\n'
expect EINVAL put $m/friendly-name 'a\0b\n'
expect EINVAL put $m/friendly-name 'a\xffb\n'
expect EINVAL put $m/friendly-name 'two\nlines\n'
unchanged
true_that 'no escape reached why' sh -c "! tr -d '\n\t' <$m/why | grep -q '[[:cntrl:]]'"

t 'subject__is_shown_most_specific_first_and_can_be_written_back'
expect 0 put $m/subject 'C=US, O=Contoso, CN=mail.contoso.com\n'
shown=$(cat $m/subject)
equal 'CN first' 'CN=mail.contoso.com,O=Contoso,C=US' "$(printf '%s' "$shown" | sed 's/, */,/g')"
expect 0 put $m/subject "$shown\n"
is $m/subject "$shown"
has $m/info "$shown"
for subject in 'C=US,S=WA,L=Redmond,O="Contoso, Ltd.",OU=IT,CN=mail.contoso.com' \
	'C=US,ST=WA,L=Redmond,O=Contoso\\, Ltd.,OU=IT,CN=mail.contoso.com' \
	'CN=mail.contoso.com' 'cn=mail.contoso.com,o=Contoso' \
	'CN=mail.contoso.com, O=M\xc3\xbcller \\+ S\xc3\xb6hne, C=DE' 'CN=mail.contoso.com,O=M\\C3\\BCller' \
	'DC=com,DC=contoso,CN=mail.contoso.com' 'CN=mail.contoso.com,O=\\#1 \\"quoted\\" \\<a\\>\\;b'; do
	expect 0 put $m/subject "$subject\n"
	shown=$(cat $m/subject)
	works sh -c "cat $m/subject >back && cat back >$m/subject"
	is $m/subject "$shown"
	case $shown in
	CN=*) pass "most specific first: $shown" ;;
	*) fail "most specific first" 'CN=...' "$shown" ;;
	esac
done
expect 0 put $m/subject 'C=US,S=WA,CN=mail.contoso.com\n'
by_s=$(cat $m/subject)
expect 0 put $m/subject 'C=US,ST=WA,CN=mail.contoso.com\n'
equal 'S and ST are the same' "$by_s" "$(cat $m/subject)"

t 'subject__that_is_no_name_is_EINVAL_in_write_and_changes_nothing'
snapshot
expect '0 EINVAL 0' open $m/subject O_WRONLY,O_TRUNC : write 'O=Contoso\n' : close
sentence $m subject CN
# shellcheck disable=SC1003 # a backslash at the end is one of the mistakes
for text in 'C=USA, CN=mail.contoso.com' 'C=U, CN=mail.contoso.com' 'mail.contoso.com' 'CN=' 'CN' '=x' 'CN=a,' \
	'CN=mail.contoso.com,O=\\zz' 'FOO=bar, CN=mail.contoso.com' 'O="Contoso, CN=mail.contoso.com' 'CN=a\xff' 'CN=a\x07b' 'CN=a\0b' \
	'CN=mail.contoso.com\\' 'CN=a.example\nCN=b.example'; do
	expect EINVAL put $m/subject "$text\n"
done
expect EINVAL put $m/subject 'C=USA, CN=mail.contoso.com\n'
sentence $m USA
unchanged

t 'domains__one_name_per_line'
expect 0 put $m/domains 'mail.contoso.com\nautodiscover.contoso.com\n'
is $m/domains 'mail.contoso.com
autodiscover.contoso.com'
expect 0 put $m/domains '*.contoso.com\n192.0.2.1\n2001:db8::1\nEX01\nxn--mnchen-3ya.example\n'
is $m/domains '*.contoso.com
192.0.2.1
2001:db8::1
EX01
xn--mnchen-3ya.example'
long=$(many 3 "$(many 62 a)." && many 63 a).ex
expect 0 put $m/domains "$long\n"
is $m/domains "$long"
expect 0 put $m/domains 'a.example\nb.example\na.example\nA.EXAMPLE\n'
equal 'duplicates are dropped' 2 "$(grep -c . $m/domains)"

t 'domains__a_bad_name_is_EINVAL_in_write_and_changes_nothing'
snapshot
expect '0 EINVAL 0' open $m/domains O_WRONLY,O_TRUNC : write 'bad_name.example\n' : close
sentence $m domains bad_name.example
expect '0 EINVAL 0' open $m/domains O_WRONLY,O_APPEND : write 'c.example\nbad_name.example\n' : close
for text in '*' '*.' '*.*.contoso.com' 'mail.*.contoso.com' 'm*.contoso.com' 'a..example' '.example' \
	'm\xc3\xbcnchen.example' 'a/b.example' '@nothing' '@' 'a.example\0' "$(many 5 "$(many 62 a).")ex" \
	'192.0.2.1/24' 'https://mail.contoso.com'; do
	expect EINVAL put $m/domains "$text\n"
done
expect EINVAL put $m/domains "$(many 5 "$(many 62 a).")ex\n"
sentence $m 255
expect EINVAL put $m/domains '*.*.contoso.com\n'
sentence $m '*.*.contoso.com'
unchanged

t 'domains__what_a_handle_wrote_so_far_is_the_value'
for shell in bash dash; do
	works $shell -c "printf 'a.example\nb.example\nc.example\n' > $m/domains"
	is $m/domains 'a.example
b.example
c.example'
	works $shell -c "{ echo d.example; echo e.example; } > $m/domains"
	is $m/domains 'd.example
e.example'
	works $shell -c "(echo f.example; /bin/echo g.example; echo h.example) > $m/domains"
	is $m/domains 'f.example
g.example
h.example'
done

t 'domains__appending_adds_to_what_is_there'
works sh -c "echo a.example > $m/domains"
works sh -c "echo b.example >> $m/domains"
works bash -c "printf 'c.example\nd.example\n' >> $m/domains"
is $m/domains 'a.example
b.example
c.example
d.example'
snapshot
fails EINVAL bash -c "echo 'x_y' >> $m/domains"
fails EINVAL sh -c "printf 'e.example\nx_y.example\n' | tee -a $m/domains"
unchanged

t 'O_TRUNC__takes_nothing_away_until_a_value_is_written'
expect '0 0 "a.example\nb.example\nc.example\nd.example\n" 0' \
	open $m/domains O_WRONLY,O_TRUNC : open $m/domains O_RDONLY : read : close
is $m/domains 'a.example
b.example
c.example
d.example'
expect '0 EINVAL 0' open $m/domains O_WRONLY,O_TRUNC : write '*\n' : close
equal 'refused, so still there' 4 "$(grep -c . $m/domains)"
expect '0 0 0' open $m/domains O_WRONLY,O_TRUNC : write 'z.example\n' : close
is $m/domains z.example
expect '0 0 0 0' open $m/domains O_WRONLY : ftruncate 0 : write 'y.example\n' : close
is $m/domains y.example
expect 0 put $m/key-type 'p384\n'
works sh -c ": > $m/key-type"
is $m/key-type p384

t 'text__a_missing_newline_CR_and_BOM_do_not_matter'
expect 0 put $m/key-type 'p256'
is $m/key-type p256
expect 0 put $m/key-type 'p384\r\n'
is $m/key-type p384
expect 0 put $m/key-type '\xef\xbb\xbfrsa2048\r\n'
is $m/key-type rsa2048
expect 0 put $m/domains '\xef\xbb\xbfa.example\r\nb.example\r\n'
is $m/domains 'a.example
b.example'
expect 0 put $m/friendly-name 'No newline'
is $m/friendly-name 'No newline'
expect 0 put $m/subject '\xef\xbb\xbfCN=mail.contoso.com\r\n'
is $m/subject CN=mail.contoso.com

t 'programs__write_a_value_each_in_its_way'
echo p256 >v256
echo p384 >v384
for shell in bash dash; do
	works $shell -c "echo p256 > $m/key-type"
	is $m/key-type p256
	works $shell -c "printf p384 > $m/key-type"
	is $m/key-type p384
done
works cp v256 $m/key-type
is $m/key-type p256
works sh -c "cat v384 > $m/key-type"
is $m/key-type p384
works cp -f v256 $m/key-type
is $m/key-type p256
works sh -c "tee $m/key-type < v384"
is $m/key-type p384
works dd if=v256 of=$m/key-type conv=fsync status=none
is $m/key-type p256
works sed -i s/p256/p384/ $m/key-type
is $m/key-type p384
works sed -i 's/^a\./www./' $m/domains
is $m/domains 'www.example
b.example'
works sh -c "cp v256 $m/.key-type.tmp && mv $m/.key-type.tmp $m/key-type"
is $m/key-type p256
listed $m 'status info info.json why subject domains key-type exportable friendly-name export.password'

t 'programs__hear_a_refusal_and_leave_nothing_behind'
echo rsa1024 >bad
snapshot
fails EINVAL bash -c "echo rsa1024 > $m/key-type"
fails - dash -c "echo rsa1024 > $m/key-type"
fails EINVAL cp bad $m/key-type
fails EINVAL sh -c "cat bad > $m/key-type"
fails EINVAL sh -c "tee $m/key-type < bad"
fails EINVAL dd if=bad of=$m/key-type status=none
fails - sed -i s/p256/rsa1024/ $m/key-type
fails - sed -i s/www/w_w/ $m/domains
unchanged

t 'times__move_with_the_value_and_only_then'
moved_at() { value stat "$m/$1" mtime,ctime; }
subject=$(moved_at subject)
type=$(moved_at key-type)
info=$(moved_at info)
expect 0 put $m/key-type 'rsa4096\n'
differ 'key-type moved' "$type" "$(moved_at key-type)"
equal 'subject did not' "$subject" "$(moved_at subject)"
expect 0 put $m/subject 'CN=moved.contoso.com\n'
differ 'subject moved' "$subject" "$(moved_at subject)"
differ 'info moved with it' "$info" "$(moved_at info)"
type=$(moved_at key-type)
expect EINVAL put $m/key-type 'rsa1\n'
equal 'a refusal moves nothing' "$type" "$(moved_at key-type)"

t 'unlink__in_a_draft_resets_the_file'
expect 0 put $m/key-type 'p384\n'
expect 0 put $m/friendly-name 'Something\n'
expect 0 put $m/domains 'a.example\n'
expect '0 0 0 0' unlink $m/key-type : unlink $m/friendly-name : unlink $m/domains : unlink $m/subject
is $m/key-type rsa2048
lacks $m/friendly-name Something
lacks $m/domains a.example
lacks $m/subject moved.contoso.com
is $m/status Draft

t 'rm__deletes_a_draft'
expect 0 mkdir mnt/EX01/short
expect 0 put mnt/EX01/short/domains 'a.example\n'
works rm -r mnt/EX01/short
absent mnt/EX01/short
expect '0 0' mkdir mnt/EX01/short : rmdir mnt/EX01/short
absent mnt/EX01/short

t 'restart__keeps_every_value'
expect 0 put $m/subject 'C=DE, O=M\xc3\xbcller, CN=mail.contoso.com\n'
expect 0 put $m/domains 'a.example\nb.example\n'
expect 0 put $m/key-type 'p384\n'
expect 0 put $m/exportable 'no\n'
expect 0 put $m/friendly-name 'Kept\n'
snapshot
restart
unchanged

finish
