/* The set of what is revoked, in the caller's storage: entries one behind the other, and an
 * index over them that grows as they do. It is asked for every token: a kind of which there is
 * none costs a compare. Must never forget what can still matter; when there is no room for
 * more it says so.
 *
 *   storage:  struct revoked | entries, most of them | places, at least twice as many */
#include "revoke/set.h"

#include "base/rand.h"
#include "crypto/short_hash.h"

enum { LINE = 64, PLACES_MIN = 1024 };

struct entry {
	uint64_t print[2]; /* kind and subject, under two keys */
	int64_t at_s;      /* of a client or user: tokens until then */
	int64_t until_s;   /* to be forgotten */
	uint8_t kind;
};

struct revoked {
	uint8_t keys[2][SHORT_HASH_KEY_SIZE];
	size_t most, n;
	size_t of[REVOKE_KIND_COUNT];
	size_t places; /* in use: a power of two; places_most of them fit */
	size_t places_most;
	struct entry *entries;
	uint32_t *index; /* an entry's number plus one; 0: free */
};

static size_t round_up(size_t n)
{
	return (n + LINE - 1) / LINE * LINE;
}

static size_t places_for(size_t n)
{
	size_t places = PLACES_MIN;
	while (places < 2 * n)
		places *= 2;
	return places;
}

size_t revoked_size(size_t most)
{
	if (most == 0 || most > REVOKED_MAX)
		return 0;
	return round_up(sizeof(struct revoked)) + round_up(most * sizeof(struct entry)) +
	       places_for(most) * sizeof(uint32_t);
}

ch_err revoked_init(void *storage, size_t n, size_t most, struct revoked **ret_s)
{
	struct revoked *s = storage;
	if (revoked_size(most) == 0 || n < revoked_size(most))
		return ch_fail(CH_E_RANGE, "too little storage for so many revocations", n);
	if ((uintptr_t)storage % LINE)
		return ch_fail(CH_E_USAGE, "storage must be aligned to 64 bytes", 0);
	*s = (struct revoked){ .most = most, .places = PLACES_MIN };
	rand_fill(s->keys, sizeof(s->keys));
	s->places_most = places_for(most);
	s->entries = (struct entry *)((uint8_t *)storage + round_up(sizeof(*s)));
	s->index = (uint32_t *)((uint8_t *)s->entries + round_up(most * sizeof(struct entry)));
	*ret_s = s;
	return CH_DONE;
}

static uint64_t print_of(const struct revoked *s, size_t key, enum revoke_kind kind, bytes subject)
{
	uint8_t room[1 + REVOKE_SUBJECT_MAX];
	struct wr w = wr_of(room, sizeof(room));
	wr_u8(&w, (uint8_t)kind);
	wr_put(&w, subject);
	return short_hash(s->keys[key], wr_bytes(&w));
}

/* Its place: of the one that is there, or the free one where it belongs. */
static uint32_t *place_of(const struct revoked *s, uint64_t first, uint64_t second)
{
	size_t at = (size_t)first & (s->places - 1);
	for (; s->index[at]; at = (at + 1) & (s->places - 1)) {
		const struct entry *e = &s->entries[s->index[at] - 1];
		if (e->print[0] == first && e->print[1] == second)
			break;
	}
	return &s->index[at];
}

static void index_again(struct revoked *s, size_t places)
{
	mem_zero(s->index, s->places * sizeof(*s->index));
	s->places = places;
	mem_zero(s->index, s->places * sizeof(*s->index));
	for (size_t i = 0; i < s->n; i++)
		*place_of(s, s->entries[i].print[0], s->entries[i].print[1]) = (uint32_t)i + 1;
}

static void forget_past(struct revoked *s, int64_t now_s)
{
	size_t kept = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (s->entries[i].until_s < now_s)
			s->of[s->entries[i].kind]--;
		else
			s->entries[kept++] = s->entries[i];
	}
	s->n = kept;
}

