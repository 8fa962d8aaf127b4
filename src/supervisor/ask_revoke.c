/* A command that waits until an issuer has put what is due into its chains of revocations. The
 * supervisor knows neither: it passes the word on, and the answer back. */
#include "base/clock.h"
#include "base/file.h"
#include "supervisor_internal.h"

enum { PATIENCE_MS = 15000 };

static void end(struct revoke_asker *a, ch_err result)
{
	control_answer(a->fd, result);
	fd_close(&a->fd);
	a->number = 0;
}

static struct revoke_asker *free_place(struct supervisor *s)
{
	for (size_t i = 0; i < REVOKE_ASKERS_MAX; i++)
		if (s->revoke_askers[i].number == 0)
			return &s->revoke_askers[i];
	return NULL;
}

static ch_err pass_on(struct supervisor *s, size_t group, uint32_t number)
{
	const struct process *issuer = process_find(s, ROLE_ISSUER, group);
	const struct control c = { .kind = CONTROL_REVOKE,
				   .generation = number,
				   .name = s->plan.groups[group].name };
	if (!issuer || !issuer->ready || issuer->control < 0)
		return ch_fail(CH_E_BUSY, "the issuer is not here yet", group);
	return control_send(issuer->control, &c, NULL);
}

void revoke_ask(struct supervisor *s, size_t group, int fd)
{
	struct revoke_asker *a = free_place(s);
	ch_err e = a ? CH_DONE : ch_fail(CH_E_BUSY, "too many ask at once", REVOKE_ASKERS_MAX);
	if (++s->revoke_asked == 0)
		s->revoke_asked = 1;
	if (!failed(e))
		e = pass_on(s, group, s->revoke_asked);
	if (failed(e)) {
		control_answer(fd, e);
		fd_close(&fd);
		return;
	}
	*a = (struct revoke_asker){ .fd = fd,
				    .number = s->revoke_asked,
				    .group = group,
				    .until_ns = clock_mono_ns() + (uint64_t)PATIENCE_MS * 1000000 };
}

void revoke_answered(struct supervisor *s, const struct process *issuer, const struct control *c)
{
	for (size_t i = 0; i < REVOKE_ASKERS_MAX; i++) {
		struct revoke_asker *a = &s->revoke_askers[i];
		if (a->number != 0 && a->number == c->generation && a->group == issuer->group)
			end(a, c->code == CH_OK ? CH_DONE
						: ch_err_from_wire((uint16_t)c->code, c->detail));
	}
}

void revoke_gone(struct supervisor *s, size_t group)
{
	for (size_t i = 0; i < REVOKE_ASKERS_MAX; i++) {
		struct revoke_asker *a = &s->revoke_askers[i];
		if (a->number != 0 && a->group == group)
			end(a, ch_fail(CH_E_BUSY, "the issuer ended before it answered", group));
	}
}

int revoke_due(struct supervisor *s)
{
	uint64_t now = clock_mono_ns();
	int wait_ms = -1;
	for (size_t i = 0; i < REVOKE_ASKERS_MAX; i++) {
		struct revoke_asker *a = &s->revoke_askers[i];
		if (a->number == 0)
			continue;
		if (now >= a->until_ns) {
			end(a, ch_fail(CH_E_GONE, "the issuer does not answer", PATIENCE_MS));
			continue;
		}
		int ms = (int)((a->until_ns - now) / 1000000) + 1;
		wait_ms = wait_ms < 0 || ms < wait_ms ? ms : wait_ms;
	}
	return wait_ms;
}
