/*
 * Certificates, requests and drafts: the narrow table that every listing reads, their blobs, and
 * the issuers that came along to a server.
 */
#pragma once

#include "core/store/store.h"

/* The numbers are stored. */
enum cf_state {
	CF_STATE_DRAFT = 1,
	CF_STATE_PENDING = 2,
	CF_STATE_COMPLETE = 3,
};

/*
 * One row. Texts are UTF-8, NUL-terminated, owned by the row, never NULL after a read; on writing
 * NULL counts as "". Columns a state has no use for are 0 or "". A t_ field is when that part
 * last changed (0: never had it).
 */
struct cf_certificate {
	int64_t id;
	uint8_t uuid[CF_UUID_SIZE];
	int64_t version;
	uint8_t mac[CF_SUM_SIZE];
	bool damaged; /* the row isn't what certfs wrote */
	int64_t server;
	char name[256];
	cf_time deleted;        /* 0: it is there */
	char deleted_name[256]; /* in _deleted, while it is there */
	int64_t with_server;    /* it was deleted together with its server */
	int64_t uid, gid, mode; /* -1: the mount's */
	cf_time created, mtime, ctime;
	cf_time t_name;   /* when it last got its name or place; set by insert and update */
	cf_time t_access; /* owner, group or mode: ctime of its files */
	int64_t state;    /* enum cf_state */

	/* what was asked for; of a certificate: what it says */
	char *subject;    /* distinguished name as shown; "" in a draft that has none */
	char *domains;    /* one per line, each line ends in LF */
	int64_t key_type; /* enum cf_key_type; 0 when none of them */
	int64_t exportable;
	int64_t exportable_given; /* of a draft: it was written, and is not the default */
	char *friendly_name;
	cf_time t_subject, t_domains, t_key_type, t_exportable, t_friendly;

	/* the key and the request */
	uint8_t spki_sum[CF_SUM_SIZE]; /* SHA-256 of SubjectPublicKeyInfo */
	int64_t key_len;               /* bytes of its PKCS#8 DER */
	uint8_t request_sha1[20];
	int64_t request_len; /* bytes of DER */
	cf_time t_request;

	/* the certificate */
	char *issuer, *serial, *key_algorithm, *signature_algorithm;
	char *enhanced_key_usage, *key_usage, *subject_key_id;
	uint8_t sha1[20]; /* thumbprint */
	int64_t key_bits, x509_version, self_signed;
	cf_time not_before, not_after;
	int64_t leaf_len; /* bytes of DER */
	cf_time t_complete;

	/* the issuers known now: leaf's issuer first, without the root */
	int64_t n_issuers;
	int64_t chain_pem_len, p7b_len; /* sizes of chain.pem and chain.p7b */
	cf_time t_chain;

	/* export.pfx */
	int64_t pfx_encryption, pfx_iterations, pfx_len;
	cf_time t_pfx;      /* encryption or iterations last set anew */
	cf_time t_password; /* export password of this certificate last set or cleared */
	int64_t has_password;

	/* services, one word per line in the order assigned, each line ends in LF */
	char *services;
	cf_time t_services;

	/* the verdict */
	int64_t status;        /* enum cf_verdict_status; 0 unless complete */
	char *reason;          /* "" when Valid */
	int64_t root_ca;       /* enum cf_root_ca */
	cf_time verdict_since; /* the date that brought it about, or when it was stored */
	cf_time next_change;   /* CF_NEVER */

	/* SHA-256 of the blobs below; zero when there is none. Set by cf_store_blob_put(). */
	uint8_t request_sum[CF_SUM_SIZE], leaf_sum[CF_SUM_SIZE], chain_sum[CF_SUM_SIZE];
};

void cf_certificate_done(struct cf_certificate *row);
CF_DEFINE_DONE(struct cf_certificate, cf_certificate_done);

/* Replace one of the texts above. 0 or -ENOMEM; unchanged on failure. */
int cf_set_text(char **slot, const char *text, struct cf_err *err);

/* 0 or -ENOENT. *ret is overwritten (not released first). Only what isn't deleted. */
int cf_store_certificate_get(struct cf_db *db, int64_t id, struct cf_certificate *ret,
			     struct cf_err *err);