/* Before it grows, what is past goes: a long life costs what lives at a time. */
static ch_err make_room(struct revoked *s, int64_t now_s)
{
	if (s->n < s->most && 2 * (s->n + 1) <= s->places)
		return CH_DONE;
	forget_past(s, now_s);
	if (s->n >= s->most) {
		index_again(s, s->places);
		return ch_fail(CH_E_LIMIT, "more is revoked at a time than there is room for",
			       s->most);
	}
	/* half full at most after it, so that it is long until the next time */
	bool grows = 4 * (s->n + 1) > s->places && s->places < s->places_most;
	index_again(s, grows ? 2 * s->places : s->places);
	return CH_DONE;
}

static int64_t until_of(const struct revocation *r)
{
	if (r->kind == REVOKE_KEY)
		return INT64_MAX;
	int64_t slack = r->kind == REVOKE_TOKEN ? REVOKED_SLACK_S
						: REVOKED_TTL_MAX_S + REVOKED_SLACK_S;
	return r->when_s > INT64_MAX - slack ? INT64_MAX : r->when_s + slack;
}

bool revocation_is_past(const struct revocation *r, int64_t now_s)
{
	return until_of(r) < now_s;
}

ch_err revoked_add(struct revoked *s, const struct revocation *r, int64_t now_s)
{
	int64_t until = until_of(r);
	if (until < now_s)
		return CH_DONE;
	TRY(make_room(s, now_s));
	uint64_t first = print_of(s, 0, r->kind, r->subject);
	uint64_t second = print_of(s, 1, r->kind, r->subject);
	uint32_t *place = place_of(s, first, second);
	if (!*place) {
		s->entries[s->n++] =
			(struct entry){ { first, second }, r->when_s, until, (uint8_t)r->kind };
		s->of[r->kind]++;
		*place = (uint32_t)s->n;
		return CH_DONE;
	}
	struct entry *e = &s->entries[*place - 1];
	e->at_s = r->when_s > e->at_s ? r->when_s : e->at_s;
	e->until_s = until > e->until_s ? until : e->until_s;
	return CH_DONE;
}

size_t revoked_count(const struct revoked *s)
{
	return s->n;
}

void revoked_clear(struct revoked *s)
{
	s->n = 0;
	for (size_t i = 0; i < REVOKE_KIND_COUNT; i++)
		s->of[i] = 0;
	index_again(s, s->places);
}

static const struct entry *find(const struct revoked *s, enum revoke_kind kind, bytes subject)
{
	if (s->of[kind] == 0 || subject.n == 0 || subject.n > REVOKE_SUBJECT_MAX)
		return NULL;
	uint64_t first = print_of(s, 0, kind, subject);
	/* most are not there, and then one hash has told */
	if (!s->index[(size_t)first & (s->places - 1)])
		return NULL;
	uint32_t number = *place_of(s, first, print_of(s, 1, kind, subject));
	return number ? &s->entries[number - 1] : NULL;
}

enum revoke_kind revoked_find(const struct revoked *s, const struct revoked_query *q)
{
	const struct {
		enum revoke_kind kind;
		bytes subject;
	} parts[] = {
		{ REVOKE_TOKEN, { q->identity, q->identity ? REVOKE_TOKEN_ID : 0 } },
		{ REVOKE_GRANT, bytes_of_str(q->grant_id) },
		{ REVOKE_CLIENT, bytes_of_str(q->client_id) },
		{ REVOKE_USER, bytes_of_str(q->sub) },
		{ REVOKE_KEY, bytes_of_str(q->kid) },
	};
	if (s->n == 0)
		return 0;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		const struct entry *e = find(s, parts[i].kind, parts[i].subject);
		bool dated = parts[i].kind == REVOKE_CLIENT || parts[i].kind == REVOKE_USER;
		if (e && (!dated || q->iat <= e->at_s))
			return parts[i].kind;
	}
	return 0;
}
