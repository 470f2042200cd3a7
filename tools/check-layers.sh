#!/bin/sh
# sh tools/check-layers.sh BUILD_DIR: fails when a layer's static archive needs a symbol of a library
# or of another layer that it may not use, when a source includes a header that it may not, and when
# a public header names a type of SQLite, OpenSSL or libfuse.
# sh tools/check-layers.sh --self-test: proves that it can fail.
set -eu
export LC_ALL=C

# ---- The rules: what each layer may use

layers='base store crypto vault decoder procedures tree fs'
libraries='sqlite3 crypto fuse3 seccomp'

may_use_layers() {
	case $1 in
	base) echo base ;;
	store) echo base store ;;
	crypto) echo base crypto ;;
	vault) echo base store crypto vault ;;
	decoder) echo base crypto decoder ;;
	procedures) echo base store crypto vault decoder procedures ;;
	tree) echo base store crypto vault decoder procedures tree ;;
	fs) echo base decoder procedures tree fs ;;
	fs-main) echo base store vault decoder procedures tree fs ;;
	tools) echo base store crypto vault decoder procedures tools ;;
	esac
}

may_use_libraries() {
	case $1 in
	store) echo sqlite3 ;;
	crypto) echo crypto ;;
	decoder) echo seccomp ;;
	fs | fs-main) echo fuse3 seccomp ;;
	esac
}

# How a header of a library is recognised, and what a public header may not name.
header_of() {
	case $1 in
	sqlite3) echo 'sqlite3(ext)?\.h' ;;
	crypto) echo 'openssl/.*' ;;
	fuse3) echo '(fuse3/.*|fuse(_[a-z]+)?\.h|linux/fuse\.h)' ;;
	seccomp) echo 'seccomp\.h' ;;
	esac
}
foreign_names='sqlite3[a-z0-9_]*|fuse_[a-z0-9_]+|FUSE_[A-Z0-9_]+|EVP_[A-Za-z0-9_]+|OSSL_[A-Za-z0-9_]+'
foreign_names="$foreign_names|OPENSSL_[A-Za-z0-9_]+|X509[A-Za-z0-9_]*|BIO|BIO_[A-Za-z0-9_]+|BIGNUM"
foreign_names="$foreign_names|ASN1_[A-Za-z0-9_]+|PKCS(7|8|12)(_[A-Za-z0-9_]+)?|STACK_OF|GENERAL_NAMES?"

# ---- Helpers

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
: >"$work/violations"

violation() {
	printf '%s\n' "$*" | tee -a "$work/violations"
}

is_in() { # WORD LIST
	case " $2 " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# The file behind -lNAME, as the linker would find it.
library_file() {
	name=$1
	file=$(${CC:-cc} -print-file-name="lib$name.so" 2>/dev/null) || file=
	if [ ! -e "$file" ]; then
		package=$name
		case $name in
		crypto | seccomp) package=lib$name ;;
		esac
		file=$(pkg-config --variable=libdir "$package" 2>/dev/null)/lib$name.so || file=
	fi
	[ -e "$file" ] || {
		echo "check-layers.sh: there is no lib$name.so here" >&2
		return 1
	}
	printf '%s\n' "$file"
}

# ---- Symbols

# The global symbols that files define, one per line.
defined() {
	# In nm's portable format: [archive[member]:] NAME TYPE VALUE SIZE. Type A is a version node.
	nm -P --defined-only "$@" 2>/dev/null |
		awk 'NF >= 2 && $2 ~ /^[BCDGRSTVWi]$/ { sub(/@.*/, "", $1); print $1 }' | sort -u
}

