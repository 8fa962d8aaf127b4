/* What `chancery user` and `chancery client` have in common: their verbs, each written once
 * for both. What differs is in struct admin_kind. */
#pragma once
#include "audit.h"
#include "authority.h"
#include "options.h"
#include "attrs.h"
#include "stores.h"

enum {
	V_ADD = 1,
	V_SHOW = 2,
	V_EDIT = 4,
	V_DISABLE = 8,
	V_ENABLE = 16,
	V_REMOVE = 32,
	V_RESET = 64,
	V_LIST = 128,
	V_EXPORT = 256,
	V_IMPORT = 512,
	V_ONE = V_ADD | V_SHOW | V_EDIT | V_DISABLE | V_ENABLE | V_REMOVE | V_RESET,
	V_ALL = V_ONE | V_LIST | V_EXPORT | V_IMPORT,
};

union admin_row {
	struct store_user user;
	struct store_client client;
};

struct admin_each {
	ch_err (*one)(void *ctx, const union admin_row *row);
	void *ctx;
};

struct admin_call;

/* A verb that needs more than the others is the kind's own; they return the exit status. */
struct admin_kind {
	const char *noun; /* "user" */
	const char *usage;
	const char *id_option;     /* whose value is attribute 1 */
	const char *secret_option; /* file of its password or secret */
	const char *own_flag;      /* --generate, --public; not with that file */
	unsigned own_flag_verbs;
	const char *secret_name; /* the same in JSON */
	struct attrs attrs;      /* attributes 0 and 1: realm and id */
	/* What *known is about, by its id; E_NOT_FOUND, E_MISMATCH. */
	ch_err (*find)(struct store *s, const union admin_row *known, struct arena *a,
		       union admin_row *ret_row);
	ch_err (*insert)(struct store *s, union admin_row *row, struct arena *a);
	ch_err (*set)(struct store *s, const union admin_row *row);
	ch_err (*end)(struct store *s, const union admin_row *row);
	ch_err (*remove)(struct store *s, const union admin_row *row);
	ch_err (*list)(struct store *s, str realm, const struct admin_each *each);
	/* What a new one has without being told. */
	void (*complete)(const struct config_realm *realm, union admin_row *row);
	/* Does it fit the realm? Says what does not. */
	bool (*fits)(const struct config_realm *realm, const union admin_row *row);
	/* May an import bring this row in (old: NULL when it is new)? May be NULL. */
	ch_err (*brought)(const union admin_row *old_or_null, const union admin_row *row);
	/* What follows from an edit of something else; may be NULL. */
	void (*follow)(const struct admin_call *c, const union admin_row *old,
		       union admin_row *row);
	/* Reads files that options name, before the store is opened: root can read them no more
	 * then. May be NULL. */
	int (*prepare)(struct admin_call *c);
	bool *(*disabled)(union admin_row *row);
	int (*add)(struct admin_call *c);
	int (*reset)(struct admin_call *c);
};

enum admin_outcome {
	ADMIN_ADDED,
	ADMIN_SAME,
	ADMIN_CHANGED,
	ADMIN_REMOVED,
	ADMIN_ABSENT,
	ADMIN_RESET,
	ADMIN_OUTCOMES,
};

struct admin_call {
	const struct admin_kind *kind;
	struct authority a;
	struct arena arena;
	const char *dir, *realm, *id, *file, *secret_file;
	bool json, hashes, dry_run, own_flag;
	struct given given[ATTRS_MAX];
	const char *verb;   /* "add" */
	struct audit audit; /* from admin_begin to admin_end */
	char became[1024];  /* what the audit is told … */
	struct wr became_w;
	size_t told; /* entries of a list in JSON so far */
	bool in_list;
};

/* Runs `chancery NOUN VERB …`. */
int admin_main(const struct admin_kind *kind, int argc, char **argv);

/* The row that realm and id of the call name. */
union admin_row admin_named(const struct admin_call *c);
str admin_id(const struct admin_call *c, const union admin_row *row);
/* Says that something failed about what the call names. */
int admin_trouble(const struct admin_call *c, const char *what, ch_err e);

/* Around what changes something: nothing may be changed when the first is not EXIT_YES. The
 * second records what became of it, as admin_note said, and returns the exit status. */
int admin_begin(struct admin_call *c);
int admin_end(struct admin_call *c, int status);
/* What became of it, for the audit; admin_tell does so too. */
void admin_note(struct admin_call *c, enum admin_outcome outcome, uint32_t changed);
/* The same of one of many. EXIT_TROUBLE: it cannot be recorded. */
int admin_note_item(struct admin_call *c, const union admin_row *row, enum admin_outcome outcome,
		    uint32_t changed);

/* Results: what became of one, on standard output. changed: bits of attrs_diff. secret: what
 * was made and is shown this once, or empty. */
void admin_tell(struct admin_call *c, const union admin_row *row, enum admin_outcome outcome,
		uint32_t changed, str secret);
/* The row itself as JSON. */
ch_err admin_print_json(struct admin_call *c, const union admin_row *row);
void admin_list_begin(struct admin_call *c);
void admin_list_end(struct admin_call *c);

/* In one transaction: finds what the call names, lets run change row and store, and tells.
 * E_USAGE of run: it has said what is wrong. */
struct admin_change {
	ch_err (*run)(struct admin_call *c, struct store *s, union admin_row *row, void *ctx);
	void *ctx;
	enum admin_outcome done; /* told when it was done; CHANGED becomes SAME without a change */
	str secret;
};
int admin_change(struct admin_call *c, const struct admin_change *change);

/* The verbs that are the same for all. */
int admin_show(struct admin_call *c);
int admin_list(struct admin_call *c);
int admin_export(struct admin_call *c);
int admin_edit(struct admin_call *c);
int admin_disable(struct admin_call *c);
int admin_enable(struct admin_call *c);
int admin_remove(struct admin_call *c);
int admin_import(struct admin_call *c);
