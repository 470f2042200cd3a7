#!/bin/sh
# The tour of README.md, typed line by line as a new user would: every ```sh block in order, each
# line a command of its own. `# prints: TEXT` behind a command is all it prints; `# refused: TEXT`
# says that it fails with these words; any other command works.

# shellcheck source=tests/mount/lib.sh
. "$(dirname "$0")/lib.sh"

readme=$suite/../../README.md
PATH=$(dirname "$CERTFS"):$(dirname "$CERTFSCTL"):$PATH
mkdir tour

typed() { # COMMAND: as in an interactive shell, in the tour's folder
	bash -c 'cd tour && eval "$1"' bash "$1" >out 2>err </dev/null
}

try_line() { # LINE
	command=${1%%  # *}
	case $1 in
	*'  # prints: '*)
		typed "$command"
		equal "$command" "0 ${1#*'  # prints: '}" "$? $(cat out err)"
		;;
	*'  # refused: '*)
		words=${1#*'  # refused: '}
		if typed "$command"; then
			fail "$command" "refused: $words" 'exit 0'
		elif grep -qF -- "$words" err; then
			pass "$command"
		else
			fail "$command" "$words" "$(cat err)"
		fi
		;;
	*'  # '*) fail "$command" '# prints: or # refused:' "$1" ;;
	*)
		if typed "$command"; then
			pass "$command"
		else
			fail "$command" 'exit 0' "$(cat err)"
		fi
		;;
	esac
}

t 'tour__each_command_does_what_the_readme_says'
awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside && NF' "$readme" >lines
while IFS= read -r line; do
	try_line "$line"
done <lines
true_that 'the tour goes from a mount to an export' \
	sh -c 'grep -q "^certfs " lines && grep -q "export.pfx" lines'
true_that 'the tour leaves nothing mounted' unmounted tour/mnt
for store in certs.db certs.backup; do
	becomes "$store is sound" "$CERTFSCTL" --key-file tour/certs.key "tour/$store" check
done

t 'links__lead_to_files_that_are_there'
grep -oE '\]\([^)#:]+\)' "$readme" | sed 's/^](//; s/)$//' >links
while IFS= read -r link; do
	true_that "$link" test -e "$suite/../../$link"
done <links

finish
