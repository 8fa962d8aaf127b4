/* Which dumps are wanted, by whose process it was and which file it ran: what the one who
 * crashes cannot choose. A rule that asks for a build id needs the core, so the redactor
 * judges from there on. */
#include "coredump_internal.h"

/* All but the build id. */
static bool fits(const struct dump_rule *r, const struct culprit *who)
{
	if (r->has_uid && (who->uid < r->uid_from || who->uid > r->uid_to))
		return false;
	return !r->has_file || (r->device == who->device && r->inode == who->inode);
}

static enum verdict decided(enum dump_wish wish, enum dump_wish *ret_wish)
{
	if (wish == WISH_NEVER)
		return VERDICT_NEVER;
	if (wish == WISH_FORMER)
		return VERDICT_FORMER;
	*ret_wish = wish;
	return VERDICT_DUMP;
}

enum verdict policy_judge(const struct dump_settings *s, const struct culprit *who,
			  enum dump_wish *ret_wish)
{
	for (size_t i = 0; i < s->n_rules; i++) {
		if (!fits(&s->rules[i], who))
			continue;
		if (s->rules[i].has_build_id)
			return VERDICT_ASK;
		return decided(s->rules[i].wish, ret_wish);
	}
	return decided(s->wish, ret_wish);
}

void policy_only_triage(struct redactor_config *c)
{
	if (c->wish != WISH_NEVER)
		c->wish = WISH_TRIAGE;
	for (size_t i = 0; i < c->n_rules; i++)
		if (c->rules[i].wish != WISH_NEVER)
			c->rules[i].wish = WISH_TRIAGE;
}
