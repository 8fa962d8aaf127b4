/* Evidence about one token, as one file that a third party checks offline, without us: is it validly
 * signed, and is it in the log? FORMAT.md says what is in it.
 *
 * Absence is found by looking, not proved by a proof: the file has every entry of the log from
 * its minimum index to a signed head (or, thin, says where they are), and the entries must
 * give the head's root. Then the token's hash is looked for among them. */
#pragma once
#include "base/err.h"
#include "merkle/checkpoint.h"
#include "merkle/source.h"
#include "token/facts.h"

enum {
	EVIDENCE_PART_MAX = 256 * 1024, /* of each part but the entries */
	EVIDENCE_HISTORY_MAX = 1024 * 1024,
	EVIDENCE_WHERE_MAX = 1024,
	/* An entry may be this much out of order by its iat, … */
	EVIDENCE_SKEW_S = 300,
	/* … and is in each head that is cosigned so long after its iat. */
	EVIDENCE_SETTLE_S = 2,
};

/* What a writer knows. */
struct evidence {
	str input;        /* what is signed: header.payload of the token, as sent */
	bytes signature;  /* as JOSE has it */
	str jwk;          /* the public key that the token names, as JSON */
	str history;      /* what is known of that key: its record and its life, as JSON */
	str checkpoint;   /* the head: signed, cosigned, with what witnesses' lines there are */
	str where;        /* the log's address, for people and for thin files; may be empty */
	uint64_t minimum; /* the log's minimum index */
	int64_t created_s;
	bool thin; /* without the entries */
};

/* What a checker believes beforehand. */
struct evidence_trust {
	struct note_key log;              /* NOTE_ED25519 */
	const struct note_key *witnesses; /* NOTE_COSIGNATURE */
	size_t n_witnesses;
	size_t quorum; /* so many of them must have cosigned the head */
	str jwk;       /* the key as its issuer publishes it; empty: the file's is taken */
};

/* Had the token been issued, would its entry be among those that were looked at? */
enum evidence_cover {
	EVIDENCE_COVERED,
	EVIDENCE_TOO_OLD, /* no: its iat is before the first of them, and older ones are not here */
	EVIDENCE_LEGACY,  /* no: its key, by its own record, signed it before that was logged */
	EVIDENCE_TOO_NEW, /* no: its iat is less than EVIDENCE_SETTLE_S before the head: take a newer */
	EVIDENCE_COVER_COUNT
};

/* Absence is shown when it is not present, and covered. */
struct evidence_verdict {
	bool present;      /* the token is in the log … */
	bool says_present; /* (what the file claims: to be the same) */
	bool key_is_known; /* the key is that of evidence_trust */
	bool is_legacy;    /* older than its key's `logged_from` */
	enum evidence_cover cover;
	uint64_t index;       /* … there */
	uint64_t first, size; /* these entries were looked at */
	int64_t head_time_s, created_s;
	size_t witnessed; /* witnesses that cosigned */
	uint8_t identity[TOKEN_ID_SIZE];
	int64_t iat_s, exp_s; /* as the token says, like those: */
	str kid, iss;         /* slices of the scratch or the file */
};

/* Working memory of one call; some 100 KiB. */
struct evidence_scratch {
	struct token_scratch token;
	struct log_head head;
	uint8_t tile[TILE_ROOM_MAX];
};

/* Writes the file to fd. All that a checker would check is checked first, but for witnesses, and
 * nothing is written before. E_MISMATCH: the signature is not the key's, the head is not this
 * log's, or the entries do not give its root; E_MISSING; E_SYNTAX; E_NOT_FOUND: a tile is
 * missing; E_LIMIT: a part is too large; E_IO, E_NO_ROOM: then what was written is no evidence. */
ch_err evidence_write(int fd, const struct evidence *e, const struct note_key *log,
		      struct tile_source *tiles, struct evidence_scratch *scratch,
		      struct evidence_verdict *ret_v);

/* A file taken apart; slices of it. */
struct evidence_file {
	struct evidence e;
	str origin;
	uint64_t size, first;
	bool says_present;
	str edge; /* a line for each hash of the right edge of the tree's first `first` entries */
	bytes entries; /* u16 length, entry; from first to size; empty of a thin file */
};
/* E_UNSUPPORTED: no evidence, or of another version; E_TRUNCATED, E_TRAILING, E_MISMATCH,
 * E_SYNTAX: damaged. Nothing of it is believed yet. */
ch_err evidence_open(bytes file, struct evidence_file *ret_f);

/* Checks all of it. tiles_or_null: where a thin file's entries come from; of others it is not
 * asked. E_MISMATCH: something does not fit the rest; E_MISSING: a signature, or too few
 * witnesses, or the entries of a thin file; E_NOT_FOUND: of a thin file, a tile. */
ch_err evidence_check(const struct evidence_file *f, const struct evidence_trust *t,
		      struct tile_source *tiles_or_null, struct evidence_scratch *scratch,
		      struct evidence_verdict *ret_v);