int cf_store_certificate_find(struct cf_db *db, int64_t server, const char *name,
			      struct cf_certificate *ret, struct cf_err *err);
int cf_store_certificate_find_folded(struct cf_db *db, int64_t server, const char *name,
				     struct cf_certificate *ret, struct cf_err *err);

/* Also what is deleted; deleted.h has what finds that. */
int cf_store_certificate_get_any(struct cf_db *db, int64_t id, struct cf_certificate *ret,
				 struct cf_err *err);

/*
 * The next by id: of a server; of the whole store; with this public key; with this thumbprint.
 * 1, or 0 at the end.
 */
int cf_store_certificate_next(struct cf_db *db, int64_t server, int64_t after,
			      struct cf_certificate *ret, struct cf_err *err);
int cf_store_certificate_next_any(struct cf_db *db, int64_t after, struct cf_certificate *ret,
				  struct cf_err *err);
int cf_store_certificate_next_with_key(struct cf_db *db, const uint8_t spki_sum[CF_SUM_SIZE],
				       int64_t after, struct cf_certificate *ret,
				       struct cf_err *err);

int cf_store_certificate_next_with_thumbprint(struct cf_db *db, const uint8_t sha1[20],
					      int64_t after, struct cf_certificate *ret,
					      struct cf_err *err);

/*
 * The next by id among those whose next_change is at or before t; the earliest next_change
 * (CF_NEVER).
 */
int cf_store_certificate_next_due(struct cf_db *db, cf_time t, int64_t after,
				  struct cf_certificate *ret, struct cf_err *err);
int cf_store_certificate_earliest(struct cf_db *db, cf_time *ret, struct cf_err *err);
int cf_store_certificate_count(struct cf_db *db, int64_t server, int64_t *ret, struct cf_err *err);

/*
 * Fills id, uuid, version, mac. -EEXIST when the folded name is taken in the server. Records
 * the certificate, and LISTING of the server.
 */
int cf_store_certificate_insert(struct cf_db *db, struct cf_certificate *row, struct cf_err *err);

/*
 * Write all columns. -EAGAIN when row->version isn't the stored one, -EEXIST as above. When
 * name, server or deleted differ from what is stored, the old name is recorded as gone and the
 * listing of the servers concerned as changed; tallies move with it. Of what was deleted the gone
 * name is that in _deleted (CF_OBJECT_DELETED_CERTIFICATE).
 */
int cf_store_certificate_update(struct cf_db *db, struct cf_certificate *row, unsigned what,
				struct cf_err *err);

/*
 * Remove it for good, with its blobs and secrets. -EAGAIN as above. Records it as gone, and the
 * listing of its server.
 */
int cf_store_certificate_purge(struct cf_db *db, const struct cf_certificate *row,
			       struct cf_err *err);

enum cf_blob {
	CF_BLOB_REQUEST = 1, /* PKCS#10 DER */
	CF_BLOB_LEAF = 2,    /* certificate DER */
	CF_BLOB_CHAIN = 3,   /* issuers, cf_pack_bytes() one after the other */
};

/* Store a blob and set its digest in *row; the caller updates the row in the same transaction. */
int cf_store_blob_put(struct cf_db *db, struct cf_certificate *row, enum cf_blob kind,
		      struct cf_span data, struct cf_err *err);
/*
 * Append it to out, checked against the row's digest. 0, -ENOENT, -EIO when it isn't what was
 * stored.
 */
int cf_store_blob_get(struct cf_db *db, const struct cf_certificate *row, enum cf_blob kind,
		      struct cf_buf *out, struct cf_err *err);

/*
 * Issuer certificates that came along to a server, by the SHA-256 of their DER. Adding again
 * changes nothing (*ret_new false).
 */
int cf_store_issuer_add(struct cf_db *db, int64_t server, struct cf_span der, bool *ret_new,
			struct cf_err *err);
/* Next by id: 1 and der replaced, or 0. A damaged one is -EIO. */
int cf_store_issuer_next(struct cf_db *db, int64_t server, int64_t after, int64_t *ret_id,
			 struct cf_buf *der, struct cf_err *err);
