/* What must agree of the logs in a gate's policy: each with one key and one place, and each of use.
 * A quorum that nobody can reach, or a log that nobody is held against, is a mistake. */
#include "gate_internal.h"

struct log_at {
	const struct complaint *c;
	const struct node *root;
	const struct gate_log *l;
};

/* "log NAME " at the line of its key, for a sentence to go on. */
static struct wr *complain_log(const struct log_at *at, str key)
{
	const struct node *n = node_get(node_get(at->root, LIT("logs")), at->l->name);
	const struct node *m = node_get(n, key);
	struct wr *w = complain(at->c, m ? m->line : n->line);
	wr_lit(w, "log ");
	wr_str(w, at->l->name);
	wr_char(w, ' ');
	return w;
}

static ch_err wrong(struct wr *w, const char *what)
{
	wr_str(w, str_from_c(what));
	return ch_fail(CH_E_MISMATCH, "a log of the policy", 0);
}

static ch_err place_check(const struct log_at *at)
{
	const struct gate_log *l = at->l;
	if (!l->vkey.n == !l->vkey_file.n)
		return wrong(complain_log(at, LIT("vkey")),
			     l->vkey.n ? "has vkey and vkey_file; keep one"
				       : "has no key; name it by `vkey`, or by `vkey_file`, which "
					 "is log.vkey of the authority");
	if (!l->folder.n == !l->uri.n)
		return wrong(complain_log(at, LIT("uri")),
			     l->uri.n ? "has folder and uri; keep one"
				      : "says no place; name `folder`, which is log of this host's "
					"authority, or `uri`, like https://login.example/log");
	if (l->uri.n > 0 && l->socket.n > 0)
		return wrong(complain_log(at, LIT("socket")),
			     "has a socket, which belongs to a folder on this host; remove it");
	if (!l->client.n != !l->secret_file.n)
		return wrong(complain_log(at, l->client.n ? LIT("client") : LIT("secret_file")),
			     "needs both `client` and `secret_file`: who asks there, with the "
			     "scope log; or none of them");
	if (l->folder.n > 0 && l->client.n > 0)
		return wrong(complain_log(at, LIT("client")),
			     "has a folder on this host, where nobody is asked who he is; remove "
			     "client and secret_file");
	return CH_DONE;
}

static ch_err witnesses_check(const struct log_at *at)
{
	if (at->l->quorum > at->l->n_witnesses)
		return wrong(complain_log(at, LIT("quorum")),
			     "asks for more witnesses than it names; name them under `witnesses`, "
			     "or lower the quorum");
	if (at->l->n_witnesses > 0 && at->l->quorum == 0)
		return wrong(complain_log(at, LIT("witnesses")),
			     "names witnesses and no quorum; add `quorum: K`, how many of them "
			     "must vouch for it");
	return CH_DONE;
}

static bool is_used(const struct gate_config *g, str log)
{
	for (size_t i = 0; i < g->n_issuers; i++)
		if (str_eq(g->issuers[i].log, log))
			return true;
	return false;
}

static bool exists(const struct gate_config *g, str log)
{
	for (size_t i = 0; i < g->n_logs; i++)
		if (str_eq(g->logs[i].name, log))
			return true;
	return false;
}

static ch_err issuers_check(const struct complaint *c, const struct node *root,
			    const struct gate_config *g)
{
	const struct node *item = node_get(root, LIT("issuers"))->first;
	for (size_t i = 0; i < g->n_issuers; i++, item = item->next) {
		if (g->issuers[i].log.n == 0 || exists(g, g->issuers[i].log))
			continue;
		struct wr *w = complain(c, node_get(item, LIT("log"))->line);
		wr_lit(w, "there is no log ");
		wr_str(w, g->issuers[i].log);
		wr_lit(w, "; add it under `logs`, or name one of those");
		return ch_fail(CH_E_MISMATCH, "an issuer names a log that is not there", i);
	}
	return CH_DONE;
}

ch_err gate_logs_check(const struct complaint *c, const struct node *root, struct gate_config *g)
{
	TRY(issuers_check(c, root, g));
	for (size_t i = 0; i < g->n_logs; i++) {
		const struct log_at at = { c, root, &g->logs[i] };
		TRY(place_check(&at));
		TRY(witnesses_check(&at));
		if (!is_used(g, g->logs[i].name))
			return wrong(complain_log(&at, (str){ 0 }),
				     "is of no use: no issuer has `log: ` with its name; add that "
				     "to the issuers whose tokens it has, or remove it");
	}
	return CH_DONE;
}