# The symbols an archive needs, as MEMBER NAME; what it defines itself is taken out.
needed() {
	nm -P -A -u "$1" 2>/dev/null | awk -v own="$work/layer-$2" '
		BEGIN { while ((getline name < own) > 0) here[name] = 1 }
		{
			member = $1
			sub(/^.*\[/, "", member)
			sub(/\]:?$/, "", member)
			sub(/^.*\//, "", member)
			sub(/@.*/, "", $2)
			if (!($2 in here))
				print member, $2
		}' | sort -u
}

check_symbols() {
	build=$1
	missing=0
	for layer in $layers; do
		archive=$build/libcertfs-$layer.a
		if [ ! -f "$archive" ]; then
			violation "$archive is missing, so its layer can't be checked"
			missing=1
			continue
		fi
		defined -g "$archive" >"$work/layer-$layer"
		[ -s "$work/layer-$layer" ] || violation "$archive defines nothing"
	done
	[ $missing = 0 ] || return 0
	for library in $libraries; do
		file=$(library_file "$library") || exit 1
		defined -D "$file" >"$work/library-$library"
		[ -s "$work/library-$library" ] || {
			echo "check-layers.sh: $file shows no symbols" >&2
			exit 1
		}
	done
	for layer in $layers; do
		needed "$build/libcertfs-$layer.a" "$layer" >"$work/needed"
		for owner in $layers; do
			report_needed "$layer" layer "$owner"
		done
		for owner in $libraries; do
			report_needed "$layer" library "$owner"
		done
	done
}

# report_needed LAYER KIND OWNER: what the layer's members need of the owner and may not.
report_needed() {
	[ "$1" != "$3" ] || return 0
	awk -v own="$work/$2-$3" '
		BEGIN { while ((getline name < own) > 0) there[name] = 1 }
		$2 in there' "$work/needed" >"$work/found"
	while read -r member symbol; do
		user=$1
		case $1:$member in
		fs:main.c.o | fs:*_main.c.o) user=fs-main ;;
		esac
		may=$(may_use_layers "$user")
		[ "$2" = layer ] || may=$(may_use_libraries "$user")
		is_in "$3" "$may" || violation "libcertfs-$1.a: $member needs $symbol of $2 $3"
	done <"$work/found"
}

# ---- Includes

# The layer a source belongs to.
layer_of() {
	case $1 in
	core/*/*) printf '%s\n' "$1" | cut -d/ -f2 ;;
	fs/main.c) echo fs-main ;;
	fs/*) echo fs ;;
	tools/*) echo tools ;;
	esac
}

check_includes() {
	find core fs tools -name '*.[ch]' 2>/dev/null | sort >"$work/sources"
	[ -s "$work/sources" ] || violation "there are no sources in core, fs and tools"
	while read -r source; do
		layer=$(layer_of "$source")
		case $source in
		tools/bench/*) continue ;; # measures from outside
		core/*)
			is_in "$layer" "$layers" ||
				violation "$source: there is no layer $layer"
			;;
		esac
		sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]\([^>"]*\)[>"].*/\1/p' \
			"$source" >"$work/includes"
		while read -r header; do
			check_include "$source" "$layer" "$header"
		done <"$work/includes"
	done <"$work/sources"
}

