/* What must agree in a gate's policy. A policy that contradicts itself is refused whole:
 * what an operator thinks is checked and is not, is a door. */
#include "gate_internal.h"

static const struct node *nth(const struct node *list, size_t n)
{
	const struct node *item = list->first;
	while (n-- > 0)
		item = item->next;
	return item;
}

static ch_err issuers_check(const struct complaint *c, const struct node *root,
			    const struct gate_config *g)
{
	for (size_t i = 0; i < g->n_issuers; i++)
		for (size_t j = 0; j < i; j++) {
			if (!str_eq(g->issuers[i].issuer, g->issuers[j].issuer))
				continue;
			const struct node *item = nth(node_get(root, LIT("issuers")), i);
			struct wr *w = complain(c, node_get(item, LIT("issuer"))->line);
			complain_quote(w, g->issuers[i].issuer);
			wr_lit(w, " is here twice; keep one");
			return ch_fail(CH_E_DUPLICATE, "an issuer occurs twice", i);
		}
	return CH_DONE;
}

/* Of two places to have keys from, exactly one. */
static ch_err jwks_check(const struct complaint *c, const struct node *root,
			 const struct gate_config *g)
{
	for (size_t i = 0; i < g->n_issuers; i++) {
		const struct gate_issuer *issuer = &g->issuers[i];
		const struct node *item = nth(node_get(root, LIT("issuers")), i);
		const struct node *uri = node_get(item, LIT("jwks_uri"));
		if (!issuer->jwks.n != !issuer->jwks_uri.n)
			continue;
		struct wr *w = complain(c, uri ? uri->line : item->line);
		wr_lit(w, "issuer ");
		complain_quote(w, issuer->issuer);
		if (uri) {
			wr_lit(w, " has jwks_file and jwks_uri; keep one");
			return ch_fail(CH_E_DUPLICATE, "an issuer has two JWK sets", i);
		}
		wr_lit(w, " has no keys; name its JWK set by jwks_file or jwks_uri");
		return ch_fail(CH_E_MISSING, "an issuer has no JWK set", i);
	}
	return CH_DONE;
}

/* Where revocations come from: one place, with all that it needs. */
static ch_err revocations_check(const struct complaint *c, const struct node *root,
				const struct gate_config *g)
{
	for (size_t i = 0; i < g->n_issuers; i++) {
		const struct gate_revocations *r = &g->issuers[i].revocations;
		const struct node *item = nth(node_get(root, LIT("issuers")), i);
		const struct node *n = node_get(item, LIT("revocations"));
		bool asks = r->client.n > 0 && r->secret_file.n > 0;
		bool half = !asks && (r->client.n > 0 || r->secret_file.n > 0);
		const char *why = NULL;
		if (!n)
			continue;
		if (r->folder.n > 0 && r->uri.n > 0)
			why = "revocations has folder and uri; keep one";
		else if (!r->folder.n && !r->uri.n)
			why = "revocations says no place; name `folder`, the chain of a realm of "
			      "this host's authority, or `uri`, like "
			      "https://login.example/corp/revocations";
		else if (r->uri.n > 0 ? !asks : asks || half)
			why = r->uri.n > 0 ? "revocations by uri needs `client` and `secret_file`: "
					     "who asks there, with the scope revocations"
					   : "revocations from a folder needs no client and no "
					     "secret_file; remove them";
		if (!why)
			continue;
		wr_str(complain(c, n->line), str_from_c(why));
		return ch_fail(CH_E_MISMATCH, "where revocations come from", i);
	}
	return CH_DONE;
}

/* Gives the patterns to each issuer of the realm; says how many there are. */
static size_t hand_out(const struct realm_mailboxes *m, struct gate_config *g)
{
	size_t found = 0;
	for (size_t i = 0; i < g->n_issuers; i++) {
		if (!str_eq(g->issuers[i].realm, m->realm))
			continue;
		for (size_t p = 0; p < m->n; p++)
			g->issuers[i].mailboxes[p] = m->patterns[p];
		g->issuers[i].n_mailboxes = m->n;
		found++;
	}
	return found;
}

