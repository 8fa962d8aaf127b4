/* Shows tokens to gates over many connections at a time: POST /introspect, one question at a time on
 * each. A gate that is restarted is asked again; what is refused too, if they are patient. */
#include "genuine.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/rw.h"

static const uint64_t ms = 1000000;

static void put(struct queue *q, size_t token)
{
	q->at[(q->first + q->n++) % BATCH_MAX] = (uint16_t)token;
}

static void ask_again(struct show *s, const struct connection *c, uint64_t in_ms)
{
	struct token *t = &s->tokens[c->token];
	uint64_t now = clock_mono_ns();
	if (now - t->since_ns > PATIENCE_S * 1000 * ms)
		die(t->was_refused ? "a genuine token does not pass" : "no answer from a gate");
	t->due_ns = now + in_ms * ms;
	put(&s->waiting[c->gate], c->token);
}

/* Whatever was under way is asked again. */
static void hang_up(struct show *s, struct connection *c)
{
	if (c->state == ASKING || c->state == HEARING) {
		s->unheard++;
		ask_again(s, c, AGAIN_MS);
	}
	(void)close(c->fd);
	c->fd = -1;
	c->state = CLOSED;
	c->due_ns = clock_mono_ns() + AGAIN_MS * ms;
}

static void call(const struct show *s, struct connection *c)
{
	const int on = 1;
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(s->ports[c->gate]),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("no socket");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->state = IDLE;
	/* a refusal is heard when something is sent */
	if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0 && errno != EINPROGRESS) {
		(void)close(c->fd);
		c->fd = -1;
		c->state = CLOSED;
		c->due_ns = clock_mono_ns() + AGAIN_MS * ms;
	}
}

/* The next token that is due at its gate. */
static void ask(struct show *s, struct connection *c)
{
	struct queue *q = &s->waiting[c->gate];
	struct wr w = wr_of(c->room, sizeof(c->room));
	if (q->n == 0 || s->tokens[q->at[q->first]].due_ns > clock_mono_ns())
		return;
	c->token = q->at[q->first];
	q->first = (q->first + 1) % BATCH_MAX;
	q->n--;
	const struct token *t = &s->tokens[c->token];
	wr_str(&w, LIT("POST /introspect HTTP/1.1\r\nHost: localhost\r\nAuthorization: "));
	wr_str(&w, str_from_c(s->authorization));
	wr_str(&w, LIT("\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "));
	wr_dec(&w, t->n + 6u);
	wr_str(&w, LIT("\r\n\r\ntoken="));
	wr_str(&w, (str){ t->text, t->n });
	c->n = wr_bytes(&w).n;
	c->sent = 0;
	c->state = ASKING;
}

static void send_more(struct show *s, struct connection *c)
{
	ssize_t n = send(c->fd, c->room + c->sent, c->n - c->sent, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		hang_up(s, c);
		return;
	}
	c->sent += (size_t)n;
	if (c->sent == c->n) {
		c->state = HEARING;
		c->n = 0;
	}
}

static bool has(const struct connection *c, const char *what)
{
	return memmem(c->room, c->n, what, strlen(what)) != NULL;
}

/* Is the answer whole? All of ours are JSON of a said length. */
static bool is_whole(const struct connection *c)
{
	const char *length = memmem(c->room, c->n, "ontent-Length: ", 15);
	const char *end = memmem(c->room, c->n, "\r\n\r\n", 4);
	uint64_t n = 0;
	if (!end)
		return false;
	str text = { (const char *)c->room, (size_t)(end - (const char *)c->room) };
	if (!length || length > end)
		die("an answer without a length");
	str rest = str_sub(text, (size_t)(length + 15 - text.p), text.n);
	if (!str_to_u64(str_cut(&rest, '\r'), ANSWER_MAX, &n))
		die("an answer of that length");
	return c->n >= text.n + 4 + n;
}

static void answered(struct show *s, struct connection *c)
{
	struct token *t = &s->tokens[c->token];
	bool is_known = has(c, "HTTP/1.1 200 "), is_active = has(c, "\"active\":true");
	c->state = IDLE;
	if (!is_known) {
		s->unheard++;
		ask_again(s, c, AGAIN_MS);
	} else if (is_active) {
		s->passed++;
		s->left--;
	} else {
		s->refused += !t->was_refused;
		t->was_refused = true;
		if (s->is_patient)
			ask_again(s, c, REFUSED_AGAIN_MS);
		else
			s->left--;
	}
	if (has(c, "Connection: close"))
		hang_up(s, c);
}

static void hear(struct show *s, struct connection *c)
{
	ssize_t n = recv(c->fd, c->room + c->n, sizeof(c->room) - c->n, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || c->state != HEARING) {
		hang_up(s, c);
		return;
	}
	c->n += (size_t)n;
	if (is_whole(c))
		answered(s, c);
}

static void turn(struct show *s)
{
	struct pollfd p[GATES_MAX * EACH];
	size_t n = s->gates * EACH;
	for (size_t i = 0; i < n; i++) {
		struct connection *c = &s->c[i];
		if (c->state == CLOSED && c->due_ns <= clock_mono_ns())
			call(s, c);
		if (c->state == IDLE)
			ask(s, c);
		p[i] = (struct pollfd){ .fd = c->state == CLOSED ? -1 : c->fd,
					.events = c->state == ASKING ? POLLOUT : POLLIN };
	}
	/* what is due later is looked for again soon */
	if (poll(p, n, AGAIN_MS / 2) < 0 && errno != EINTR)
		die("poll");
	for (size_t i = 0; i < n; i++) {
		struct connection *c = &s->c[i];
		if (c->state == ASKING && p[i].revents)
			send_more(s, c);
		else if (c->state != CLOSED && p[i].revents)
			hear(s, c);
	}
}

void show_all(struct show *s, size_t n)
{
	for (size_t i = 0; i < GATES_MAX * EACH; i++)
		s->c[i].gate = i / EACH;
	for (size_t i = 0; i < n; i++) {
		uint8_t any = 0;
		rand_fill(&any, 1);
		s->tokens[i].since_ns = clock_mono_ns();
		put(&s->waiting[any % s->gates], i);
	}
	s->left = n;
	while (s->left > 0)
		turn(s);
}
