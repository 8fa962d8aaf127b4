/* What writing and checking share. */
#pragma once
#include "evidence/evidence.h"

/* --- parts of the file, in their order --- */

enum evidence_part {
	PART_ABOUT,
	PART_INPUT,
	PART_SIGNATURE,
	PART_KEY,
	PART_HISTORY,
	PART_CHECKPOINT,
	PART_EDGE,
	PART_ENTRIES, /* not of a thin file */
	PART_COUNT
};
struct part_rule {
	str name;
	uint64_t max;
};
extern const struct part_rule part_rules[PART_COUNT];

/* The text of evidence.json; there is one for what it says. */
enum { ABOUT_MAX = EVIDENCE_WHERE_MAX + NOTE_NAME_MAX + 1024 };
void about_write(struct wr *w, const struct evidence_file *f);
/* Sets origin, size, first, says_present and of e: where, minimum (as first), created_s, thin. E_SYNTAX,
 * E_UNSUPPORTED. `where` is a slice of the text. */
ch_err about_read(str text, struct evidence_file *f);

/* --- looking through entries --- */

struct scan {
	struct merkle_edge edge;
	const uint8_t *hash; /* looked for: TOKEN_ID_SIZE bytes */
	uint64_t first;
	uint64_t bytes; /* of the entries with their lengths */
	int64_t first_iat_s;
	bool found;
	uint64_t index;
};
/* From the edge of the tree's first entries on. */
struct scan scan_of(const struct merkle_edge *edge, const uint8_t hash[static TOKEN_ID_SIZE]);
/* E_SYNTAX: it is no entry. */
ch_err scan_entry(struct scan *s, bytes entry);
/* All to size out of a source; each bundle goes to fd as well, unless that is negative. */
ch_err scan_tiles(struct scan *s, struct tile_source *tiles, uint64_t size,
		  uint8_t room[static TILE_ROOM_MAX], int fd);
/* All to size out of one run of entries, and nothing is left. */
ch_err scan_bytes(struct scan *s, bytes entries, uint64_t size);
/* Does all that was seen give this head? */
ch_err scan_root(const struct scan *s, const struct checkpoint *head);
/* What was found, into the verdict, where the token's times are already. */
void scan_tell(const struct scan *s, struct evidence_verdict *v);

/* Token and head: checked, and what they say in the verdict. */
ch_err token_check(const struct evidence *e, str jwk, struct evidence_scratch *scratch,
		   struct evidence_verdict *v);
ch_err head_check(const struct evidence *e, const struct note_key *log,
		  struct evidence_scratch *scratch, struct evidence_verdict *v);
