/* Clients as the store has them, kept in memory: a token request must not cost a query.
 * Once a turn the store is asked whether somebody else has written; then all are
 * forgotten, so that a disabled client is out at the next request. */
#include "issuer.h"

void clients_init(struct clients *c)
{
	arena_init(&c->arena, c->memory, sizeof(c->memory));
}

static void forget(struct clients *c)
{
	for (size_t i = 0; i < COUNT_OF(c->table); i++)
		c->table[i] = NULL;
	c->n = 0;
	arena_reset(&c->arena);
}

static ch_err refresh(struct issuer *is)
{
	uint64_t version = 0;
	if (is->clients.checked)
		return CH_DONE;
	TRY(store_version(is->store, &version));
	if (version != is->clients.version)
		forget(&is->clients);
	is->clients.version = version;
	is->clients.checked = true;
	return CH_DONE;
}

/* FNV-1a; a table of clients that an administrator made is nobody's to flood. */
static size_t place_of(str realm, str id)
{
	uint64_t h = 14695981039346656037U;
	const str parts[] = { realm, LIT("/"), id };
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		for (size_t k = 0; k < parts[i].n; k++)
			h = (h ^ (uint8_t)parts[i].p[k]) * 1099511628211U;
	return (size_t)(h % (CLIENTS_MAX * 2));
}

static struct store_client **find_place(struct clients *c, str realm, str id)
{
	size_t at = place_of(realm, id);
	while (c->table[at] &&
	       !(str_eq(c->table[at]->id, id) && str_eq(c->table[at]->realm, realm)))
		at = (at + 1) % COUNT_OF(c->table);
	return &c->table[at];
}

static ch_err load(struct issuer *is, str realm, str id, struct store_client **ret_c)
{
	struct clients *c = &is->clients;
	struct store_client *one = arena_new(&c->arena, struct store_client, 1);
	if (!one)
		return ch_fail(CH_E_LIMIT, "no room to keep a client", c->arena.cap);
	TRY(store_client_get(is->store, realm, id, &c->arena, one));
	*ret_c = one;
	return CH_DONE;
}

ch_err client_find(struct issuer *is, str realm, str id, const struct store_client **ret_c)
{
	struct clients *c = &is->clients;
	struct store_client **place = NULL;
	TRY(refresh(is));
	place = find_place(c, realm, id);
	if (!*place) {
		/* unknown ids must not fill the memory, nor known ones overfill it */
		size_t used = c->arena.used;
		struct store_client *one = NULL;
		if (c->n >= CLIENTS_MAX || arena_left(&c->arena) < CLIENT_MEMORY) {
			forget(c);
			used = 0;
			place = find_place(c, realm, id);
		}
		ch_err e = load(is, realm, id, &one);
		if (failed(e)) {
			c->arena.used = used;
			return e;
		}
		*place = one;
		c->n++;
	}
	if ((*place)->disabled)
		return ch_fail(CH_E_NOT_FOUND, "the client is disabled", 0);
	*ret_c = *place;
	return CH_DONE;
}