/* The answer names users and the secret travels in clear: loopback only. */
static ch_err listen_check(const struct complaint *c, const struct node *root, str host)
{
	if (host.n == 0 || str_starts(host, LIT("127.")) || str_eq(host, LIT("::1")))
		return CH_DONE;
	wr_lit(complain(c, node_get(root, LIT("listen"))->line),
	       "listen: a gate serves this host only; write 127.0.0.1:PORT or '[::1]:PORT'");
	return ch_fail(CH_E_DENIED, "a gate listens on loopback only", host.n);
}

static ch_err mailboxes_join(const struct complaint *c, const struct node *root,
			     struct gate_draft *d)
{
	for (size_t i = 0; i < d->n_mailboxes; i++) {
		if (hand_out(&d->mailboxes[i], &d->file.gate) > 0)
			continue;
		const struct node *all = node_get(root, LIT("mailboxes"));
		struct wr *w = complain(c, node_get(all, d->mailboxes[i].realm)->line);
		wr_lit(w, "no issuer has realm ");
		wr_str(w, d->mailboxes[i].realm);
		wr_lit(w, "; name the realm of one of the issuers above, or remove the line");
		return ch_fail(CH_E_MISMATCH, "mailboxes of a realm without an issuer", i);
	}
	return CH_DONE;
}

/* At the line of a key of the file, or of what stands for it. */
static struct wr *complain_key(const struct complaint *c, const struct node *root, str key)
{
	const struct node *n = node_get(root, key);
	return complain(c, n ? n->line : root->line);
}

static ch_err missing(struct wr *w, const char *what)
{
	wr_str(w, str_from_c(what));
	return ch_fail(CH_E_MISSING, "a key is missing beside another", 0);
}

/* Each way in with all that it needs, and nothing that stands there for nothing. */
static ch_err ways_in_check(const struct complaint *c, const struct node *root,
			    const struct gate_draft *d)
{
	bool listens = d->file.host.n > 0, socket = d->file.socket.n > 0;
	if (!listens && !socket)
		return missing(complain_key(c, root, LIT("listen")),
			       "nobody can ask this gate; add `listen: 127.0.0.1:8090` for mail "
			       "servers or `socket: PATH` for web servers, or both");
	if (listens && !node_get(root, LIT("client")))
		return missing(complain_key(c, root, LIT("listen")),
			       "key \"client\" is missing in the file; add who may ask at this "
			       "port, id and secret_file");
	if (!listens && node_get(root, LIT("client")))
		return missing(complain_key(c, root, LIT("client")),
			       "client: there is no `listen`; add it, or remove the client");
	if (socket && d->file.gate.n_locations == 0)
		return missing(complain_key(c, root, LIT("socket")),
			       "key \"locations\" is missing in the file; add what web servers "
			       "may ask for at this socket");
	if (!socket && d->file.gate.n_locations > 0)
		return missing(complain_key(c, root, LIT("locations")),
			       "locations: there is no `socket`; add it, or remove the locations");
	return CH_DONE;
}

static ch_err periods_check(const struct complaint *c, const struct node *root,
			    const struct gate_config *g)
{
	for (size_t i = 0; i < g->n_issuers; i++) {
		const struct gate_issuer *from = &g->issuers[i];
		const struct node *keys =
			node_get(nth(node_get(root, LIT("issuers")), i), LIT("keys"));
		for (size_t k = 0; k < from->n_periods; k++) {
			const struct gate_period *p = &from->periods[k];
			bool twice = false;
			for (size_t j = 0; j < k; j++)
				twice = twice || str_eq(from->periods[j].kid, p->kid);
			if (!twice && (p->until_s == 0 || p->from_s < p->until_s))
				continue;
			struct wr *w = complain(c, nth(keys, k)->line);
			complain_quote(w, p->kid);
			wr_str(w, twice ? LIT(" is here twice; keep one")
					: LIT(" ends before it begins; mend from or until"));
			return ch_fail(CH_E_MISMATCH, "the period of a key", k);
		}
	}
	return CH_DONE;
}

