/* The hunter looks for one private key, and for the nonces of signatures made with it,
 * in files, cores and live processes, in every form that would give the key away. It is a
 * program of the tests: it holds the key itself, and says where it found it, never what. */
#pragma once
#include <sys/types.h>

#include "base/bytes.h"

enum { WINDOW = 8, TEXT_RUN_MIN = 16, NAMES_MAX = 24, SIGNATURES_A_HUNT = 1024 };

enum form {
	FORM_BIG_ENDIAN,
	FORM_LITTLE_ENDIAN,
	FORM_HEX_LOWER,
	FORM_HEX_UPPER,
	FORM_BASE64,
	FORM_BASE64URL,
	FORM_COUNT
};

/* of a core: memory and registers; the rest of it is "other" */
enum place { PLACE_FILE, PLACE_MEMORY, PLACE_REGISTERS, PLACE_OTHER, PLACE_COUNT };

extern const char *const form_names[FORM_COUNT];
extern const char *const place_names[PLACE_COUNT];

/* One spelling of one secret. A run of it that is at least run_min long is a find. */
struct sequence {
	const uint8_t *p;
	uint32_t n, run_min;
	uint32_t owner; /* 0: the key; else 1 + the signature's number */
	uint8_t name, form;
};

struct prey {
	struct sequence *sequences;
	size_t n, cap;
	const char *names[NAMES_MAX];
	size_t n_names;
};

/* forms.c: every spelling of a secret, or only the two byte orders. Copies it. */
void prey_add(struct prey *prey, const char *name, uint32_t owner, bytes secret, bool texts);
/* Lets go of all sequences; names keep their numbers. */
void prey_clear(struct prey *prey);

/* material.c: a PEM file (or /dev/fd/N) into prey. False: it is no such key. */
struct material;
struct material *material_read(const char *path, struct prey *prey);
void material_free(struct material *m);
const char *material_alg(const struct material *m);
/* What a token's signature would give away. False: it is no token of this key. */
bool material_add_token(const struct material *m, str token, uint32_t owner, struct prey *prey);

struct find {
	uint64_t runs, whole, longest;
	char first[96]; /* where the first one was */
};

struct finds {
	struct find at[NAMES_MAX][FORM_COUNT][PLACE_COUNT];
	uint64_t bytes;
	uint8_t *owners[PLACE_COUNT]; /* a byte an owner: was found there */
	size_t n_owners;
};

/* index.c */
struct index;
struct index *index_new(const struct prey *prey);
void index_free(struct index *x);
void index_hunt(const struct index *x, bytes hay, enum place place, const char *where,
		struct finds *finds);

/* inputs.c: each gives every byte of it to take(). */
struct input_eater {
	void (*take)(struct input_eater *e, bytes hay, enum place place, const char *where);
	/* a region of a process that cannot be read */
	void (*refused)(struct input_eater *e, pid_t pid, const char *region, size_t n, int error);
};
/* A file, a core, a folder with all below it, or - for standard input. */
bool input_path(struct input_eater *e, const char *path);
bool input_process(struct input_eater *e, pid_t pid);