check_include() { # SOURCE LAYER HEADER
	for library in $libraries; do
		if printf '%s\n' "$3" | grep -qxE "$(header_of "$library")"; then
			is_in "$library" "$(may_use_libraries "$2")" ||
				violation "$1: includes $3, which is not for $2"
			case $1 in
			core/*_private.h) ;;
			core/*.h) violation "$1: a public header includes $3" ;;
			esac
		fi
	done
	# Ours, from the top or relative to the file.
	case $3 in
	../*/*) header=$(dirname "$(dirname "$1")")/${3#../} ;;
	*/*) header=$3 ;;
	*) header=$(dirname "$1")/$3 ;;
	esac
	[ -f "$header" ] || return 0
	other=$(layer_of "$header")
	[ "$other" != fs-main ] || other=fs
	is_in "$other" "$(may_use_layers "$2")" ||
		violation "$1: includes $3, which is not for $2"
	case $header in
	*_private.h)
		[ "$(dirname "$header")" = "$(dirname "$1")" ] ||
			violation "$1: includes $3, which is private to $(dirname "$header")"
		;;
	esac
}

# Public headers name no foreign type. Comments may.
check_headers() {
	find core -name '*.h' ! -name '*_private.h' 2>/dev/null | sort >"$work/headers"
	while read -r header; do
		awk '
			{
				text = $0
				out = ""
				while (text != "") {
					if (inside) {
						end = index(text, "*/")
						if (!end)
							break
						text = substr(text, end + 2)
						inside = 0
						continue
					}
					start = index(text, "/*")
					line = index(text, "//")
					if (line && (!start || line < start)) {
						out = out substr(text, 1, line - 1)
						break
					}
					if (!start) {
						out = out text
						break
					}
					out = out substr(text, 1, start - 1) " "
					text = substr(text, start + 2)
					inside = 1
				}
				print out
			}' "$header" | grep -noE "(^|[^A-Za-z0-9_])($foreign_names)([^A-Za-z0-9_]|\$)" |
			sed 's/[^A-Za-z0-9_:]//g' >"$work/names" || :
		while IFS=: read -r line name; do
			violation "$header:$line: a public header names $name"
		done <"$work/names"
	done <"$work/headers"
}

# ---- The self-test: a small program with each fault in turn

