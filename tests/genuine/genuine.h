/* A batch of genuine tokens, and the connections by which gates are shown them. */
#pragma once
#include <poll.h>

#include "crypto/key.h"

enum {
	BATCH_MAX = 8192,
	TOKEN_MAX = 1000,
	GATES_MAX = 4,
	EACH = 8, /* connections to a gate */
	REQUEST_MAX = 2048,
	ANSWER_MAX = 4096,
	/* a gate that cannot be reached or does not know is asked again so much later */
	AGAIN_MS = 20,
	REFUSED_AGAIN_MS = 200,
	PATIENCE_S = 300, /* then it is a failure */
};

struct token {
	char text[TOKEN_MAX];
	uint16_t n;
	bool was_refused;
	uint64_t due_ns, since_ns;
};

/* Tokens that wait to be shown to one gate, in the order in which they are due. */
struct queue {
	uint16_t at[BATCH_MAX];
	size_t first, n;
};

enum state { CLOSED, IDLE, ASKING, HEARING };

struct connection {
	enum state state;
	size_t gate, token, n, sent;
	int fd;
	uint32_t unused;
	uint64_t due_ns;
	uint8_t room[ANSWER_MAX]; /* the request, then its answer */
};

struct show {
	bool is_patient; /* what is refused is shown until it passes */
	size_t gates, left;
	uint16_t ports[GATES_MAX];
	char authorization[256];
	struct queue waiting[GATES_MAX];
	struct connection c[GATES_MAX * EACH];
	struct token tokens[BATCH_MAX];
	uint64_t passed, refused, unheard; /* unheard: no answer, asked again */
};

void die(const char *what);
/* Shows n tokens of s->tokens, each to any one gate, until all have been answered. */
void show_all(struct show *s, size_t n);