struct place {
	const struct complaint *c;
	const struct node *root;
	const struct gate_config *g;
	const struct gate_location *l;
};

/* "location NAME " at the line of its key, for a sentence to go on. */
static struct wr *complain_place(const struct place *p, str key)
{
	const struct node *n = node_get(node_get(p->root, LIT("locations")), p->l->name);
	const struct node *m = node_get(n, key);
	struct wr *w = complain(p->c, m ? m->line : n->line);
	wr_lit(w, "location ");
	wr_str(w, p->l->name);
	wr_char(w, ' ');
	return w;
}

static bool has(const str *texts, size_t n, str text)
{
	bool found = false;
	for (size_t i = 0; i < n; i++)
		found = found || str_eq(texts[i], text);
	return found;
}

static ch_err realm_exists(const struct place *p, str realm)
{
	for (size_t i = 0; i < p->g->n_issuers; i++)
		if (str_eq(p->g->issuers[i].realm, realm))
			return CH_DONE;
	struct wr *w = complain_place(p, LIT("realms"));
	wr_lit(w, "allows realm ");
	wr_str(w, realm);
	wr_lit(w, ", which no issuer has; name the realm of one of the issuers");
	return ch_fail(CH_E_MISMATCH, "a location's realm is of no issuer", 0);
}

/* Somebody whom this location allows must be able to send it. */
static ch_err audience_exists(const struct place *p, str audience)
{
	for (size_t i = 0; i < p->g->n_issuers; i++) {
		const struct gate_issuer *from = &p->g->issuers[i];
		if (has(p->l->realms, p->l->n_realms, from->realm) &&
		    has(from->audiences, from->n_audiences, audience))
			return CH_DONE;
	}
	struct wr *w = complain_place(p, LIT("audiences"));
	wr_lit(w, "asks for audience ");
	complain_quote(w, audience);
	wr_lit(w, ", which no issuer of its realms may send; add it to the audiences of one");
	return ch_fail(CH_E_MISMATCH, "a location's audience is of no issuer", 0);
}

static ch_err location_check(const struct place *p)
{
	for (size_t i = 0; i < p->l->n_realms; i++)
		TRY(realm_exists(p, p->l->realms[i]));
	for (size_t i = 0; i < p->l->n_audiences; i++)
		TRY(audience_exists(p, p->l->audiences[i]));
	if (p->l->binding != BINDING_REFUSED && p->l->origin.n == 0)
		return missing(complain_place(p, LIT("binding")),
			       "has no origin, which DPoP proofs are compared with; add `origin: "
			       "https://HOST`, or `binding: refused` to take bearer tokens alone");
	if (p->l->binding == BINDING_REFUSED && p->l->nonce)
		return missing(complain_place(p, LIT("nonce")),
			       "asks for nonces and refuses proofs; remove one of the two lines");
	return CH_DONE;
}

ch_err gate_draft_check(const struct complaint *c, const struct node *root, struct gate_draft *d)
{
	struct gate_config *g = &d->file.gate;
	TRY(ways_in_check(c, root, d));
	TRY(listen_check(c, root, d->file.host));
	TRY(issuers_check(c, root, g));
	TRY(jwks_check(c, root, g));
	TRY(revocations_check(c, root, g));
	TRY(gate_logs_check(c, root, g));
	TRY(periods_check(c, root, g));
	TRY(mailboxes_join(c, root, d));
	for (size_t i = 0; i < g->n_locations; i++)
		TRY(location_check(&(struct place){ c, root, g, &g->locations[i] }));
	g->introspects = d->file.host.n > 0;
	g->checks = d->file.socket.n > 0;
	g->reports = g->collector.uri.n > 0;
	return CH_DONE;
}