self_test() {
	script=$(cd -- "$(dirname -- "$0")" && pwd)/${0##*/}
	top=$work/self
	mkdir -p "$top/tools" "$top/fs" "$top/build"
	for layer in $layers; do
		[ "$layer" = fs ] || mkdir -p "$top/core/$layer"
	done
	cp "$script" "$top/tools/check-layers.sh"
	wrong=0

	put() { # FILE LINE...
		file=$1
		shift
		printf '%s\n' "$@" >"$top/$file"
	}
	clean() {
		rm -f "$top"/core/*/* "$top"/fs/* "$top"/build/*
		for layer in $layers; do
			[ "$layer" = fs ] || put "core/$layer/$layer.h" "void cf_${layer}_do(void);"
		done
		put core/base/base.c '#include "core/base/base.h"' 'void cf_base_do(void) {}'
		put core/store/store.c '#include <sqlite3.h>' '#include "core/base/base.h"' \
			'void cf_store_do(void) { cf_base_do(); sqlite3_shutdown(); }'
		put core/crypto/crypto.c '#include <openssl/crypto.h>' \
			'void cf_crypto_do(void) { OpenSSL_version_num(); }'
		put core/vault/vault.c '#include "core/store/store.h"' \
			'void cf_vault_do(void) { cf_store_do(); }'
		put core/decoder/decoder.c '#include "core/crypto/crypto.h"' \
			'void cf_decoder_do(void) { cf_crypto_do(); }'
		put core/procedures/procedures.c '#include "core/vault/vault.h"' \
			'void cf_procedures_do(void) { cf_vault_do(); }'
		put core/tree/tree.c '#include "core/procedures/procedures.h"' \
			'void cf_tree_do(void) { cf_procedures_do(); }'
		put fs/ops.c '#include "core/tree/tree.h"' 'extern void *fuse_req_userdata(void *);' \
			'void fs_do(void) { cf_tree_do(); fuse_req_userdata(0); }'
		put fs/main.c '#include "core/store/store.h"' 'void fs_main(void) { cf_store_do(); }'
	}
	# try WHAT [WANTED]: what it finds; WANTED is a pattern, none when nothing is to be found.
	try() {
		for layer in $layers; do
			folder=core/$layer
			[ "$layer" != fs ] || folder=fs
			objects=
			for source in "$top/$folder"/*.c; do
				object=$top/build/${layer}_${source##*/}.o
				# shellcheck disable=SC2086 # a list of words, or none
				${CC:-cc} ${flags-} -w -I "$top" -c "$source" -o "$object"
				objects="$objects $object"
			done
			rm -f "$top/build/libcertfs-$layer.a"
			# shellcheck disable=SC2086 # a list of words
			ar crs${thin-} "$top/build/libcertfs-$layer.a" $objects
		done
		status=0
		found=$(sh "$top/tools/check-layers.sh" "$top/build") || status=$?
		if [ $# -eq 1 ] && [ $status = 0 ]; then
			return 0
		elif [ $# -eq 2 ] && [ $status = 1 ] && printf '%s\n' "$found" | grep -qE "$2"; then
			return 0
		fi
		printf 'self-test: %s: exit status %s, found: %s\n' "$1" $status "${found:-nothing}"
		wrong=1
	}

	for thin in '' T; do
		clean
		try "nothing wrong"
		put core/base/extra.c 'extern int sqlite3_open(); int cf_base_extra(void) { return sqlite3_open(); }'
		try "SQLite in base" 'extra.c.o needs sqlite3_open of library sqlite3'
	done
	thin=
	clean
	flags='-fsanitize=address,undefined'
	try "sanitizers"
	flags=
	put core/store/extra.c 'extern int EVP_sha256(); int cf_store_extra(void) { return EVP_sha256(); }'
	try "OpenSSL in store" 'needs EVP_sha256 of library crypto'
	clean
	put core/tree/extra.c 'extern int fuse_reply_err(); int cf_tree_extra(void) { return fuse_reply_err(); }'
	try "libfuse in tree" 'needs fuse_reply_err of library fuse3'
	clean
	put core/decoder/extra.c 'extern void cf_store_do(void); void cf_decoder_extra(void) { cf_store_do(); }'
	try "store in decoder" 'needs cf_store_do of layer store'
	clean
	put core/base/extra.c 'extern void cf_tree_do(void); void cf_base_extra(void) { cf_tree_do(); }'
	try "tree in base" 'needs cf_tree_do of layer tree'
	clean
	put fs/extra.c 'extern void cf_vault_do(void); void fs_extra(void) { cf_vault_do(); }'
	try "vault in fs" 'needs cf_vault_do of layer vault'
	clean
	put core/tree/extra.h '#include <openssl/evp.h>'
	try "OpenSSL's header in tree" 'tree/extra.h: includes openssl/evp.h'
	clean
	put core/crypto/extra.h 'struct cf_key { EVP_PKEY *pkey; };'
	try "OpenSSL's type in a public header" 'crypto/extra.h:1: a public header names EVP_PKEY'
	put core/crypto/extra.h '/* An EVP_PKEY' ' * or X509 inside. */' 'struct cf_key; // EVP_PKEY'
	try "OpenSSL's type in a comment"
	put core/crypto/extra_private.h '#include <openssl/evp.h>' 'struct cf_key { EVP_PKEY *pkey; };'
	try "OpenSSL's type in a private header"
	put core/vault/extra.c '#include "core/crypto/extra_private.h"' 'int cf_vault_extra;'
	try "another folder's private header" 'vault/extra.c: includes core/crypto/extra_private.h, which is private'
	clean
	put core/crypto/extra.c '#include "../store/store.h"' 'int cf_crypto_extra;'
	try "store's header in crypto" 'crypto/extra.c: includes ../store/store.h'
	clean
	put tools/extra.c '#include <fuse_lowlevel.h>'
	try "libfuse's header in tools" 'tools/extra.c: includes fuse_lowlevel.h'
	rm -f "$top/tools/extra.c"
	[ $wrong = 0 ] || exit 1
	echo "check-layers.sh finds each fault of its self-test and nothing else"
}

# ---- Start

case ${1-} in
--self-test) self_test ;;
'' | -*)
	echo "usage: sh tools/check-layers.sh BUILD_DIR | --self-test" >&2
	exit 2
	;;
*)
	build=$(cd -- "$1" && pwd)
	cd -- "$(dirname -- "$0")/.."
	check_symbols "$build"
	check_includes
	check_headers
	count=$(wc -l <"$work/violations")
	[ "$count" -eq 0 ] || {
		echo "breaches of the layers: $((count))"
		exit 1
	}
	echo "each layer uses only what it may"
	;;
esac
