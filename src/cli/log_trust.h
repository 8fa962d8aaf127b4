/* Whom the verbs of `chancery log` believe, and where the log is: options that they share. */
#pragma once
#include "log_source.h"
#include "merkle/checkpoint.h"
#include "options.h"

enum { LOG_WITNESSES_MAX = 16, LOG_TRUST_ROOM = 16 * 1024 };

struct log_trust {
	/* as given */
	const char *dir;  /* -C: an authority, for its log and its key */
	const char *vkey; /* the key itself, or a file that has it */
	const char *quorum_text;
	struct wr witness_list;
	struct log_place place;
	/* as read */
	bool has_log;
	struct note_key log;
	struct note_key witnesses[LOG_WITNESSES_MAX];
	size_t n, quorum;
	struct path folder;
	char list_room[LOG_TRUST_ROOM];
	char vkey_rooms[LOG_WITNESSES_MAX + 1][NOTE_VKEY_MAX + 2];
};

enum { LOG_TRUST_OPTIONS = 9 };
/* Fills specs; t is static or lives as long as they do. */
void log_trust_options(struct log_trust *t, struct option_spec specs[static LOG_TRUST_OPTIONS]);
#define LOG_TRUST_USAGE                                                                           \
	"  --vkey V          the log's verifier key, or a file with it (DIR/log.vkey)\n"          \
	"  --witness V       a witness that must have cosigned the head; more than once\n"        \
	"  --quorum K        so many of them are enough\n"                                        \
	"  --folder F        the log's folder (DIR/log), or\n"                                    \
	"  --url U           its address; with --client ID --secret-file F when it is not\n"      \
	"                    public, and --ca-file F when another than the system certifies it\n" \
	"  -C DIR            the authority whose log it is; without it $CHANCERY_DIR\n"

/* What was given, read; needs_log: there must be a folder or a URL. An exit status; it says what is
 * wrong. */
int log_trust_read(struct log_trust *t, bool needs_log, bool needs_vkey);
/* Was a folder or a URL named, or follows one from the authority? */
bool log_trust_has_place(const struct log_trust *t);
/* A head, as far as the trust goes: with a key, signed and cosigned under it, and by enough
 * witnesses; without one, only its form. E_MISMATCH, E_MISSING, E_SYNTAX. */
ch_err log_trust_head(const struct log_trust *t, str text, struct log_head *ret_h,
		      size_t *ret_witnessed);
