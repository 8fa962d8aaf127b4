/* Dovecot for `chancery serve --dev --mail`: Debian's own program, run as an ordinary
 * user, believing nobody but our gate. */
#pragma once
#include <sys/types.h>

#include "base/path.h"

enum { DEV_MAIL_USERS_MAX = 8 };

struct dev_mail_wish {
	str dir;               /* absolute; mail/ is made in it */
	uint32_t port;         /* of IMAP on 127.0.0.1; 0: a free one */
	str introspection_url; /* with the gate's client id and secret: http://ID:SECRET@… */
	size_t n_users;
	str users[DEV_MAIL_USERS_MAX]; /* who get a mailbox with one mail in it */
};

struct dev_mail {
	pid_t pid; /* 0: none */
	uint32_t port;
	struct path config; /* DIR/mail/dovecot.conf */
	struct path link;   /* a short name of DIR/mail for its sockets; empty: none was needed */
};

/* Writes DIR/mail/, starts Dovecot (as nobody:nogroup if we are root, else as we are)
 * and waits until IMAP greets. What Dovecot says is in DIR/mail/dovecot.log.
 * E_NOT_FOUND: Dovecot is not installed. E_GONE: it ended at once, E_BUSY: it did not greet within 20 seconds; the log
 * says why. It dies with the thread that called this. */
ch_err dev_mail_start(const struct dev_mail_wish *wish, struct dev_mail *ret_mail);
/* SIGTERM, then SIGKILL after five seconds. Fine when there is none. */
void dev_mail_stop(struct dev_mail *m);
